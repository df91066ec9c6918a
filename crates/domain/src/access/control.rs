//! The control feed: what every process has to know within a second.
//!
//! A change is a row, written with the change it tells of. Every process polls the feed, and
//! reads again what is younger than [`FEED_OVERLAP`], because rows become visible in the order
//! of their commits, not of their times.
use std::collections::HashMap;

use chrono::TimeDelta;

use crate::{
    access::{AccessClaims, TokenRefused},
    ids::{ApiKeyId, ControlId, SessionId, WorkspaceId},
    time::Timestamp,
};

/// How far back every poll reads again.
pub const FEED_OVERLAP: TimeDelta = TimeDelta::seconds(10);

/// A process that could not poll for so long no longer knows who is allowed what.
pub const FEED_STALE_AFTER: TimeDelta = TimeDelta::seconds(1);

/// Something that was taken back or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlChange {
    /// Tokens of the session below this epoch are dead. A session that ended has the last one.
    SessionEpoch {
        /// The session.
        session: SessionId,
        /// The first epoch that is good.
        epoch: u32,
    },
    /// The key was taken back, or may no longer be what it was: it has to be loaded again.
    ApiKeyChanged(ApiKeyId),
    /// What the workspace may do has to be loaded again.
    PlanChanged(WorkspaceId),
    /// What plans allow has to be loaded again, for every workspace.
    PlansChanged,
    /// What operators have stopped has to be loaded again, all of it.
    SwitchesChanged,
    /// The limits that operators set have to be loaded again, all of them.
    LimitsChanged,
    /// The workspace's own keys at providers have to be loaded again.
    CredentialsChanged(WorkspaceId),
    /// What operators say of models, and of what they cost, has to be loaded again.
    CatalogueChanged,
}

/// A change with its place in the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlEntry {
    /// Its identity.
    pub id: ControlId,
    /// When it was decided.
    pub at: Timestamp,
    /// What changed.
    pub change: ControlChange,
}

/// Sessions whose older tokens are dead, for as long as such tokens can be around.
#[derive(Clone, Debug, Default)]
pub struct Revocations {
    epochs: HashMap<SessionId, (u32, Timestamp)>,
}

impl Revocations {
    /// Takes note of a session's epoch.
    pub fn note(&mut self, session: SessionId, epoch: u32, at: Timestamp) {
        let noted = self.epochs.entry(session).or_insert((epoch, at));
        *noted = (noted.0.max(epoch), noted.1.max(at));
    }

    /// Forgets what no living token can be refused by.
    pub fn forget(&mut self, now: Timestamp) {
        self.epochs.retain(|_, (_, at)| *at + AccessClaims::LIFE + FEED_OVERLAP > now);
    }

    /// Refuses a token of an epoch that is over.
    ///
    /// # Errors
    ///
    /// [`TokenRefused::Revoked`].
    pub fn check(&self, claims: &AccessClaims) -> Result<(), TokenRefused> {
        match self.epochs.get(&claims.session) {
            Some((epoch, _)) if claims.epoch < *epoch => Err(TokenRefused::Revoked),
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        access::{Role, TokenId},
        ids::{UserId, WorkspaceId},
    };

    fn token(epoch: u32) -> AccessClaims {
        let session = SessionId::new(Uuid::nil());
        AccessClaims {
            user: UserId::new(Uuid::nil()),
            session,
            epoch,
            workspace: WorkspaceId::new(Uuid::nil()),
            role: Role::Owner,
            operator: false,
            authenticated_at: Timestamp::UNIX_EPOCH,
            issued_at: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::UNIX_EPOCH + AccessClaims::LIFE,
            id: TokenId { session, generation: 1 },
        }
    }

    #[test]
    fn tokens_of_an_older_epoch_are_dead_however_the_news_arrive() {
        let mut revocations = Revocations::default();
        assert_eq!(revocations.check(&token(0)), Ok(()));
        for epoch in [2, 1] {
            revocations.note(token(0).session, epoch, Timestamp::UNIX_EPOCH);
        }
        assert_eq!(revocations.check(&token(1)), Err(TokenRefused::Revoked));
        assert_eq!(revocations.check(&token(2)), Ok(()));
    }

    #[test]
    fn a_revocation_is_remembered_as_long_as_a_token_lives() {
        let mut revocations = Revocations::default();
        revocations.note(token(0).session, 1, Timestamp::UNIX_EPOCH);
        revocations.forget(Timestamp::UNIX_EPOCH + AccessClaims::LIFE);
        assert_eq!(revocations.check(&token(0)), Err(TokenRefused::Revoked));
        revocations.forget(Timestamp::UNIX_EPOCH + AccessClaims::LIFE + FEED_OVERLAP);
        assert!(revocations.epochs.is_empty());
    }
}
