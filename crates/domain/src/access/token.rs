//! What an access token says, and why one is refused.
//!
//! Signing and encoding are *not* here: they are behind [`AccessTokens`](super::AccessTokens).
use std::{fmt, str::FromStr};

use chrono::TimeDelta;

use crate::{
    access::{Grants, Role},
    ids::{SessionId, UserId, WorkspaceId},
    time::Timestamp,
};

/// The content of an access token. Issuer, audience and kind are the signer's to add and check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessClaims {
    /// Who signed in.
    pub user: UserId,
    /// The sign-in.
    pub session: SessionId,
    /// The session's epoch: tokens of an older one are dead.
    pub epoch: u32,
    /// The workspace that is active.
    pub workspace: WorkspaceId,
    /// What the user is there. When that changes, the session's epoch does.
    pub role: Role,
    /// Whether the user operates the platform. When that changes, the session's epoch does.
    pub operator: bool,
    /// When a password, a code or a second factor was last given.
    pub authenticated_at: Timestamp,
    /// When the token was made.
    pub issued_at: Timestamp,
    /// When it stops being good.
    pub expires_at: Timestamp,
    /// Which token it is.
    pub id: TokenId,
}

impl AccessClaims {
    /// How long a token is good.
    pub const LIFE: TimeDelta = TimeDelta::minutes(15);

    /// What the bearer may do.
    #[must_use]
    pub fn grants(&self) -> Grants {
        let grants = self.role.grants();
        if self.operator { grants.with_platform() } else { grants }
    }
}

/// A token's identity: the pair of tokens that a session handed out together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenId {
    /// The session.
    pub session: SessionId,
    /// Which of its pairs, counted from 1.
    pub generation: u32,
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.session, self.generation)
    }
}

impl FromStr for TokenId {
    type Err = TokenRefused;

    fn from_str(text: &str) -> Result<Self, TokenRefused> {
        let (session, generation) = text.split_once('.').ok_or(TokenRefused::Malformed)?;
        Ok(Self {
            session: session.parse().map_err(|_| TokenRefused::Malformed)?,
            generation: generation.parse().map_err(|_| TokenRefused::Malformed)?,
        })
    }
}

/// Why an access token is not accepted. Callers are told one thing for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefused {
    /// It cannot be read, or is not signed by us for this purpose.
    #[error("the token is malformed, or was not signed by us for this")]
    Malformed,
    /// Its time is over, or has not come.
    #[error("the token is expired")]
    Expired,
    /// Its session has ended, or moved to a new epoch.
    #[error("the session was ended")]
    Revoked,
}
