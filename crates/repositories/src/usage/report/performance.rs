//! How calls were answered: counts, and percentiles that are values of the table (nearest rank).
use std::{collections::BTreeMap, time::Duration};

use cape_domain::{
    billing::Credits,
    ids::WorkspaceId,
    store::StoreError,
    usage::{CallFilter, FailureKind, Group, GroupBy, GroupPerformance, Percentiles, UsdAmount},
};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, ExprTrait as _, Iden as _, QueryResult,
    sea_query::{Expr, Func, Order, OverStatement as _, Query, SelectStatement, WindowStatement},
};

use super::{
    super::calls::{
        WHAT,
        row::{Column, Entity},
    },
    matching,
    totals::{columns, get, group, group_by},
};
use crate::{error, store::SqlWork};

/// Which calls, and by what they are put into groups.
struct Question<'a> {
    work: &'a SqlWork,
    workspace: WorkspaceId,
    filter: &'a CallFilter,
    by: GroupBy,
}

pub(super) async fn by_group(
    work: &SqlWork,
    workspace: WorkspaceId,
    filter: &CallFilter,
    by: GroupBy,
    most: u32,
) -> Result<Vec<GroupPerformance>, StoreError> {
    let question = Question { work, workspace, filter, by };
    let mut groups = question.counts().await?;
    let mut total = question.percentiles(Column::TotalUs).await?;
    let mut provider_time = question.percentiles(Column::ProviderUs).await?;
    let mut first_token = question.percentiles(Column::FirstTokenUs).await?;
    for (name, group) in &mut groups {
        group.total = total.remove(name);
        group.provider_time = provider_time.remove(name);
        group.first_token = first_token.remove(name);
    }
    Ok(groups.into_values().take(most as usize).collect())
}

impl Question<'_> {
    /// How many calls ended how, and what they cost.
    async fn counts(&self) -> Result<BTreeMap<Group, GroupPerformance>, StoreError> {
        let sum = |column: Column| Expr::col(column.as_column_ref()).sum().cast_as("bigint");
        let mut counts = Query::select();
        counts
            .column(Column::Failure.as_column_ref())
            .expr_as(Expr::col(Column::Id.as_column_ref()).count(), "calls")
            .expr_as(sum(Column::CostPico), "cost_pico")
            .expr_as(sum(Column::ChargeMicros), "charge_micros")
            .from(Entity)
            .cond_where(matching(self.work, self.workspace, self.filter))
            .and_where(Column::State.ne("running"))
            .group_by_col(Column::Failure.as_column_ref());
        group_by(&mut counts, self.by);
        let mut groups = BTreeMap::new();
        for row in self.all(&counts).await? {
            let group = group(&row, self.by)?;
            let entry = groups.entry(group.clone()).or_insert_with(|| nothing(group));
            add(entry, &row)?;
        }
        Ok(groups)
    }

    /// The percentiles of the durations in this column, of the calls that are paid for.
    async fn percentiles(
        &self,
        column: Column,
    ) -> Result<BTreeMap<Group, Percentiles>, StoreError> {
        let mut ranked = BTreeMap::<Group, (u64, BTreeMap<u64, Duration>)>::new();
        for row in self.all(&self.ranked(column)).await? {
            let samples = error::number(WHAT, get(&row, "samples")?)?;
            let group = group(&row, self.by)?;
            let (_, values) = ranked.entry(group).or_insert_with(|| (samples, BTreeMap::new()));
            let duration = Duration::from_micros(error::number(WHAT, get(&row, "duration")?)?);
            values.insert(error::number(WHAT, get(&row, "place")?)?, duration);
        }
        let of = |(samples, values): (u64, BTreeMap<u64, Duration>)| {
            let at = |per_cent| {
                let value = values.get(&Percentiles::place(samples, per_cent)).copied();
                value.ok_or_else(|| error::missing(WHAT, "percentile"))
            };
            let [p50, p95, p99] = Percentiles::PER_CENT.map(at);
            Ok(Percentiles { samples, p50: p50?, p95: p95?, p99: p99? })
        };
        ranked.into_iter().map(|(group, found)| Ok((group, of(found)?))).collect()
    }

    /// Those durations that are percentiles, three for each group at most: every duration gets
    /// its place in its group, and those in the right places are taken.
    fn ranked(&self, column: Column) -> SelectStatement {
        let names = columns(self.by);
        let mut of_group = WindowStatement::new();
        of_group.partition_by_columns(names.iter().map(Column::as_column_ref));
        let mut in_order = of_group.clone();
        in_order.order_by(column.as_column_ref(), Order::Asc);
        let durations = Query::select()
            .columns(names.iter().map(Column::as_column_ref))
            .expr_as(Expr::col(column.as_column_ref()), "duration")
            .expr_window_as(Func::cust("ROW_NUMBER"), in_order, "place")
            .expr_window_as(Expr::col(Column::Id.as_column_ref()).count(), of_group, "samples")
            .from(Entity)
            .cond_where(matching(self.work, self.workspace, self.filter))
            .and_where(Column::State.eq("settled"))
            .and_where(column.is_not_null())
            .to_owned();
        let ranks = Percentiles::PER_CENT.map(|per_cent| {
            let per_cent = i64::try_from(per_cent).unwrap_or(i64::MAX);
            // Whole numbers are rounded down when they are divided; this rounds up.
            Expr::col("samples").mul(per_cent).add(99_i64).div(100_i64)
        });
        Query::select()
            .columns(names.iter().map(Column::to_string))
            .columns(["duration", "place", "samples"])
            .from_subquery(durations, "durations")
            .and_where(Expr::col("place").is_in(ranks))
            .to_owned()
    }

    async fn all(&self, statement: &SelectStatement) -> Result<Vec<QueryResult>, StoreError> {
        self.work.transaction.query_all(statement).await.map_err(error::on(WHAT))
    }
}

const fn nothing(group: Group) -> GroupPerformance {
    GroupPerformance {
        group,
        settled: 0,
        failures: vec![],
        total: None,
        provider_time: None,
        first_token: None,
        cost: UsdAmount::ZERO,
        charge: Credits::ZERO,
    }
}

/// Adds the calls of a group that ended alike: for one reason, or for none, which is well.
fn add(group: &mut GroupPerformance, row: &QueryResult) -> Result<(), StoreError> {
    let calls = error::number(WHAT, get(row, "calls")?)?;
    let Some(failure) = get::<Option<String>>(row, "failure")? else {
        group.settled = calls;
        group.cost =
            UsdAmount::from_pico(get(row, "cost_pico")?).map_err(|e| error::corrupt(WHAT, e))?;
        group.charge = Credits::from_micros(get(row, "charge_micros")?);
        return Ok(());
    };
    let place = |name: &str| FailureKind::ALL.iter().position(|kind| kind.name() == name);
    let kind = place(&failure).and_then(|place| FailureKind::ALL.get(place)).copied();
    let kind = kind.ok_or_else(|| error::unknown(WHAT, "failure", &failure))?;
    group.failures.push((kind, calls));
    group.failures.sort_by_key(|(kind, _)| place(kind.name()));
    Ok(())
}
