//! Failures of usage, in the words of HTTP. Statuses are those that `OpenAI`'s SDKs read.
use actix_web::http::StatusCode;
use cape_domain::{
    store::StoreError,
    usage::{ModelProviderError, Quota, Refusal},
};
use cape_services::usage::{ChatError, ReportError};

use super::ApiError;
use crate::usage::chat::standing_headers;

impl From<ReportError> for ApiError {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::NotFound(_) => {
                Self::client(StatusCode::NOT_FOUND, "call.not_found", error)
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

impl ApiError {
    fn limited(error: &ChatError, refusal: &Refusal) -> Self {
        let standing = &refusal.standing;
        let mut told = Self::client(StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded", error)
            .with_header("x-ratelimit-rule", standing.rule.name());
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
