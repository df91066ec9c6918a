//! Holds and what they reserved of which lots.
use std::collections::HashMap;

use cape_domain::{
    billing::{Allocation, Credits, Hold, HoldState},
    ids::{GrantId, HoldId, ProcessId, WorkspaceId},
    store::StoreError,
    time::Timestamp,
};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, ExprTrait as _, IntoActiveModel as _,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    prelude::Uuid,
    sea_query::{Expr, OnConflict},
};

use crate::{error, store::SqlWork};

pub(in crate::billing) mod row {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "holds")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub workspace_id: Uuid,
        pub amount: i64,
        pub process_id: Uuid,
        pub created_at: DateTimeUtc,
        pub deadline: DateTimeUtc,
        pub state: String,
        pub used: Option<i64>,
        pub ended_at: Option<DateTimeUtc>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod allocation {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "hold_allocations")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub hold_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub line: i16,
        pub grant_id: Uuid,
        pub amount: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

use row::Column;

pub(super) const WHAT: &str = "hold";

/// In these words, and not with a parameter, the indexes over open holds are of use.
fn is_open() -> Expr {
    Expr::col(Column::State).eq(Expr::Constant("open".into()))
}

pub(super) async fn find(work: &SqlWork, id: HoldId) -> Result<Option<Hold>, StoreError> {
    let row = row::Entity::find_by_id(id.raw())
        .filter(work.within(Column::WorkspaceId))
        .one(&work.transaction)
        .await
        .map_err(error::on(WHAT))?;
    Ok(with_allocations(work, row.into_iter().collect()).await?.pop())
}

pub(super) async fn of_process(
    work: &SqlWork,
    process: ProcessId,
    limit: u32,
) -> Result<Vec<Hold>, StoreError> {
    open(work, Condition::all().add(Column::ProcessId.eq(process.raw())), limit).await
}

pub(super) async fn overdue(
    work: &SqlWork,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Hold>, StoreError> {
    open(work, Condition::all().add(Column::Deadline.lt(now)), limit).await
}

async fn open(work: &SqlWork, which: Condition, limit: u32) -> Result<Vec<Hold>, StoreError> {
    let rows = row::Entity::find()
        .filter(work.within(Column::WorkspaceId))
        .filter(is_open())
        .filter(which)
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .limit(u64::from(limit))
        .all(&work.transaction)
        .await
        .map_err(error::on(WHAT))?;
    with_allocations(work, rows).await
}

async fn with_allocations(work: &SqlWork, rows: Vec<row::Model>) -> Result<Vec<Hold>, StoreError> {
    if rows.is_empty() {
        return Ok(vec![]);
    }
    let parts = allocation::Entity::find()
        .filter(allocation::Column::HoldId.is_in(rows.iter().map(|row| row.id)))
        .order_by_asc(allocation::Column::HoldId)
        .order_by_asc(allocation::Column::Line)
        .all(&work.transaction)
        .await
        .map_err(error::on(WHAT))?;
    let mut allocations = HashMap::<Uuid, Vec<Allocation>>::new();
    for part in parts {
        let (grant, amount) = (GrantId::new(part.grant_id), Credits::from_micros(part.amount));
        allocations.entry(part.hold_id).or_default().push(Allocation { grant, amount });
    }
    rows.iter().map(|row| from_row(row, allocations.remove(&row.id).unwrap_or_default())).collect()
}

pub(super) async fn insert(work: &SqlWork, holds: &[Hold]) -> Result<(), StoreError> {
    if holds.is_empty() {
        return Ok(());
    }
    row::Entity::insert_many(holds.iter().map(|hold| to_row(hold).into_active_model()))
        .exec_without_returning(&work.transaction)
        .await
        .map_err(error::on(WHAT))?;
    let parts: Vec<_> = holds.iter().map(to_allocations).collect::<Result<_, _>>()?;
    let parts = parts.into_iter().flatten().map(allocation::Model::into_active_model);
    allocation::Entity::insert_many(parts)
        .exec_without_returning(&work.transaction)
        .await
        .map_err(error::on(WHAT))?;
    Ok(())
}

/// A hold ends once: the state is compared and set in one statement. It is an insertion that
/// meets the rows that are there, because then each can be set to something of its own.
pub(super) async fn end(work: &SqlWork, holds: &[Hold]) -> Result<(), StoreError> {
    if holds.iter().any(|hold| hold.state == HoldState::Open) {
        return Err(error::corrupt(WHAT, "an open hold has not ended"));
    }
    let rows: Vec<_> = holds.iter().map(to_row).collect();
    let known = row::Entity::find()
        .filter(Column::Id.is_in(rows.iter().map(|row| row.id)))
        .filter(is_open())
        .count(&work.transaction)
        .await
        .map_err(error::on(WHAT))?;
    if known != rows.len() as u64 {
        return Err(StoreError::Conflict { what: WHAT });
    }
    let ended = OnConflict::column(Column::Id)
        .update_columns([Column::State, Column::Used, Column::EndedAt])
        .action_and_where(Expr::col((row::Entity, Column::State)).eq(Expr::Constant("open".into())))
        .to_owned();
    let count = rows.len() as u64;
    let changed = row::Entity::insert_many(rows.into_iter().map(row::Model::into_active_model))
        .on_conflict(ended)
        .exec_without_returning(&work.transaction)
        .await
        .map_err(error::on(WHAT))?;
    if changed == count { Ok(()) } else { Err(StoreError::Conflict { what: WHAT }) }
}

fn from_row(row: &row::Model, allocations: Vec<Allocation>) -> Result<Hold, StoreError> {
    let state = match (row.state.as_str(), row.used, row.ended_at) {
        ("open", None, None) => HoldState::Open,
        ("settled", Some(used), Some(at)) => {
            HoldState::Settled { at, used: Credits::from_micros(used) }
        }
        ("released", None, Some(at)) => HoldState::Released { at },
        (state, ..) => return Err(error::corrupt(WHAT, format!("unsound state `{state}`"))),
    };
    Ok(Hold {
        id: HoldId::new(row.id),
        workspace: WorkspaceId::new(row.workspace_id),
        amount: Credits::from_micros(row.amount),
        allocations,
        process: ProcessId::new(row.process_id),
        created_at: row.created_at,
        deadline: row.deadline,
        state,
    })
}

fn to_row(hold: &Hold) -> row::Model {
    let (used, ended_at) = match hold.state {
        HoldState::Open => (None, None),
        HoldState::Settled { at, used } => (Some(used.micros()), Some(at)),
        HoldState::Released { at } => (None, Some(at)),
    };
    row::Model {
        id: hold.id.raw(),
        workspace_id: hold.workspace.raw(),
        amount: hold.amount.micros(),
        process_id: hold.process.raw(),
        created_at: hold.created_at,
        deadline: hold.deadline,
        state: hold.state.name().to_owned(),
        used,
        ended_at,
    }
}

fn to_allocations(hold: &Hold) -> Result<Vec<allocation::Model>, StoreError> {
    let row = |(line, part): (usize, &Allocation)| {
        Ok(allocation::Model {
            hold_id: hold.id.raw(),
            line: i16::try_from(line).map_err(|e| error::corrupt(WHAT, e))?,
            grant_id: part.grant.raw(),
            amount: part.amount.micros(),
        })
    };
    hold.allocations.iter().enumerate().map(row).collect()
}
