//! Refusals at the door, in the words of HTTP.
use actix_web::http::StatusCode;
use cape_domain::access::Forbidden;
use cape_services::access::{ApiKeyError, Refused};

use super::ApiError;

impl ApiError {
    /// Nobody is signed in.
    pub(crate) fn unauthenticated() -> Self {
        let detail = "Sign in first: this route needs an access token as bearer.";
        Self::client(StatusCode::UNAUTHORIZED, "access.unauthenticated", detail)
            .with_header("www-authenticate", "Bearer")
    }

    /// No API key was presented.
    pub(crate) fn key_missing() -> Self {
        let detail = "This route needs an API key as bearer: Authorization: Bearer cape_sk_…";
        Self::client(StatusCode::UNAUTHORIZED, "invalid_api_key", detail)
            .with_header("www-authenticate", "Bearer")
    }
}

impl From<Forbidden> for ApiError {
    fn from(error: Forbidden) -> Self {
        Self::client(StatusCode::FORBIDDEN, "access.forbidden", error)
    }
}

impl From<Refused> for ApiError {
    fn from(error: Refused) -> Self {
        match error {
            Refused::Token(reason) => {
                Self::client(StatusCode::UNAUTHORIZED, "access.invalid_token", reason)
                    .with_header("www-authenticate", "Bearer error=\"invalid_token\"")
            }
            Refused::Key => Self::client(StatusCode::UNAUTHORIZED, "invalid_api_key", error)
                .with_header("www-authenticate", "Bearer error=\"invalid_token\""),
            Refused::Store(error) => error.into(),
        }
    }
}

impl From<ApiKeyError> for ApiError {
    fn from(error: ApiKeyError) -> Self {
        match error {
            ApiKeyError::NotFound(_) => {
                Self::client(StatusCode::NOT_FOUND, "api_key.not_found", error)
            }
            ApiKeyError::NotAPerson => {
                Self::client(StatusCode::FORBIDDEN, "access.not_a_person", error)
            }
            ApiKeyError::Store(error) => error.into(),
        }
    }
}
