//! What a workspace used, model by model: one query over its calls.
//!
//! Sums are cast to what they are sums of: a sum that does not fit is an error, never less.
use cape_domain::{
    billing::Credits,
    ids::WorkspaceId,
    store::StoreError,
    usage::{ModelUsage, QuotaPeriod, TokenCounts, UsdAmount},
};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, FromQueryResult, Order, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
    sea_query::{CaseStatement, Expr},
};

use super::calls::{
    WHAT,
    row::{Column, Entity},
};
use crate::{error, store::SqlWork};

#[derive(FromQueryResult)]
struct Row {
    model: String,
    provider: String,
    settled: i64,
    failed: i64,
    running: i64,
    input: i64,
    cached_input: i64,
    cache_write: i64,
    output: i64,
    reasoning: i64,
    cost_pico: i64,
    charge_micros: i64,
}

pub(super) async fn by_model(
    work: &SqlWork,
    workspace: WorkspaceId,
    period: QuotaPeriod,
) -> Result<Vec<ModelUsage>, StoreError> {
    let mut calls = Entity::find()
        .select_only()
        .columns([Column::Model, Column::Provider])
        .filter(work.within(Column::WorkspaceId))
        .filter(Column::WorkspaceId.eq(workspace.raw()))
        .filter(Column::StartedAt.gte(period.start))
        .filter(Column::StartedAt.lt(period.end))
        .group_by(Column::Model)
        .group_by(Column::Provider);
    for state in ["settled", "failed", "running"] {
        calls = calls.column_as(sum(state, Expr::value(1_i64)), state);
    }
    for (column, name) in [
        (Column::Input, "input"),
        (Column::CachedInput, "cached_input"),
        (Column::CacheWrite, "cache_write"),
        (Column::Output, "output"),
        (Column::Reasoning, "reasoning"),
        (Column::CostPico, "cost_pico"),
        (Column::ChargeMicros, "charge_micros"),
    ] {
        calls = calls.column_as(sum("settled", Expr::col(column)), name);
    }
    let rows = calls
        .order_by(sum("settled", Expr::col(Column::ChargeMicros)), Order::Desc)
        .order_by_asc(Column::Model)
        .order_by_asc(Column::Provider)
        .into_model::<Row>()
        .all(&work.transaction)
        .await
        .map_err(error::on(WHAT))?;
    rows.into_iter().map(from_row).collect()
}

/// The sum over the calls in a state.
fn sum(state: &'static str, each: Expr) -> Expr {
    let of_state = CaseStatement::new().case(Column::State.eq(state), each).finally(0_i64);
    Expr::Case(Box::new(of_state)).sum().cast_as("bigint")
}

fn from_row(row: Row) -> Result<ModelUsage, StoreError> {
    Ok(ModelUsage {
        model: row.model,
        provider: row.provider.parse().map_err(|e| error::corrupt(WHAT, e))?,
        settled: error::number(WHAT, row.settled)?,
        failed: error::number(WHAT, row.failed)?,
        running: error::number(WHAT, row.running)?,
        tokens: TokenCounts {
            input: error::number(WHAT, row.input)?,
            cached_input: error::number(WHAT, row.cached_input)?,
            cache_write: error::number(WHAT, row.cache_write)?,
            output: error::number(WHAT, row.output)?,
            reasoning: error::number(WHAT, row.reasoning)?,
        },
        cost: UsdAmount::from_pico(row.cost_pico).map_err(|e| error::corrupt(WHAT, e))?,
        charge: Credits::from_micros(row.charge_micros),
    })
}
