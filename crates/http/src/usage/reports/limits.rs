//! What is left: of the month's calls, and of every limit.
use std::sync::Arc;

use actix_web::{get, web::Json};
use cape_domain::{
    access::ViewUsage,
    billing::Plan,
    time::Timestamp,
    usage::{Quota, Standing},
};
use cape_services::usage::{LimitStandings, UsageReports};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Failure, Unpermitted},
    extract::{Permitted, Service},
};

/// How many calls are left this month.
#[derive(Serialize, ToSchema)]
pub struct QuotaView {
    #[schema(example = "free")]
    plan: String,
    monthly_quota: u64,
    used: u64,
    remaining: u64,
    resets_at: DateTime<Utc>,
}

/// What limits a workspace.
#[derive(Serialize, ToSchema)]
pub struct LimitsView {
    #[schema(example = "free")]
    plan: String,
    /// Where each limit stands. Windows slide; months are those of the calendar, in UTC.
    limits: Vec<LimitView>,
}

/// Where a limit stands.
#[derive(Serialize, ToSchema)]
pub struct LimitView {
    /// Its name, as refusals tell it.
    #[schema(example = "requests_per_minute")]
    rule: String,
    /// Whose use it counts together: `platform`, `workspace`, `user` or `key`.
    scope: &'static str,
    /// `requests`, `tokens`, `input_tokens`, `output_tokens` or `micro_credits`.
    measure: &'static str,
    /// `second`, `minute`, `hour`, `day` or `month`.
    window: &'static str,
    /// The most there may be in any window.
    limit: u64,
    used: u64,
    remaining: u64,
    /// When all that is used now is forgotten. Null, where nothing has to be.
    resets_at: Option<DateTime<Utc>>,
}

impl From<(Quota, Arc<Plan>)> for QuotaView {
    fn from((standing, plan): (Quota, Arc<Plan>)) -> Self {
        Self {
            plan: plan.code.to_string(),
            monthly_quota: standing.limit,
            used: standing.used,
            remaining: standing.remaining(),
            resets_at: standing.period.end,
        }
    }
}

impl LimitView {
    fn of(standing: &Standing, now: Timestamp) -> Self {
        let reset = TimeDelta::from_std(standing.reset).unwrap_or(TimeDelta::MAX);
        let rule = &standing.rule;
        Self {
            rule: rule.name(),
            scope: rule.subject.scope(),
            measure: rule.measure.name(),
            window: rule.window.name(),
            limit: rule.limit,
            used: standing.used,
            remaining: standing.remaining(),
            resets_at: (!reset.is_zero()).then(|| now.checked_add_signed(reset)).flatten(),
        }
    }

    fn of_quota(quota: &Quota) -> Self {
        Self {
            rule: "requests_per_month".to_owned(),
            scope: "workspace",
            measure: "requests",
            window: "month",
            limit: quota.limit,
            used: quota.used,
            remaining: quota.remaining(),
            resets_at: Some(quota.period.end),
        }
    }
}

impl From<LimitStandings> for LimitsView {
    fn from(standings: LimitStandings) -> Self {
        let LimitStandings { plan, limits, quota, at } = standings;
        let quota = quota.map(|quota| LimitView::of_quota(&quota));
        let limits = limits.iter().map(|standing| LimitView::of(standing, at)).chain(quota);
        Self { plan: plan.code.to_string(), limits: limits.collect() }
    }
}

/// Show how many calls are left this month.
#[utoipa::path(
    tag = "usage", operation_id = "getUsageQuota",
    security(("access_token" = [])),
    responses((status = 200, description = "This calendar month", body = QuotaView), Unpermitted, Failure),
)]
#[get("/usage/quota")]
pub async fn show_quota(
    Permitted(permit): Permitted<ViewUsage>,
    reports: Service<UsageReports>,
) -> Result<Json<QuotaView>, ApiError> {
    Ok(Json(reports.quota(permit).await?.into()))
}

/// Show where every limit stands now: of the plan, and those that operators set.
///
/// What operators limit for a model or a provider is shown for any of them; what is counted for a key,
/// or is about one, is shown by `/v1/explain` with that key. Asking counts nowhere. Without limits, as in a load test, there are none.
#[utoipa::path(
    tag = "usage", operation_id = "getUsageLimits",
    security(("access_token" = [])),
    responses(
        (status = 200, description = "Now", body = LimitsView),
        Unpermitted,
        Failure,
    ),
)]
#[get("/usage/limits")]
pub async fn show(
    Permitted(permit): Permitted<ViewUsage>,
    reports: Service<UsageReports>,
) -> Result<Json<LimitsView>, ApiError> {
    Ok(Json(reports.limits(permit).await?.into()))
}
