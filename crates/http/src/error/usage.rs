//! Failures of usage, in the words of HTTP. Statuses are those that `OpenAI`'s SDKs read.
use actix_web::http::StatusCode;
use cape_domain::{
    store::StoreError,
    usage::{
        InvalidPeriod, ModelProviderError, PriceRefused, Quota, Refusal, Switch, SwitchTarget,
    },
};
use cape_services::usage::{
    ChatError, CredentialError, LimitRuleError, ModelAdminError, ReportError, SwitchError,
};

use super::ApiError;
use crate::usage::headers::standing_headers;

impl From<ReportError> for ApiError {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::NotFound(_) => {
                Self::client(StatusCode::NOT_FOUND, "call.not_found", error)
            }
            ReportError::Period(InvalidPeriod::Empty) => Self::field("from", error.to_string()),
            ReportError::Period(InvalidPeriod::TooLong) => {
                Self::client(StatusCode::BAD_REQUEST, "usage.period_too_long", error)
            }
            ReportError::TooManyBuckets(_) => {
                Self::client(StatusCode::BAD_REQUEST, "usage.too_many_buckets", error)
            }
            ReportError::TooManyGroups => {
                Self::client(StatusCode::BAD_REQUEST, "usage.report_too_large", error)
            }
            ReportError::TooManyCalls => {
                Self::client(StatusCode::BAD_REQUEST, "usage.export_too_large", error)
            }
            ReportError::Limiter(cause) => {
                Self::server(StatusCode::SERVICE_UNAVAILABLE, "limiter_unavailable", cause)
            }
            ReportError::Store(error) => error.into(),
        }
    }
}

impl From<ChatError> for ApiError {
    fn from(error: ChatError) -> Self {
        use ChatError as E;
        let closed = StatusCode::SERVICE_UNAVAILABLE;
        match error {
            E::Closed => Self::client(closed, "paid_calls_closed", error),
            E::Stopping => {
                Self::client(closed, "stopping", error).with_header("connection", "close")
            }
            E::NotAProgram => Self::client(StatusCode::FORBIDDEN, "access.forbidden", error),
            E::UnknownModel(_) => {
                Self::client(StatusCode::NOT_FOUND, "model_not_found", error).about("model")
            }
            E::WrongKind { .. } => {
                Self::client(StatusCode::BAD_REQUEST, "model_wrong_kind", error).about("model")
            }
            E::ModelNotInPlan { .. } => {
                Self::client(StatusCode::FORBIDDEN, "model_not_in_plan", error).about("model")
            }
            E::ModelNotForKey(_) => {
                Self::client(StatusCode::FORBIDDEN, "model_not_for_key", error).about("model")
            }
            E::KeyCapReached { .. } => {
                Self::client(StatusCode::PAYMENT_REQUIRED, "key_cap_reached", error)
            }
            E::Disabled(_) => Self::disabled(error),
            E::UnknownPrice(_) => Self::client(closed, "unknown_price", error).about("model"),
            E::OutputOutOfRange { .. } => {
                Self::client(StatusCode::BAD_REQUEST, "output_out_of_range", error)
                    .about("max_tokens")
            }
            E::TooLong { .. } => {
                Self::client(StatusCode::BAD_REQUEST, "context_length_exceeded", error)
                    .about("messages")
            }
            E::InputTooLong { input, .. } => {
                Self::client(StatusCode::BAD_REQUEST, "context_length_exceeded", error)
                    .about(format!("input[{input}]"))
            }
            E::DimensionsOutOfRange { .. } => {
                Self::client(StatusCode::BAD_REQUEST, "dimensions_out_of_range", error)
                    .about("dimensions")
            }
            E::Unsupported(unsupported) => {
                let param = unsupported.parameter.clone();
                let code = "unsupported_parameter";
                Self::client(StatusCode::BAD_REQUEST, code, unsupported).about(param)
            }
            E::TooLarge => Self::client(StatusCode::BAD_REQUEST, "call_too_large", error),
            E::Limited { ref refusal } => Self::limited(&error, refusal),
            E::QuotaExceeded { ref quota } => Self::quota(&error, quota),
            E::InsufficientCredits { .. } => {
                Self::client(StatusCode::PAYMENT_REQUIRED, "insufficient_credits", error)
            }
            E::Stopped(ref switch) => Self::stopped(&error, switch),
            E::KeyTakenBack => Self::client(StatusCode::UNAUTHORIZED, "invalid_api_key", error),
            E::NotAnswering { retry_after } => Self::server(closed, "provider_unavailable", error)
                .with_header("retry-after", retry_after.as_secs() + 1),
            E::CredentialRefused(_) => {
                Self::client(StatusCode::FORBIDDEN, "provider.credential_refused", error)
                    .with_header("x-should-retry", "false")
            }
            E::Limiter(cause) => Self::server(closed, "limiter_unavailable", cause),
            E::Provider(error) => error.into(),
            E::Store(error @ StoreError::Conflict { .. }) => {
                Self::server(closed, "store.contended", error).with_header("retry-after", 1)
            }
            E::Store(error @ (StoreError::Unavailable(_) | StoreError::Corrupt { .. })) => {
                error.into()
            }
        }
    }
}

impl From<LimitRuleError> for ApiError {
    fn from(error: LimitRuleError) -> Self {
        use LimitRuleError as E;
        let (missing, conflict) = (StatusCode::NOT_FOUND, StatusCode::CONFLICT);
        match error {
            E::NotFound(_) => Self::client(missing, "limit.not_found", error),
            E::Unknown(_) => Self::client(missing, "limit.unknown_target", error),
            E::NameTaken(_) => Self::client(conflict, "limit.name_taken", error),
            E::TooMany => Self::client(conflict, "limit.too_many", error),
            E::Store(error) => error.into(),
        }
    }
}

impl From<SwitchError> for ApiError {
    fn from(error: SwitchError) -> Self {
        use SwitchError as E;
        let missing = StatusCode::NOT_FOUND;
        match error {
            E::Unknown(_) => Self::client(missing, "switch.unknown_target", error),
            E::NotStopped(_) => Self::client(missing, "switch.not_found", error),
            E::NotAPerson => Self::client(StatusCode::FORBIDDEN, "access.not_a_person", error),
            E::Store(error) => error.into(),
        }
    }
}

impl From<ModelAdminError> for ApiError {
    fn from(error: ModelAdminError) -> Self {
        use ModelAdminError as E;
        let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
        match error {
            E::Unknown(_) => Self::client(StatusCode::NOT_FOUND, "model.not_found", error),
            E::UnknownProvider(_) => Self::client(unprocessable, "model.unknown_provider", error),
            E::Invalid(_) => Self::client(unprocessable, "model.invalid", error),
            E::Price(refused) => {
                let code = match refused {
                    PriceRefused::Backdated => "price.backdated",
                    PriceRefused::Overlapping => "price.overlapping",
                    PriceRefused::VersionTaken => "price.version_taken",
                    PriceRefused::Version
                    | PriceRefused::Nothing
                    | PriceRefused::TooHigh
                    | PriceRefused::Falling
                    | PriceRefused::Output => "price.invalid",
                };
                Self::client(unprocessable, code, error)
            }
            E::Store(error) => error.into(),
        }
    }
}

impl From<CredentialError> for ApiError {
    fn from(error: CredentialError) -> Self {
        use CredentialError as E;
        let missing = StatusCode::NOT_FOUND;
        match error {
            E::UnknownProvider(_) => Self::client(missing, "credential.unknown_provider", error),
            E::NotFound(_) => Self::client(missing, "credential.not_found", error),
            E::NotAPerson => Self::client(StatusCode::FORBIDDEN, "access.not_a_person", error),
            E::Store(error) => error.into(),
        }
    }
}

impl ApiError {
    /// Who calls is told that it may not; who asks for a model, that it is not to be had. Asking
    /// again helps in neither case.
    fn stopped(error: &ChatError, switch: &Switch) -> Self {
        let told = match switch.target {
            SwitchTarget::Key(_) | SwitchTarget::Workspace(_) => {
                Self::client(StatusCode::FORBIDDEN, "stopped", error)
            }
            SwitchTarget::Model(_) | SwitchTarget::Provider(_) => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Self::client(status, "model_stopped", error).about("model")
            }
        };
        told.with_header("x-should-retry", "false")
    }

    fn limited(error: &ChatError, refusal: &Refusal) -> Self {
        let standing = &refusal.standing;
        let mut told = Self::client(StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded", error)
            .with_header("x-ratelimit-rule", standing.rule.name())
            .with_header("x-ratelimit-scope", standing.rule.subject.scope())
            .with_header("x-ratelimit-wanted", refusal.wanted);
        for (name, value) in standing_headers(standing) {
            told = told.with_header(name, value);
        }
        match refusal.retry_after {
            Some(after) => told.with_header("retry-after", after.as_secs() + 1),
            None => told.with_header("x-should-retry", "false"),
        }
    }

    fn quota(error: &ChatError, quota: &Quota) -> Self {
        Self::client(StatusCode::TOO_MANY_REQUESTS, "quota_exceeded", error)
            .with_header("x-ratelimit-rule", "requests_per_month")
            .with_header("x-ratelimit-scope", "workspace")
            .with_header("x-quota-reset", quota.period.end.to_rfc3339())
            .with_header("x-should-retry", "false")
    }
}

impl From<ModelProviderError> for ApiError {
    fn from(error: ModelProviderError) -> Self {
        use ModelProviderError as E;
        let gateway = StatusCode::BAD_GATEWAY;
        match error {
            E::Rejected { .. } => Self::client(StatusCode::BAD_REQUEST, "provider_rejected", error),
            E::RateLimited { retry_after } => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                let told = Self::client(status, "provider_rate_limited", error);
                match retry_after {
                    Some(after) => told.with_header("retry-after", after.as_secs()),
                    None => told,
                }
            }
            E::Credentials => Self::server(gateway, "provider_credentials", error),
            E::Unavailable(_) => Self::server(gateway, "provider_unavailable", error),
            E::Timeout => Self::server(StatusCode::GATEWAY_TIMEOUT, "provider_timeout", error),
            E::Malformed(_) => Self::server(gateway, "provider_malformed", error),
        }
    }
}
