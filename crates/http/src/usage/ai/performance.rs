//! How well models answered the calls of a workspace.
use std::collections::BTreeMap;

use actix_web::{get, web::Json};
use cape_domain::{
    access::ViewUsage,
    usage::{CallFilter, GroupBy, GroupPerformance, Percentiles},
};
use cape_services::usage::{Performance, UsageReports};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{Fields, Permitted, QueryOf, Service},
    usage::reports::{
        filter::{filtered_query, grouped},
        record::millis,
        views::{GroupView, PeriodView},
    },
};

filtered_query! {
    /// Which calls. The period is this calendar month; `from` and `until` stand for its ends.
    pub struct PerformanceQuery {
        /// What groups are made by: `user`, `key`, `model` (unless said) or `provider`.
        pub group_by: Option<String>,
    }
}

/// How calls were answered over a period.
#[derive(Serialize, ToSchema)]
pub struct PerformanceView {
    period: PeriodView,
    /// What the groups are made by.
    #[schema(example = "model")]
    group_by: &'static str,
    /// Each group that has calls which came back, in the order of their names or ids.
    groups: Vec<GroupPerformanceView>,
}

/// How the calls of a group were answered.
#[derive(Serialize, ToSchema)]
pub struct GroupPerformanceView {
    #[serde(flatten)]
    group: GroupView,
    /// Calls that came back.
    calls: u64,
    /// Of these, calls that came to nothing.
    failed: u64,
    /// Their share, with six decimals, rounded down.
    #[schema(example = "0.012500")]
    error_rate: String,
    /// How many came to nothing for which reason.
    #[schema(example = json!({"timeout": 1}))]
    errors: BTreeMap<&'static str, u64>,
    /// How long the paid calls took in all.
    total: Option<PercentilesView>,
    /// How long they waited for the provider.
    provider_time: Option<PercentilesView>,
    /// How long the first piece took, of those that came in pieces.
    first_token: Option<PercentilesView>,
    /// What the paid calls cost us, in United States dollars.
    #[schema(example = "0.000450000000")]
    cost_usd: String,
    /// What was charged for them, in credits.
    #[schema(example = "0.054000")]
    charge: String,
}

/// Durations that so many per cent of the calls did not exceed. Each was measured (nearest rank).
#[derive(Serialize, ToSchema)]
pub struct PercentilesView {
    /// How many were measured.
    samples: u64,
    p50_ms: u64,
    p95_ms: u64,
    p99_ms: u64,
}

impl PerformanceQuery {
    fn read(&self) -> Result<(CallFilter, GroupBy), ApiError> {
        let mut fields = Fields::default();
        let filter = self.filter(&mut fields);
        let (filter, by) = grouped(fields, filter, self.group_by.as_deref())?;
        Ok((filter, by.unwrap_or(GroupBy::Model)))
    }
}

impl From<Percentiles> for PercentilesView {
    fn from(found: Percentiles) -> Self {
        let Percentiles { samples, p50, p95, p99 } = found;
        Self { samples, p50_ms: millis(p50), p95_ms: millis(p95), p99_ms: millis(p99) }
    }
}

impl From<GroupPerformance> for GroupPerformanceView {
    fn from(found: GroupPerformance) -> Self {
        let failed = found.failed();
        let rate = found.failed_per_million().unwrap_or_default();
        let errors = found.failures.iter().map(|(kind, count)| (kind.name(), *count));
        Self {
            calls: found.settled.saturating_add(failed),
            failed,
            error_rate: format!("{}.{:06}", rate / 1_000_000, rate % 1_000_000),
            errors: errors.collect(),
            total: found.total.map(PercentilesView::from),
            provider_time: found.provider_time.map(PercentilesView::from),
            first_token: found.first_token.map(PercentilesView::from),
            cost_usd: found.cost.to_string(),
            charge: found.charge.to_string(),
            group: found.group.into(),
        }
    }
}

impl From<Performance> for PerformanceView {
    fn from(found: Performance) -> Self {
        Self {
            period: found.period.into(),
            group_by: found.by.name(),
            groups: found.groups.into_iter().map(GroupPerformanceView::from).collect(),
        }
    }
}

/// Show how well models answered the calls of this workspace.
///
/// This month, unless a period is named. A period has 366 days at most.
#[utoipa::path(
    tag = "usage", operation_id = "getAiPerformance",
    security(("access_token" = [])),
    params(PerformanceQuery),
    responses(
        (status = 200, description = "How they answered", body = PerformanceView),
        (status = 400, description = "`usage.period_too_long`, `usage.report_too_large`, `request.query`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[get("/ai/performance")]
pub async fn show(
    Permitted(permit): Permitted<ViewUsage>,
    QueryOf(query): QueryOf<PerformanceQuery>,
    reports: Service<UsageReports>,
) -> Result<Json<PerformanceView>, ApiError> {
    let (filter, by) = query.read()?;
    Ok(Json(reports.performance(permit, filter, by).await?.into()))
}
