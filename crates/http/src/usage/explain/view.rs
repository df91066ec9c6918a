//! How what would become of a call is shown.
use cape_domain::billing::Credits;
use cape_services::usage::{Amounts, Change, ChatError, Check, Considered, Explanation, Forecast};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::endpoint::Tell;
use crate::error::ApiError;

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
    /// Under whose key: the `platform`'s, or the `workspace`'s own.
    credential: Option<&'static str>,
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
    /// What is wrong with the request, if that is it, by the name that it has there.
    parameter: Option<String>,
    /// What would bring the model within reach.
    change: Option<&'static str>,
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

impl ExplanationView {
    /// What is shown of it, in the words of who asked.
    pub(super) fn of(explained: Explanation, tell: &Tell) -> Self {
        let model = |considered| ModelView::of(considered, tell);
        Self {
            admitted: explained.is_admitted(),
            plan: explained.plan,
            models: explained.models.into_iter().map(model).collect(),
            checks: explained.checks.into_iter().map(CheckView::from).collect(),
            max_tokens_lowered_to: explained.shortened_to,
        }
    }
}

impl ModelView {
    fn of(Considered { model, outcome }: Considered, tell: &Tell) -> Self {
        let (forecast, refusal) = match outcome {
            Ok(forecast) => (Some(forecast), None),
            Err(error) => {
                let change = change(&error);
                (None, Some(RefusalView::of(&tell(error), change)))
            }
        };
        let of = |read: fn(&Forecast) -> u64| forecast.as_ref().map(read);
        Self {
            model,
            input_tokens_estimate: of(|forecast| forecast.likely_input),
            max_output_tokens: of(|forecast| forecast.most_output),
            worst_case_micro_credits: forecast.as_ref().map(|forecast| forecast.worst.micros()),
            not_before: forecast.as_ref().and_then(|forecast| forecast.not_before),
            price_version: forecast.as_ref().map(|forecast| forecast.price_version.clone()),
            credential: forecast.as_ref().map(|forecast| forecast.credential.name()),
            provider: forecast.map(|forecast| forecast.provider),
            refusal,
        }
    }
}

impl RefusalView {
    fn of(error: &ApiError, change: Option<&'static str>) -> Self {
        let (code, detail, parameter) = error.told();
        let parameter = parameter.map(str::to_owned);
        Self { code, detail: detail.to_owned(), parameter, change }
    }
}

/// What would bring a model within reach. None, where that is not about the model.
const fn change(error: &ChatError) -> Option<&'static str> {
    match error {
        ChatError::UnknownModel(_) => Some("the name of a model of `/v1/models`"),
        ChatError::WrongKind { .. } => Some("a model of the other kind, or its own endpoint"),
        ChatError::ModelNotInPlan { .. } => Some("a plan that includes the model"),
        ChatError::ModelNotForKey(_) => Some("a key that may call the model"),
        ChatError::Disabled(_) => {
            Some("a key of the workspace at the provider, or an operator who gives access to it")
        }
        ChatError::CredentialRefused(_) => Some("another key of the workspace at the provider"),
        ChatError::UnknownPrice(_) => Some("an operator who says what the model costs"),
        ChatError::Stopped(_) => Some("an operator who lets the model go on"),
        ChatError::OutputOutOfRange { .. } => Some("a lower bound on the output"),
        ChatError::TooLong { .. } | ChatError::InputTooLong { .. } | ChatError::TooLarge => {
            Some("less to read, or a model with a larger window")
        }
        ChatError::DimensionsOutOfRange { .. } => Some("fewer dimensions"),
        ChatError::Unsupported(_) => Some("another model, or a request without the parameter"),
        ChatError::Closed
        | ChatError::Stopping
        | ChatError::NotAProgram
        | ChatError::KeyCapReached { .. }
        | ChatError::Limited { .. }
        | ChatError::QuotaExceeded { .. }
        | ChatError::InsufficientCredits { .. }
        | ChatError::KeyTakenBack
        | ChatError::NotAnswering { .. }
        | ChatError::Limiter(_)
        | ChatError::Provider(_)
        | ChatError::Store(_) => None,
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
