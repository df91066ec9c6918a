//! Sign-ins, and the refresh tokens that keep them alive.
//!
//! A session hands out pairs of tokens, one generation after the other. The secret of each
//! generation is derived and never stored, so a client that lost an answer asks again and is
//! given the same pair: there is never a second branch that a thief could live on.
//!
//! ```text
//! presented                                       verdict
//! current                                      -> Rotate to the next generation
//! previous, whose successor was never used     -> Repeat the successor
//! previous, at most ten seconds after rotation -> Repeat the successor
//! anything else                                -> Theft: the session ends
//! ```
//!
//! "Used" is the refresh token *or* the access token of the pair: who uses either has received
//! both. Deriving and comparing secrets is *not* done here.
use std::{fmt, net::IpAddr, str::FromStr};

use chrono::TimeDelta;
use uuid::Uuid;

use crate::{
    ids::{SessionId, UserId, WorkspaceId},
    secret::Secret,
    text::Line,
    time::Timestamp,
};

/// What a client says it is (its `User-Agent`), cut to what is worth showing.
pub type Device = Line<200>;

/// A sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its identity.
    pub id: SessionId,
    /// Who signed in.
    pub user: UserId,
    /// The workspace that is active.
    pub workspace: WorkspaceId,
    /// Grows when outstanding access tokens must die.
    pub epoch: u32,
    /// The pair that was handed out last, counted from 1.
    pub generation: u32,
    /// When it was handed out first.
    pub rotated_at: Timestamp,
    /// The last generation of which a token was used.
    pub used_generation: u32,
    /// Random bytes that go into every secret of the session.
    pub salt: [u8; 32],
    /// When a password, a code or a second factor was last given.
    pub authenticated_at: Timestamp,
    /// When it began.
    pub created_at: Timestamp,
    /// When a pair of its tokens was last used for the first time: within a quarter of an hour,
    /// the life of an access token, when it was last seen.
    pub last_seen_at: Timestamp,
    /// What signed in.
    pub device: Option<Device>,
    /// Where from.
    pub address: Option<IpAddr>,
    /// Whether it lives.
    pub state: SessionState,
    /// Grows with every stored change; guards concurrent writers.
    pub version: u32,
}

/// What a session begins with.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// Its identity.
    pub id: SessionId,
    /// Who signs in.
    pub user: UserId,
    /// The workspace that is active.
    pub workspace: WorkspaceId,
    /// Random bytes that go into every secret of the session.
    pub salt: [u8; 32],
    /// What signs in.
    pub device: Option<Device>,
    /// Where from.
    pub address: Option<IpAddr>,
}

/// Where a session is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// Good until it expires.
    Live {
        /// When it does, unless it is refreshed.
        expires_at: Timestamp,
    },
    /// Over.
    Ended {
        /// Since when.
        at: Timestamp,
        /// Why.
        reason: EndReason,
    },
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// Its user signed out.
    LoggedOut,
    /// A refresh token came back that should be gone.
    Theft,
    /// Its user took it back from another session.
    Revoked,
    /// The password or the address that it was begun with was changed.
    CredentialsChanged,
    /// The account was closed.
    Deactivated,
}

impl EndReason {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::LoggedOut, Self::Theft, Self::Revoked, Self::CredentialsChanged, Self::Deactivated];

    /// The stable name, as stored and as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LoggedOut => "logged_out",
            Self::Theft => "theft",
            Self::Revoked => "revoked",
            Self::CredentialsChanged => "credentials_changed",
            Self::Deactivated => "deactivated",
        }
    }
}

/// What to do about a refresh token whose secret is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefreshVerdict {
    /// Hand out the next generation.
    Rotate,
    /// Hand out the current generation again.
    Repeat,
    /// End the session.
    Theft,
    /// The session is over, or the generation was never handed out.
    Refuse,
}

impl RefreshVerdict {
    /// The stable name, for metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rotate => "rotate",
            Self::Repeat => "repeat",
            Self::Theft => "theft",
            Self::Refuse => "refuse",
        }
    }
}

impl Session {
    /// How long a session lives without being refreshed.
    pub const LIFE: TimeDelta = TimeDelta::days(30);

    /// How long after a rotation the previous token is taken for a retry, whatever was used.
    pub const RETRY_WINDOW: TimeDelta = TimeDelta::seconds(10);

    /// A session that begins now, with the first pair.
    #[must_use]
    pub fn begin(beginning: Beginning, now: Timestamp) -> Self {
        let Beginning { id, user, workspace, salt, device, address } = beginning;
        Self {
            id,
            user,
            workspace,
            epoch: 0,
            generation: 1,
            rotated_at: now,
            used_generation: 0,
            salt,
            authenticated_at: now,
            created_at: now,
            last_seen_at: now,
            device,
            address,
            state: SessionState::Live { expires_at: now + Self::LIFE },
            version: 0,
        }
    }

    /// Whether the session lives at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        match self.state {
            SessionState::Live { expires_at } => now < expires_at,
            SessionState::Ended { .. } => false,
        }
    }

    /// Judges a refresh token of this session whose secret is right.
    #[must_use]
    pub fn judge(&self, presented: u32, now: Timestamp) -> RefreshVerdict {
        if !self.is_live(now) || presented == 0 || presented > self.generation {
            return RefreshVerdict::Refuse;
        }
        if presented == self.generation {
            return RefreshVerdict::Rotate;
        }
        let previous = presented + 1 == self.generation;
        let successor_unused = self.used_generation < self.generation;
        let just_now = now <= self.rotated_at + Self::RETRY_WINDOW;
        if previous && (successor_unused || just_now) {
            RefreshVerdict::Repeat
        } else {
            RefreshVerdict::Theft
        }
    }

    /// Moves on to the next pair, after [`RefreshVerdict::Rotate`].
    #[must_use]
    pub fn rotate(self, now: Timestamp) -> Self {
        Self {
            generation: self.generation + 1,
            used_generation: self.used_generation.max(self.generation),
            rotated_at: now,
            last_seen_at: now,
            state: SessionState::Live { expires_at: now + Self::LIFE },
            ..self
        }
    }

    /// Takes note that its user has just shown again who it is.
    #[must_use]
    pub fn reauthenticate(self, now: Timestamp) -> Self {
        Self { authenticated_at: now, last_seen_at: now, ..self }
    }

    /// Kills the access tokens that are out: what they say is no longer true. The refresh token
    /// stays good, and its next pair says what is.
    #[must_use]
    pub fn outdate(self) -> Self {
        match self.state {
            SessionState::Live { .. } => Self { epoch: self.epoch + 1, ..self },
            SessionState::Ended { .. } => self,
        }
    }

    /// Makes another workspace the active one. Access tokens for the former one die.
    #[must_use]
    pub fn switch(self, workspace: WorkspaceId) -> Self {
        Self { workspace, ..self }.outdate()
    }

    /// Ends the session and kills its access tokens. The first reason stands.
    #[must_use]
    pub fn end(self, reason: EndReason, now: Timestamp) -> Self {
        match self.state {
            SessionState::Live { .. } => Self {
                epoch: self.epoch + 1,
                state: SessionState::Ended { at: now, reason },
                ..self
            },
            SessionState::Ended { .. } => self,
        }
    }
}

/// A refresh token as a client presents it: `cape_rt_<session>.<generation>.<secret>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// The session.
    pub session: SessionId,
    /// Which of its pairs.
    pub generation: u32,
    /// What only the receiver of the pair knows, in hex.
    pub secret: Secret,
}

/// A text that is not a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a refresh token of this platform")]
pub struct InvalidRefreshToken;

const PREFIX: &str = "cape_rt_";

impl RefreshToken {
    /// The whole token, for its receiver.
    #[must_use]
    pub fn reveal(&self) -> Secret {
        let Self { session, generation, secret } = self;
        Secret::new(format!("{PREFIX}{}.{generation}.{}", session.raw().simple(), secret.expose()))
    }
}

impl FromStr for RefreshToken {
    type Err = InvalidRefreshToken;

    fn from_str(text: &str) -> Result<Self, InvalidRefreshToken> {
        let mut parts = text.strip_prefix(PREFIX).ok_or(InvalidRefreshToken)?.split('.');
        let (Some(session), Some(generation), Some(secret), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidRefreshToken);
        };
        let token = Self {
            session: SessionId::new(Uuid::try_parse(session).map_err(|_| InvalidRefreshToken)?),
            generation: generation.parse().map_err(|_| InvalidRefreshToken)?,
            secret: Secret::new(secret),
        };
        if token.reveal().expose() == text { Ok(token) } else { Err(InvalidRefreshToken) }
    }
}

impl fmt::Display for RefreshVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn session() -> Session {
        let nil = Uuid::nil();
        let (id, user, workspace) = (SessionId::new(nil), UserId::new(nil), WorkspaceId::new(nil));
        let beginning =
            Beginning { id, user, workspace, salt: [0; 32], device: None, address: None };
        Session::begin(beginning, at(0))
    }

    #[test]
    fn every_presented_generation_has_its_verdict() {
        use RefreshVerdict as V;
        let rotated = session().rotate(at(100)).rotate(at(200));
        assert_eq!((rotated.generation, rotated.used_generation), (3, 2));
        let used = Session { used_generation: 3, ..rotated.clone() };
        let ended = rotated.clone().end(EndReason::LoggedOut, at(300));
        for (session, presented, now, expected) in [
            (&rotated, 0, 201, V::Refuse),
            (&rotated, 1, 201, V::Theft),
            (&rotated, 2, 201, V::Repeat),
            (&rotated, 2, 100_000, V::Repeat),
            (&rotated, 3, 201, V::Rotate),
            (&rotated, 4, 201, V::Refuse),
            (&used, 1, 201, V::Theft),
            (&used, 2, 210, V::Repeat),
            (&used, 2, 211, V::Theft),
            (&used, 3, 211, V::Rotate),
            (&ended, 3, 301, V::Refuse),
            (&ended, 1, 301, V::Refuse),
            (&rotated, 3, 200 + 30 * 86_400, V::Refuse),
        ] {
            let verdict = session.judge(presented, at(now));
            assert_eq!(verdict, expected, "{presented} at {now} of {session:?}");
        }
    }

    #[test]
    fn ending_kills_the_access_tokens_and_keeps_the_first_reason() {
        let ended = session().end(EndReason::Theft, at(5));
        assert_eq!(ended.epoch, 1);
        assert!(!ended.is_live(at(5)));
        assert_eq!(ended.clone().end(EndReason::LoggedOut, at(6)), ended);
    }

    #[test]
    fn outdating_kills_the_access_tokens_of_a_living_session_and_no_more() {
        let outdated = session().outdate();
        assert_eq!((outdated.epoch, outdated.generation), (1, 1));
        assert!(outdated.is_live(at(5)));
        let ended = session().end(EndReason::Revoked, at(5));
        assert_eq!(ended.clone().outdate(), ended);
    }

    #[test]
    fn a_refresh_token_has_one_spelling() {
        let token =
            RefreshToken { session: session().id, generation: 7, secret: Secret::new("0123abcd") };
        let text = token.reveal();
        assert_eq!(text.expose().parse(), Ok(token));
        for wrong in ["", "cape_rt_", "cape_rt_1.2.3.4", &text.expose().replace(".7.", ".07.")] {
            assert_eq!(wrong.parse::<RefreshToken>(), Err(InvalidRefreshToken), "{wrong}");
        }
    }
}
