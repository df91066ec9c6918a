//! Lots of credits.
use cape_domain::{
    billing::{CreditGrant, Credits, GrantMove},
    ids::{GrantId, OrderId, WorkspaceId},
    store::StoreError,
    time::Timestamp,
};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, sea_query::Expr,
};

use crate::{error, store::SqlWork};

pub(super) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "credit_grants")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub workspace_id: Uuid,
        pub source: String,
        pub order_id: Option<Uuid>,
        pub amount: i64,
        pub remaining: i64,
        pub held: i64,
        pub expires_at: Option<DateTimeUtc>,
        pub created_at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

pub(super) const WHAT: &str = "credit grant";

/// In these words, and not with a parameter, the index over open lots is of use.
fn remains() -> Expr {
    Expr::col(Column::Remaining).gt(Expr::Constant(0.into()))
}

pub(super) async fn open(
    work: &SqlWork,
    workspace: WorkspaceId,
) -> Result<Vec<CreditGrant>, StoreError> {
    let rows = row::Entity::find()
        .filter(work.within(Column::WorkspaceId))
        .filter(Column::WorkspaceId.eq(workspace.raw()))
        .filter(remains())
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .all(&work.transaction)
        .await
        .map_err(error::on(WHAT))?;
    rows.iter().map(from_row).collect()
}

pub(super) async fn used(
    work: &SqlWork,
    workspace: WorkspaceId,
) -> Result<Vec<CreditGrant>, StoreError> {
    let there = Expr::col(Column::Remaining).add(Expr::col(Column::Held));
    let rows = row::Entity::find()
        .filter(work.within(Column::WorkspaceId))
        .filter(Column::WorkspaceId.eq(workspace.raw()))
        .filter(Expr::col(Column::Amount).gt(there))
        .all(&work.transaction)
        .await
        .map_err(error::on(WHAT))?;
    rows.iter().map(from_row).collect()
}

pub(super) async fn expired(
    work: &SqlWork,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<CreditGrant>, StoreError> {
    let rows = row::Entity::find()
        .filter(work.within(Column::WorkspaceId))
        .filter(Column::ExpiresAt.lte(now))
        .filter(remains())
        .order_by_asc(Column::ExpiresAt)
        .order_by_asc(Column::Id)
        .limit(u64::from(limit))
        .all(&work.transaction)
        .await
        .map_err(error::on(WHAT))?;
    rows.iter().map(from_row).collect()
}

pub(super) async fn of_ids(
    work: &SqlWork,
    ids: &[GrantId],
) -> Result<Vec<CreditGrant>, StoreError> {
    if ids.is_empty() {
        return Ok(vec![]);
    }
    let rows = row::Entity::find()
        .filter(work.within(Column::WorkspaceId))
        .filter(Column::Id.is_in(ids.iter().map(|id| id.raw())))
        .all(&work.transaction)
        .await
        .map_err(error::on(WHAT))?;
    rows.iter().map(from_row).collect()
}

pub(super) async fn insert(work: &SqlWork, grant: &CreditGrant) -> Result<(), StoreError> {
    row::Entity::insert(to_row(grant).into_active_model())
        .exec_without_returning(&work.transaction)
        .await
        .map_err(error::on(WHAT))?;
    Ok(())
}

/// Moves one lot after the other, in the order of their ids, so that two who move the same lots
/// never wait for each other.
pub(super) async fn shift(work: &SqlWork, moves: &[GrantMove]) -> Result<(), StoreError> {
    let mut moves = moves.to_vec();
    moves.sort_by_key(|step| step.grant);
    for GrantMove { grant, remaining, held } in moves {
        let result = row::Entity::update_many()
            .col_expr(Column::Remaining, Expr::col(Column::Remaining).add(remaining.micros()))
            .col_expr(Column::Held, Expr::col(Column::Held).add(held.micros()))
            .filter(Column::Id.eq(grant.raw()))
            .filter(work.within(Column::WorkspaceId))
            .filter(super::has_room(Column::Remaining, remaining))
            .filter(super::has_room(Column::Held, held))
            .exec(&work.transaction)
            .await
            .map_err(error::on(WHAT))?;
        if result.rows_affected == 0 {
            return Err(refusal(work, GrantMove { grant, remaining, held }).await?);
        }
    }
    Ok(())
}

/// Why a lot did not move: it has not that much, or it would have more than fits.
async fn refusal(work: &SqlWork, step: GrantMove) -> Result<StoreError, StoreError> {
    let row = row::Entity::find_by_id(step.grant.raw())
        .filter(work.within(Column::WorkspaceId))
        .one(&work.transaction)
        .await
        .map_err(error::on(WHAT))?;
    let Some(row) = row else { return Ok(StoreError::Conflict { what: WHAT }) };
    let remaining = Credits::from_micros(row.remaining).plus(step.remaining);
    let held = Credits::from_micros(row.held).plus(step.held);
    Ok(match remaining.and(held) {
        Ok(_) => StoreError::Conflict { what: WHAT },
        Err(e) => error::corrupt(WHAT, e),
    })
}

fn from_row(row: &row::Model) -> Result<CreditGrant, StoreError> {
    Ok(CreditGrant {
        id: GrantId::new(row.id),
        workspace: WorkspaceId::new(row.workspace_id),
        source: row.source.parse().map_err(|e| error::corrupt(WHAT, e))?,
        order: row.order_id.map(OrderId::new),
        amount: Credits::from_micros(row.amount),
        remaining: Credits::from_micros(row.remaining),
        held: Credits::from_micros(row.held),
        expires_at: row.expires_at,
        created_at: row.created_at,
    })
}

fn to_row(grant: &CreditGrant) -> row::Model {
    row::Model {
        id: grant.id.raw(),
        workspace_id: grant.workspace.raw(),
        source: grant.source.name().to_owned(),
        order_id: grant.order.map(OrderId::raw),
        amount: grant.amount.micros(),
        remaining: grant.remaining.micros(),
        held: grant.held.micros(),
        expires_at: grant.expires_at,
        created_at: grant.created_at,
    }
}
