//! Failures of accounts, in the words of HTTP.
use actix_web::http::StatusCode;
use cape_services::accounts::{ProfileError, RegistrationError, SessionError};

use super::ApiError;

impl From<RegistrationError> for ApiError {
    fn from(error: RegistrationError) -> Self {
        match error {
            RegistrationError::Hashing(cause) => {
                Self::server(StatusCode::INTERNAL_SERVER_ERROR, "accounts.hashing", cause)
            }
            RegistrationError::Store(error) => error.into(),
        }
    }
}

impl From<SessionError> for ApiError {
    fn from(error: SessionError) -> Self {
        use SessionError as E;
        match error {
            E::InvalidCredentials => {
                Self::client(StatusCode::UNAUTHORIZED, "auth.invalid_credentials", error)
            }
            E::NotVerified => Self::client(StatusCode::FORBIDDEN, "auth.email_not_verified", error),
            E::InvalidRefreshToken => {
                Self::client(StatusCode::UNAUTHORIZED, "auth.invalid_refresh_token", error)
            }
            E::Hashing(cause) => {
                Self::server(StatusCode::INTERNAL_SERVER_ERROR, "accounts.hashing", cause)
            }
            E::Store(error) => error.into(),
        }
    }
}

impl From<ProfileError> for ApiError {
    fn from(error: ProfileError) -> Self {
        match error {
            ProfileError::NotFound => {
                Self::client(StatusCode::NOT_FOUND, "accounts.not_found", error)
            }
            ProfileError::Store(error) => error.into(),
        }
    }
}
