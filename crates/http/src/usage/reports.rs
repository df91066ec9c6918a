//! What was used and what it cost.
use actix_web::{get, web::Json};
use cape_domain::{
    access::ViewUsage,
    billing::{Credits, Plan},
    ids::CallId,
    usage::{Call, CallState, Metered, ModelUsage, Quota, QuotaPeriod, TokenCounts, UsageSummary},
};
use cape_services::usage::UsageReports;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{PathId, Permitted, QueryOf, Service},
    page::{ListView, PageQuery},
};

/// A half-open period.
#[derive(Serialize, ToSchema)]
pub struct PeriodView {
    start: DateTime<Utc>,
    end: DateTime<Utc>,
}

/// Tokens in classes that do not overlap.
#[derive(Serialize, ToSchema)]
pub struct TokensView {
    /// Read for the first time.
    input: u64,
    /// Read from the provider's cache.
    cached_input: u64,
    /// Written to the provider's cache.
    cache_write: u64,
    /// Written to the caller.
    output: u64,
    /// Written by the model to itself.
    reasoning: u64,
}

/// What was used in the current calendar month.
#[derive(Serialize, ToSchema)]
pub struct SummaryView {
    period: PeriodView,
    /// Calls that were paid for.
    calls: u64,
    /// What was charged, in credits.
    #[schema(example = "0.054000")]
    charge: String,
    /// The same, model by model, what was charged the most first.
    models: Vec<ModelUsageView>,
}

/// What was used of one model.
#[derive(Serialize, ToSchema)]
pub struct ModelUsageView {
    #[schema(example = "gpt-4o-mini")]
    model: String,
    #[schema(example = "openai")]
    provider: &'static str,
    /// Calls that were paid for.
    settled: u64,
    /// Calls that came to nothing.
    failed: u64,
    /// Calls that have not come back yet.
    running: u64,
    tokens: TokensView,
    /// What it cost us, in United States dollars.
    #[schema(example = "0.000450000000")]
    cost_usd: String,
    /// What was charged, in credits.
    #[schema(example = "0.054000")]
    charge: String,
}

/// A call, and what it used and cost: its receipt.
#[derive(Serialize, ToSchema)]
pub struct RecordView {
    #[schema(example = "cal_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    id: String,
    /// `running`, `settled` or `failed`.
    state: &'static str,
    /// The name that was asked for.
    model_asked: String,
    /// The model that was called.
    model: String,
    provider: &'static str,
    streamed: bool,
    key_id: String,
    user_id: String,
    request_id: String,
    started_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    /// What was used; so far, while it is running.
    tokens: TokensView,
    /// Whether the tokens are our estimate, because the provider did not tell.
    estimated: bool,
    /// The version of the price.
    price_version: String,
    /// What is added to the cost, in hundredths of a per cent.
    markup_basis_points: u32,
    /// What it cost us, in United States dollars.
    cost_usd: String,
    /// What was charged, in credits.
    charge: String,
    /// The ledger transaction that paid for it.
    transaction_id: Option<String>,
    /// Why it came to nothing.
    failure: Option<&'static str>,
    timing: Option<TimingView>,
}

/// How long the parts of a call took, in milliseconds.
#[expect(clippy::struct_field_names, reason = "the unit is part of the contract")]
#[derive(Serialize, ToSchema)]
pub struct TimingView {
    total_ms: u64,
    provider_ms: u64,
    first_token_ms: Option<u64>,
}

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

impl From<QuotaPeriod> for PeriodView {
    fn from(period: QuotaPeriod) -> Self {
        Self { start: period.start, end: period.end }
    }
}

impl From<TokenCounts> for TokensView {
    fn from(tokens: TokenCounts) -> Self {
        let TokenCounts { input, cached_input, cache_write, output, reasoning } = tokens;
        Self { input, cached_input, cache_write, output, reasoning }
    }
}

impl From<ModelUsage> for ModelUsageView {
    fn from(usage: ModelUsage) -> Self {
        Self {
            provider: usage.provider.name(),
            model: usage.model,
            settled: usage.settled,
            failed: usage.failed,
            running: usage.running,
            tokens: usage.tokens.into(),
            cost_usd: usage.cost.to_string(),
            charge: usage.charge.to_string(),
        }
    }
}

impl From<UsageSummary> for SummaryView {
    fn from(used: UsageSummary) -> Self {
        let models = &used.models;
        let charge = models.iter().map(|model| model.charge.micros()).sum();
        Self {
            period: used.period.into(),
            calls: models.iter().map(|model| model.settled).sum(),
            charge: Credits::from_micros(charge).to_string(),
            models: used.models.into_iter().map(ModelUsageView::from).collect(),
        }
    }
}

impl From<Call> for RecordView {
    fn from(call: Call) -> Self {
        let state = call.state.name();
        let (metered, transaction, timing, ended_at, failure) = match call.state {
            CallState::Running { so_far } => (so_far, None, None, None, None),
            CallState::Settled { metered, transaction, timing, at } => {
                (metered, transaction, Some(timing), Some(at), None)
            }
            CallState::Failed { kind, timing, at } => {
                (Metered::default(), None, Some(timing), Some(at), Some(kind.name()))
            }
        };
        let millis =
            |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self {
            id: call.id.to_string(),
            state,
            model_asked: call.model_asked,
            model: call.model,
            provider: call.provider.name(),
            streamed: call.streamed,
            key_id: call.key.to_string(),
            user_id: call.user.to_string(),
            request_id: call.request.to_string(),
            started_at: call.started_at,
            ended_at,
            tokens: metered.tokens.into(),
            estimated: metered.estimated,
            price_version: call.price_version,
            markup_basis_points: call.markup.0,
            cost_usd: metered.cost.to_string(),
            charge: metered.charge.to_string(),
            transaction_id: transaction.map(|id| id.to_string()),
            failure,
            timing: timing.map(|timing| TimingView {
                total_ms: millis(timing.total),
                provider_ms: millis(timing.provider),
                first_token_ms: timing.first_token.map(millis),
            }),
        }
    }
}

impl From<(Quota, std::sync::Arc<Plan>)> for QuotaView {
    fn from((standing, plan): (Quota, std::sync::Arc<Plan>)) -> Self {
        Self {
            plan: plan.code.to_string(),
            monthly_quota: standing.limit,
            used: standing.used,
            remaining: standing.remaining(),
            resets_at: standing.period.end,
        }
    }
}

/// Show what was used this month.
#[utoipa::path(
    tag = "usage", operation_id = "getUsageSummary",
    security(("access_token" = [])),
    responses((status = 200, description = "This calendar month", body = SummaryView), Unpermitted, Failure),
)]
#[get("/usage/summary")]
pub async fn summary(
    Permitted(permit): Permitted<ViewUsage>,
    reports: Service<UsageReports>,
) -> Result<Json<SummaryView>, ApiError> {
    Ok(Json(reports.summary(permit).await?.into()))
}

/// List calls.
#[utoipa::path(
    tag = "usage", operation_id = "listUsageRecords",
    security(("access_token" = [])),
    params(PageQuery),
    responses((status = 200, description = "A page", body = ListView<RecordView>), Unpermitted, Failure),
)]
#[get("/usage/records")]
pub async fn records(
    Permitted(permit): Permitted<ViewUsage>,
    QueryOf(query): QueryOf<PageQuery>,
    reports: Service<UsageReports>,
) -> Result<Json<ListView<RecordView>>, ApiError> {
    let page = reports.calls(permit, query.request()?).await?;
    Ok(Json(ListView::of(page, RecordView::from)))
}

/// Show a call: its receipt.
#[utoipa::path(
    tag = "usage", operation_id = "getUsageRecord",
    security(("access_token" = [])),
    params(("id" = String, Path, description = "The call")),
    responses(
        (status = 200, description = "Found", body = RecordView),
        (status = 404, description = "`call.not_found`, `path.invalid_id`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[get("/usage/records/{id}")]
pub async fn record(
    Permitted(permit): Permitted<ViewUsage>,
    PathId(id): PathId<CallId>,
    reports: Service<UsageReports>,
) -> Result<Json<RecordView>, ApiError> {
    Ok(Json(reports.call(permit, id).await?.into()))
}

/// Show how many calls are left this month.
#[utoipa::path(
    tag = "usage", operation_id = "getUsageQuota",
    security(("access_token" = [])),
    responses((status = 200, description = "This calendar month", body = QuotaView), Unpermitted, Failure),
)]
#[get("/usage/quota")]
pub async fn quota(
    Permitted(permit): Permitted<ViewUsage>,
    reports: Service<UsageReports>,
) -> Result<Json<QuotaView>, ApiError> {
    Ok(Json(reports.quota(permit).await?.into()))
}
