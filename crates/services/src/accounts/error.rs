//! Why somebody is not let in, whatever it came with.
use cape_domain::store::{BoxError, StoreError};

use super::MailDisabled;
use crate::{access::Wait, retry::Contended};

/// Why somebody is not let in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Unknown address or wrong password; which of them is not said.
    #[error("e-mail or password is wrong")]
    InvalidCredentials,
    /// The password is right, but nobody knows whose the address is.
    #[error("the e-mail address is not verified yet")]
    NotVerified,
    /// The password is right, but the account was closed.
    #[error("the account is closed")]
    Deactivated,
    /// Wrong, used before, expired, or one of too many. It does not say which.
    #[error("the code is not valid")]
    InvalidCode,
    /// The link, or the question for a second factor, is not good. It does not say why.
    #[error("the token is not valid, or was used before")]
    InvalidToken,
    /// The refresh token is not good. It does not say why.
    #[error("the refresh token is not valid")]
    InvalidRefreshToken,
    /// A refresh token came in a cookie, and the page did not repeat what only it can read.
    #[error("the header X-CSRF-Token is missing or does not belong to the session")]
    Csrf,
    /// Too many attempts failed.
    #[error(transparent)]
    Throttled(#[from] Wait),
    /// It needs a mail, and mail is not configured.
    #[error(transparent)]
    Mail(#[from] MailDisabled),
    /// Passwords cannot be checked.
    #[error("the password could not be checked")]
    Hashing(#[source] BoxError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Contended for SignInError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Store(error) => error.is_conflict(),
            Self::InvalidCredentials
            | Self::NotVerified
            | Self::Deactivated
            | Self::InvalidCode
            | Self::InvalidToken
            | Self::InvalidRefreshToken
            | Self::Csrf
            | Self::Throttled(_)
            | Self::Mail(_)
            | Self::Hashing(_) => false,
        }
    }
}
