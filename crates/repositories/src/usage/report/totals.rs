//! What calls used, added up: by group, and by parts of a period.
use cape_domain::{
    billing::Credits,
    ids::{ApiKeyId, UserId, WorkspaceId},
    store::StoreError,
    time::Timestamp,
    usage::{
        BucketUsage, CallFilter, Group, GroupBy, GroupUsage, QuotaPeriod, TokenCounts, Usage,
        UsdAmount,
    },
};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, ExprTrait as _, QueryResult, TryGetable,
    prelude::Uuid,
    sea_query::{CaseStatement, Expr, Query, SelectStatement},
};

use super::{
    super::calls::{
        WHAT,
        row::{Column, Entity},
    },
    matching,
};
use crate::{error, store::SqlWork};

/// The name of the number of a part.
const PART: &str = "part";

/// What is added up, and its name.
const SUMMED: [(Column, &str); 7] = [
    (Column::Input, "input"),
    (Column::CachedInput, "cached_input"),
    (Column::CacheWrite, "cache_write"),
    (Column::Output, "output"),
    (Column::Reasoning, "reasoning"),
    (Column::CostPico, "cost_pico"),
    (Column::ChargeMicros, "charge_micros"),
];

pub(super) async fn by_group(
    work: &SqlWork,
    workspace: WorkspaceId,
    filter: &CallFilter,
    by: GroupBy,
    most: u32,
) -> Result<Vec<GroupUsage>, StoreError> {
    let mut totals = Query::select();
    totals.from(Entity).cond_where(matching(work, workspace, filter)).limit(most.into());
    group_by(&mut totals, by);
    sums(&mut totals);
    let rows = work.transaction.query_all(&totals).await.map_err(error::on(WHAT))?;
    let group = |row| Ok(GroupUsage { group: group(&row, by)?, usage: usage(&row)? });
    let mut groups = rows.into_iter().map(group).collect::<Result<Vec<_>, StoreError>>()?;
    GroupUsage::dearest_first(&mut groups);
    Ok(groups)
}

/// Every call is put into its part by some ten comparisons, so that each is looked at once: a join
/// with the parts would leave it to the planner whether each is looked at for every part.
pub(super) async fn by_part(
    work: &SqlWork,
    workspace: WorkspaceId,
    filter: &CallFilter,
    parts: &[QuotaPeriod],
    by: Option<GroupBy>,
    most: u32,
) -> Result<Vec<BucketUsage>, StoreError> {
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return Ok(vec![]) };
    let edges: Vec<_> = parts.iter().map(|part| part.start).collect();
    let mut calls = Query::select();
    calls
        .expr_as(part_of(0, &edges), PART)
        .columns(SUMMED.map(|(column, _)| column))
        .columns([Column::State, Column::UserId, Column::KeyId, Column::Model, Column::Provider])
        .from(Entity)
        .cond_where(matching(work, workspace, filter))
        .and_where(Column::StartedAt.gte(first.start))
        .and_where(Column::StartedAt.lt(last.end));
    let mut totals = Query::select();
    // Under the name of the table, so that its columns are found in it.
    totals.column(PART).from_subquery(calls, Entity).group_by_col(PART).limit(most.into());
    if let Some(by) = by {
        group_by(&mut totals, by);
    }
    sums(&mut totals);
    let rows = work.transaction.query_all(&totals).await.map_err(error::on(WHAT))?;
    let cell = |row: QueryResult| {
        let bucket = error::number(WHAT, get(&row, PART)?)?;
        let group = by.map(|by| group(&row, by)).transpose()?;
        Ok(BucketUsage { bucket, group, usage: usage(&row)? })
    };
    rows.into_iter().map(cell).collect()
}

/// The number of the part that a call falls into: of those that begin at these edges, of which
/// the first has the number `from`. The edges are halved until one is left.
fn part_of(from: usize, edges: &[Timestamp]) -> Expr {
    let middle = edges.len() / 2;
    match edges.get(middle) {
        Some(edge) if middle > 0 => {
            let (before, after) = edges.split_at(middle);
            let halves = CaseStatement::new()
                .case(Column::StartedAt.lt(*edge), part_of(from, before))
                .finally(part_of(from + middle, after));
            Expr::Case(Box::new(halves))
        }
        Some(_) | None => Expr::value(i64::try_from(from).unwrap_or(i64::MAX)),
    }
}

/// The columns that tell groups apart.
pub(super) const fn columns(by: GroupBy) -> &'static [Column] {
    match by {
        GroupBy::User => &[Column::UserId],
        GroupBy::Key => &[Column::KeyId],
        GroupBy::Model => &[Column::Model, Column::Provider],
        GroupBy::Provider => &[Column::Provider],
    }
}

pub(super) fn group_by(totals: &mut SelectStatement, by: GroupBy) {
    for column in columns(by) {
        totals.column(column.as_column_ref()).group_by_col(column.as_column_ref());
    }
}

fn sums(totals: &mut SelectStatement) {
    for state in ["settled", "failed", "running"] {
        totals.expr_as(sum(state, Expr::value(1_i64)), state);
    }
    for (column, name) in SUMMED {
        totals.expr_as(sum("settled", Expr::col(column.as_column_ref())), name);
    }
}

/// The sum over the calls in a state.
fn sum(state: &'static str, each: Expr) -> Expr {
    let of_state = CaseStatement::new().case(Column::State.eq(state), each).finally(0_i64);
    Expr::Case(Box::new(of_state)).sum().cast_as("bigint")
}

pub(super) fn get<T: TryGetable>(row: &QueryResult, column: &str) -> Result<T, StoreError> {
    row.try_get("", column).map_err(error::on(WHAT))
}

pub(super) fn group(row: &QueryResult, by: GroupBy) -> Result<Group, StoreError> {
    let provider = || {
        let name: String = get(row, "provider")?;
        name.parse().map_err(|e| error::corrupt(WHAT, e))
    };
    Ok(match by {
        GroupBy::User => Group::User(UserId::new(get::<Uuid>(row, "user_id")?)),
        GroupBy::Key => Group::Key(ApiKeyId::new(get::<Uuid>(row, "key_id")?)),
        GroupBy::Model => Group::Model { model: get(row, "model")?, provider: provider()? },
        GroupBy::Provider => Group::Provider(provider()?),
    })
}

fn usage(row: &QueryResult) -> Result<Usage, StoreError> {
    let count = |column| error::number(WHAT, get(row, column)?);
    Ok(Usage {
        settled: count("settled")?,
        failed: count("failed")?,
        running: count("running")?,
        tokens: TokenCounts {
            input: count("input")?,
            cached_input: count("cached_input")?,
            cache_write: count("cache_write")?,
            output: count("output")?,
            reasoning: count("reasoning")?,
        },
        cost: UsdAmount::from_pico(get(row, "cost_pico")?).map_err(|e| error::corrupt(WHAT, e))?,
        charge: Credits::from_micros(get(row, "charge_micros")?),
    })
}
