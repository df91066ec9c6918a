//! One open connection to either database, and what statements do on it.
use sea_orm::{ExecResult, QueryResult, Statement, sea_query::Values};
use sea_query_sqlx::SqlxValues;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, IntoArguments,
    PgConnection, SqliteConnection, postgres::PgConnectOptions, query::Query,
    sqlite::SqliteConnectOptions,
};

/// How connections are opened.
#[derive(Clone, Debug)]
pub(crate) enum Opening {
    Sqlite(SqliteConnectOptions),
    Postgres(PgConnectOptions),
}

impl Opening {
    /// A new connection. One to a server belongs to the runtime around the caller.
    pub(super) async fn open(&self) -> sqlx::Result<Connection> {
        Ok(match self {
            Self::Sqlite(options) => Connection::Sqlite(options.connect().await?),
            Self::Postgres(options) => Connection::Postgres(options.connect().await?),
        })
    }

    /// Whether connections only work for as long as the runtime does that they were opened in.
    /// Those of `SQLite` have a thread of their own.
    pub(super) const fn binds_to_runtime(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

/// An open connection.
#[derive(Debug)]
pub(super) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Connection {
    pub(super) async fn execute(&mut self, statement: Statement) -> sqlx::Result<ExecResult> {
        Ok(match self {
            Self::Sqlite(connection) => query(statement).execute(connection).await?.into(),
            Self::Postgres(connection) => query(statement).execute(connection).await?.into(),
        })
    }

    pub(super) async fn execute_unprepared(&mut self, sql: String) -> sqlx::Result<ExecResult> {
        let sql = AssertSqlSafe(sql);
        Ok(match self {
            Self::Sqlite(connection) => connection.execute(sql).await?.into(),
            Self::Postgres(connection) => connection.execute(sql).await?.into(),
        })
    }

    pub(super) async fn query_one(
        &mut self,
        statement: Statement,
    ) -> sqlx::Result<Option<QueryResult>> {
        Ok(match self {
            Self::Sqlite(connection) => {
                query(statement).fetch_optional(connection).await?.map(Into::into)
            }
            Self::Postgres(connection) => {
                query(statement).fetch_optional(connection).await?.map(Into::into)
            }
        })
    }

    pub(super) async fn query_all(
        &mut self,
        statement: Statement,
    ) -> sqlx::Result<Vec<QueryResult>> {
        Ok(match self {
            Self::Sqlite(connection) => {
                let rows = query(statement).fetch_all(connection).await?;
                rows.into_iter().map(Into::into).collect()
            }
            Self::Postgres(connection) => {
                let rows = query(statement).fetch_all(connection).await?;
                rows.into_iter().map(Into::into).collect()
            }
        })
    }

    /// Asks for a sign of life, and waits until nothing is under way on it any more.
    pub(super) async fn ping(&mut self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(connection) => connection.ping().await,
            Self::Postgres(connection) => connection.ping().await,
        }
    }

    pub(super) async fn close(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection) => connection.close().await,
        }
    }
}

/// A statement that was built, not written by a caller.
fn query<DB: sqlx::Database>(statement: Statement) -> Query<'static, DB, SqlxValues>
where
    SqlxValues: IntoArguments<DB>,
{
    let values = statement.values.unwrap_or_else(|| Values(Vec::new()));
    sqlx::query_with(AssertSqlSafe(statement.sql), SqlxValues(values))
}
