//! Refusals at the door, in the words of HTTP.
use actix_web::http::StatusCode;
use cape_domain::access::Forbidden;
use cape_services::access::{ApiKeyError, IntrospectionError, Refused};

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
        let code = match error {
            Forbidden::Missing(_) => "access.forbidden",
            Forbidden::Stale(_) => "access.reauthentication_required",
        };
        Self::client(StatusCode::FORBIDDEN, code, error)
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
            Refused::Address => Self::client(StatusCode::FORBIDDEN, "address_not_allowed", error),
            Refused::Forbidden(error) => error.into(),
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
            ApiKeyError::AlreadyExpired => Self::field("expires_at", error.to_string()),
            ApiKeyError::NotAPerson => {
                Self::client(StatusCode::FORBIDDEN, "access.not_a_person", error)
            }
            ApiKeyError::Store(error) => error.into(),
        }
    }
}

impl From<IntrospectionError> for ApiError {
    fn from(error: IntrospectionError) -> Self {
        use IntrospectionError as E;
        match error {
            E::Disabled => Self::disabled(error),
            E::Unauthorized => {
                Self::client(StatusCode::UNAUTHORIZED, "access.unknown_service", error)
                    .with_header("www-authenticate", "Bearer")
            }
            E::Stale => Self::client(StatusCode::SERVICE_UNAVAILABLE, "access.stale", error)
                .with_header("retry-after", 1),
            E::Store(error) => error.into(),
        }
    }
}
