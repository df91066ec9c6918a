//! `/v1/explain`: what would become of a call, without making it.
use actix_web::{post, web::Json};
use cape_domain::{access::UseAi, billing::Credits};
use cape_services::usage::{
    Amounts, Change, ChatService, Check, Considered, Explanation, Forecast,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::chat::new_call;
use crate::{
    error::{ApiError, GatewayFailure},
    extract::{KeyPermitted, RawBody, Service},
};

/// What would become of a call.
#[derive(Serialize, ToSchema)]
pub struct ExplanationView {
    /// Whether it would be made.
    admitted: bool,
    /// The plan that it is judged by.
    plan: String,
    /// The models that it would try, in their order, and why some are out of reach.
    models: Vec<ModelView>,
    /// What else is looked at; empty, when no model is in reach.
    checks: Vec<CheckView>,
    /// The bound that the output would be lowered to, because the credits leave room for no more.
    max_tokens_lowered_to: Option<u64>,
}

/// A model that was considered.
#[derive(Serialize, ToSchema)]
struct ModelView {
    model: String,
    /// Who runs it. None, when it is out of reach.
    provider: Option<String>,
    /// The version of its price.
    price_version: Option<String>,
    /// The input that is likely, in tokens.
    input_tokens_estimate: Option<u64>,
    /// The most that can come out, in tokens.
    max_output_tokens: Option<u64>,
    /// What would be held for it: the charge in the worst case, in millionths of a credit.
    worst_case_micro_credits: Option<i64>,
    /// When it is asked again, if it does not answer at present.
    not_before: Option<DateTime<Utc>>,
    /// Why it is out of reach.
    refusal: Option<RefusalView>,
}

/// Why a model is out of reach.
#[derive(Serialize, ToSchema)]
struct RefusalView {
    /// The code of the error that the call would be answered with.
    code: &'static str,
    /// In words.
    detail: String,
    /// What is wrong with the request, if that is it.
    parameter: Option<String>,
}

/// One of the things that can stand in the way.
#[derive(Serialize, ToSchema)]
struct CheckView {
    /// What it is called in refusals.
    #[schema(example = "requests_per_minute")]
    rule: String,
    passed: bool,
    /// What the numbers count.
    #[schema(example = "count")]
    unit: &'static str,
    /// What there is.
    limit: i64,
    /// What is used of it.
    used: i64,
    /// What the call wants.
    wanted: i64,
    /// When the amount that is used is less again, if by itself.
    resets_at: Option<DateTime<Utc>>,
    /// What would let the call pass.
    change: Option<String>,
}

impl From<Explanation> for ExplanationView {
    fn from(explained: Explanation) -> Self {
        Self {
            admitted: explained.is_admitted(),
            plan: explained.plan,
            models: explained.models.into_iter().map(ModelView::from).collect(),
            checks: explained.checks.into_iter().map(CheckView::from).collect(),
            max_tokens_lowered_to: explained.shortened_to,
        }
    }
}

impl From<Considered> for ModelView {
    fn from(Considered { model, outcome }: Considered) -> Self {
        let (forecast, refusal) = match outcome {
            Ok(forecast) => (Some(forecast), None),
            Err(error) => (None, Some(RefusalView::from(ApiError::from(error)))),
        };
        let of = |read: fn(&Forecast) -> u64| forecast.as_ref().map(read);
        Self {
            model,
            input_tokens_estimate: of(|forecast| forecast.likely_input),
            max_output_tokens: of(|forecast| forecast.most_output),
            worst_case_micro_credits: forecast.as_ref().map(|forecast| forecast.worst.micros()),
            not_before: forecast.as_ref().and_then(|forecast| forecast.not_before),
            price_version: forecast.as_ref().map(|forecast| forecast.price_version.clone()),
            provider: forecast.map(|forecast| forecast.provider),
            refusal,
        }
    }
}

impl From<ApiError> for RefusalView {
    fn from(error: ApiError) -> Self {
        let (code, detail, parameter) = error.told();
        Self { code, detail: detail.to_owned(), parameter: parameter.map(str::to_owned) }
    }
}

impl From<Check> for CheckView {
    fn from(check: Check) -> Self {
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let (unit, limit, used, wanted) = match check.amounts {
            Amounts::Count { limit, used, wanted } => {
                ("count", count(limit), count(used), count(wanted))
            }
            Amounts::Credits { limit, used, wanted } => {
                ("micro_credits", limit.micros(), used.micros(), wanted.micros())
            }
        };
        let Check { rule, passed, resets_at, change, .. } = check;
        Self { rule, passed, unit, limit, used, wanted, resets_at, change: change.map(in_words) }
    }
}

fn in_words(change: Change) -> String {
    let credits = |credits: Credits| format!("{credits} more credits");
    match change {
        Change::Wait(until) => format!("wait until {}", until.to_rfc3339()),
        Change::Plan => "a plan with a higher limit".to_owned(),
        Change::Credits(missing) => credits(missing),
        Change::KeyCap(missing) => format!("a spending cap of the key with {}", credits(missing)),
    }
}

/// Show what would become of a call, without making it.
///
/// The request is that of `/v1/chat/completions`. Nothing is held, counted or recorded, and no
/// provider is asked. Every rule that a call has to pass is shown with its limit, what is used,
/// what the call wants, and what would let it pass.
#[utoipa::path(
    tag = "usage", operation_id = "explainCall",
    security(("api_key" = [])),
    request_body(content = Object, description = "`OpenAI`'s request", example = json!({"model": "fast", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 100})),
    responses(
        (status = 200, description = "What would become of it", body = ExplanationView),
        GatewayFailure,
    ),
)]
#[post("/explain")]
pub async fn explain(
    KeyPermitted(permit): KeyPermitted<UseAi>,
    RawBody(body): RawBody,
    chat: Service<ChatService>,
) -> Result<Json<ExplanationView>, ApiError> {
    let new = new_call(&body)?;
    Ok(Json(chat.explain(permit, new).await?.into()))
}
