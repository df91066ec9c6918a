//! Balances. A movement tests the floor and the ceiling and moves in one statement, so two
//! transactions never take the same credit, and no sum ever wraps around or loses its last
//! digits.
use std::collections::BTreeMap;

use cape_domain::{
    billing::{Balance, BalanceChange, Credits, Posted, Transaction},
    ids::WorkspaceId,
    store::StoreError,
};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, IntoActiveModel as _,
    QueryFilter as _, QuerySelect as _,
    sea_query::{Expr, OnConflict},
};

use crate::{error, store::SqlWork};

pub(super) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "balances")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub workspace_id: Uuid,
        pub available: i64,
        pub held: i64,
        pub receivable: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

pub(super) const WHAT: &str = "balance";

pub(super) async fn find(work: &SqlWork, workspace: WorkspaceId) -> Result<Balance, StoreError> {
    let row = row::Entity::find_by_id(workspace.raw())
        .filter(work.within(Column::WorkspaceId))
        .one(&work.transaction)
        .await
        .map_err(error::on(WHAT))?;
    Ok(row.as_ref().map_or_else(Balance::default, from_row))
}

pub(super) async fn lock(work: &SqlWork, workspace: WorkspaceId) -> Result<Balance, StoreError> {
    let row = row::Entity::find_by_id(workspace.raw())
        .lock_exclusive()
        .one(&work.transaction)
        .await
        .map_err(error::on(WHAT))?;
    Ok(row.as_ref().map_or_else(Balance::default, from_row))
}

/// What transactions do to balances, in the order of the workspaces' ids.
pub(super) fn changes(
    transactions: &[Transaction],
) -> Result<BTreeMap<WorkspaceId, BalanceChange>, StoreError> {
    let mut changes = BTreeMap::<_, BalanceChange>::new();
    for transaction in transactions {
        let change = transaction.balance_change().map_err(|e| error::corrupt(WHAT, e))?;
        let sum = changes.entry(transaction.workspace).or_default();
        *sum = sum.plus(change).map_err(|e| error::corrupt(WHAT, e))?;
    }
    changes.retain(|_, change| *change != BalanceChange::default());
    Ok(changes)
}

/// Moves balances, all or none. One needs one statement; several share a savepoint, so that
/// those before one that is short are as they were.
pub(super) async fn shift(
    work: &SqlWork,
    changes: BTreeMap<WorkspaceId, BalanceChange>,
) -> Result<Posted, StoreError> {
    if changes.len() < 2 {
        return shift_each(&work.transaction, changes).await;
    }
    let savepoint = work.transaction.savepoint().await.map_err(error::on(WHAT))?;
    let posted = shift_each(&savepoint, changes).await?;
    let ended = match posted {
        Posted::Done => savepoint.commit().await,
        Posted::Short { .. } => savepoint.rollback().await,
    };
    ended.map_err(error::on(WHAT))?;
    Ok(posted)
}

async fn shift_each(
    db: &impl ConnectionTrait,
    changes: BTreeMap<WorkspaceId, BalanceChange>,
) -> Result<Posted, StoreError> {
    for (workspace, change) in changes {
        match shift_one(db, workspace, change).await? {
            Posted::Done => {}
            short @ Posted::Short { .. } => return Ok(short),
        }
    }
    Ok(Posted::Done)
}

async fn shift_one(
    db: &impl ConnectionTrait,
    workspace: WorkspaceId,
    change: BalanceChange,
) -> Result<Posted, StoreError> {
    if update(db, workspace, change).await? {
        return Ok(Posted::Done);
    }
    let row = row::Entity::find_by_id(workspace.raw()).one(db).await.map_err(error::on(WHAT))?;
    let Some(row) = row else { return begin(db, workspace, change).await };
    let balance = from_row(&row);
    match balance.apply(change) {
        Ok(None) => Ok(Posted::Short { balance }),
        // It would do now: somebody else has moved it since.
        Ok(Some(_)) => Err(StoreError::Conflict { what: WHAT }),
        Err(e) => Err(error::corrupt(WHAT, e)),
    }
}

/// The first movement of a workspace makes its row.
async fn begin(
    db: &impl ConnectionTrait,
    workspace: WorkspaceId,
    change: BalanceChange,
) -> Result<Posted, StoreError> {
    let nothing = Balance::default();
    let first = nothing.apply(change).map_err(|e| error::corrupt(WHAT, e))?;
    let Some(first) = first else { return Ok(Posted::Short { balance: nothing }) };
    let row = row::Model {
        workspace_id: workspace.raw(),
        available: first.available.micros(),
        held: first.held.micros(),
        receivable: first.receivable.micros(),
    };
    let inserted = row::Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::column(Column::WorkspaceId).do_nothing().to_owned())
        .exec_without_returning(db)
        .await
        .map_err(error::on(WHAT))?;
    // Nothing inserted: somebody else has just made the row.
    if inserted == 1 || update(db, workspace, change).await? {
        Ok(Posted::Done)
    } else {
        Err(StoreError::Conflict { what: WHAT })
    }
}

/// Adds to a balance, if all of it stays between zero and the most that fits. Says whether it
/// did.
async fn update(
    db: &impl ConnectionTrait,
    workspace: WorkspaceId,
    change: BalanceChange,
) -> Result<bool, StoreError> {
    let mut update = row::Entity::update_many().filter(Column::WorkspaceId.eq(workspace.raw()));
    for (column, change) in [
        (Column::Available, change.available),
        (Column::Held, change.held),
        (Column::Receivable, change.receivable),
    ] {
        update = update
            .col_expr(column, Expr::col(column).add(change.micros()))
            .filter(super::has_room(column, change));
    }
    let result = update.exec(db).await.map_err(error::on(WHAT))?;
    Ok(result.rows_affected == 1)
}

fn from_row(row: &row::Model) -> Balance {
    Balance {
        available: Credits::from_micros(row.available),
        held: Credits::from_micros(row.held),
        receivable: Credits::from_micros(row.receivable),
    }
}
