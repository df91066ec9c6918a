//! What statements go through: one transaction for all of them, or one for each.
use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    QueryResult, Statement, TransactionTrait as _,
};

use crate::{home::Home, pool::Pool};

/// Where statements are carried out.
pub(crate) enum Transaction {
    /// In one transaction, which sees one instant and can be undone.
    One(DatabaseTransaction),
    /// Each by itself, on whichever connection is free: it sees what is committed by then. That
    /// saves beginning and ending, which take as long as a statement each.
    Each { pool: Pool, readers: DatabaseConnection, home: Home },
}

impl Transaction {
    /// A transaction within this one.
    pub(crate) async fn savepoint(&self) -> Result<DatabaseTransaction, DbErr> {
        match self {
            Self::One(transaction) => transaction.begin().await,
            Self::Each { readers, home, .. } => home.open(readers.begin()).await,
        }
    }

    /// Makes every change visible. What went by itself is visible already.
    pub(crate) async fn commit(self) -> Result<(), DbErr> {
        match self {
            Self::One(transaction) => transaction.commit().await,
            Self::Each { .. } => Ok(()),
        }
    }
}

#[async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::One(transaction) => transaction.get_database_backend(),
            Self::Each { readers, .. } => readers.get_database_backend(),
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match self {
            Self::One(transaction) => transaction.execute_raw(statement).await,
            Self::Each { pool, .. } => pool.execute(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match self {
            Self::One(transaction) => transaction.execute_unprepared(sql).await,
            Self::Each { pool, .. } => pool.execute_unprepared(sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match self {
            Self::One(transaction) => transaction.query_one_raw(statement).await,
            Self::Each { pool, .. } => pool.query_one(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::One(transaction) => transaction.query_all_raw(statement).await,
            Self::Each { pool, .. } => pool.query_all(statement).await,
        }
    }
}
