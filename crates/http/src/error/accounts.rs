//! Failures of accounts, in the words of HTTP.
use actix_web::http::StatusCode;
use cape_domain::store::BoxError;
use cape_services::{
    access::Wait,
    accounts::{
        MailDisabled, MemberError, MfaError, PasswordError, ProfileError, RegistrationError,
        SessionError, SignInError,
    },
};

use super::ApiError;
use crate::extract::reasons;

impl ApiError {
    /// A refresh token came in the body and in a cookie.
    pub(crate) fn ambiguous_credentials() -> Self {
        let detail = "Send the refresh token in the body or in the cookie, not in both.";
        Self::client(StatusCode::BAD_REQUEST, "auth.ambiguous_credentials", detail)
    }

    fn hashing(cause: BoxError) -> Self {
        Self::server(StatusCode::INTERNAL_SERVER_ERROR, "accounts.hashing", cause)
    }
}

impl From<Wait> for ApiError {
    fn from(wait: Wait) -> Self {
        Self::client(StatusCode::TOO_MANY_REQUESTS, "auth.throttled", wait)
            .with_header("retry-after", wait.retry_after.as_millis().div_ceil(1_000).max(1))
    }
}

impl From<MailDisabled> for ApiError {
    fn from(error: MailDisabled) -> Self {
        Self::disabled(error)
    }
}

impl From<RegistrationError> for ApiError {
    fn from(error: RegistrationError) -> Self {
        match error {
            RegistrationError::InvalidInvitation => {
                Self::client(StatusCode::BAD_REQUEST, "auth.invalid_invitation", error)
            }
            RegistrationError::Hashing(cause) => Self::hashing(cause),
            RegistrationError::Store(error) => error.into(),
        }
    }
}

impl From<SignInError> for ApiError {
    fn from(error: SignInError) -> Self {
        use SignInError as E;
        match error {
            E::InvalidCredentials => {
                Self::client(StatusCode::UNAUTHORIZED, "auth.invalid_credentials", error)
            }
            E::NotVerified => Self::client(StatusCode::FORBIDDEN, "auth.email_not_verified", error),
            E::Deactivated => Self::client(StatusCode::FORBIDDEN, "auth.deactivated", error),
            E::InvalidCode => Self::client(StatusCode::UNAUTHORIZED, "auth.invalid_code", error),
            E::InvalidToken => Self::client(StatusCode::BAD_REQUEST, "auth.invalid_token", error),
            E::InvalidRefreshToken => {
                Self::client(StatusCode::UNAUTHORIZED, "auth.invalid_refresh_token", error)
            }
            E::Csrf => Self::client(StatusCode::FORBIDDEN, "auth.csrf", error),
            E::Throttled(wait) => wait.into(),
            E::Mail(error) => error.into(),
            E::Hashing(cause) => Self::hashing(cause),
            E::Store(error) => error.into(),
        }
    }
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Weak(wrong) => Self::field("new_password", reasons(&wrong)),
            PasswordError::SignIn(error) => error.into(),
        }
    }
}

impl From<MfaError> for ApiError {
    fn from(error: MfaError) -> Self {
        match error {
            MfaError::AlreadyActive => {
                Self::client(StatusCode::CONFLICT, "mfa.already_active", error)
            }
            MfaError::NotSetUp => Self::client(StatusCode::CONFLICT, "mfa.not_set_up", error),
            MfaError::NotFound => Self::client(StatusCode::NOT_FOUND, "accounts.not_found", error),
            MfaError::SignIn(error) => error.into(),
        }
    }
}

impl From<SessionError> for ApiError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::NotFound(_) => {
                Self::client(StatusCode::NOT_FOUND, "session.not_found", error)
            }
            SessionError::NotAPerson => {
                Self::client(StatusCode::FORBIDDEN, "access.not_a_person", error)
            }
            SessionError::Store(error) => error.into(),
        }
    }
}

impl From<MemberError> for ApiError {
    fn from(error: MemberError) -> Self {
        use MemberError as E;
        match error {
            E::NotAMember(_) => Self::client(StatusCode::NOT_FOUND, "member.not_found", error),
            E::LastOwner => Self::client(StatusCode::CONFLICT, "member.last_owner", error),
            E::InvitationNotFound(_) => {
                Self::client(StatusCode::NOT_FOUND, "invitation.not_found", error)
            }
            E::InvalidInvitation => {
                Self::client(StatusCode::BAD_REQUEST, "auth.invalid_invitation", error)
            }
            E::NoPlace(_) => Self::client(StatusCode::NOT_FOUND, "workspace.not_found", error),
            E::Throttled(wait) => wait.into(),
            E::Mail(error) => error.into(),
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
