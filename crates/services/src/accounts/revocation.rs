//! Taking back what somebody signed in with, everywhere within a second.
use cape_domain::{
    access::{Actor, ControlChange, ControlEntry},
    accounts::{EndReason, Session},
    audit::Action,
    ids::{ControlId, SessionId, UserId, WorkspaceId},
    store::{StoreError, UnitOfWork},
};

use crate::{
    Base,
    audit::{Fact, Trail},
};

/// Ends sessions and drops keys, inside the caller's unit of work. A clone is another handle.
#[derive(Clone)]
pub struct Revocation {
    base: Base,
    trail: Trail,
}

/// Which keys of a user are taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// All of them.
    All,
    /// Those that were made so.
    EndingWithPassword,
}

impl Revocation {
    /// Enters what it takes back in this trail.
    #[must_use]
    pub const fn new(base: Base, trail: Trail) -> Self {
        Self { base, trail }
    }

    /// Ends a session and kills its access tokens.
    pub(super) async fn end(
        &self,
        work: &mut dyn UnitOfWork,
        actor: &Actor,
        session: Session,
        reason: EndReason,
    ) -> Result<(), StoreError> {
        let session = session.end(reason, self.base.now());
        work.sessions().update(&session).await?;
        self.announce(work, &session).await?;
        let action = match reason {
            EndReason::Theft => Action::SessionStolen,
            EndReason::LoggedOut
            | EndReason::Revoked
            | EndReason::CredentialsChanged
            | EndReason::Deactivated => Action::SessionEnded,
        };
        let fact = Fact {
            action,
            subject: session.id.to_string(),
            before: &[],
            after: &[("reason", reason.name())],
        };
        self.trail.enter(work, actor, Some(session.user), fact).await
    }

    /// Ends all sessions of a user but one. Whoever calls holds the lock of the user, so that no
    /// session begins meanwhile.
    pub(super) async fn end_all(
        &self,
        work: &mut dyn UnitOfWork,
        actor: &Actor,
        user: UserId,
        except: Option<SessionId>,
        reason: EndReason,
    ) -> Result<(), StoreError> {
        loop {
            let live = work.sessions().live(user, self.base.now()).await?;
            let others: Vec<_> = live.into_iter().filter(|s| Some(s.id) != except).collect();
            if others.is_empty() {
                return Ok(());
            }
            for session in others {
                self.end(work, actor, session, reason).await?;
            }
        }
    }

    /// Kills the access tokens that a user has in a workspace, because they no longer say what is
    /// true. Its sessions go on, with new ones.
    pub(super) async fn outdate(
        &self,
        work: &mut dyn UnitOfWork,
        user: UserId,
        workspace: WorkspaceId,
    ) -> Result<(), StoreError> {
        for session in work.sessions().live(user, self.base.now()).await? {
            if session.workspace == workspace {
                self.outdate_session(work, session).await?;
            }
        }
        Ok(())
    }

    /// The same, in whichever workspace they are good.
    pub(super) async fn outdate_everywhere(
        &self,
        work: &mut dyn UnitOfWork,
        user: UserId,
    ) -> Result<(), StoreError> {
        for session in work.sessions().live(user, self.base.now()).await? {
            self.outdate_session(work, session).await?;
        }
        Ok(())
    }

    async fn outdate_session(
        &self,
        work: &mut dyn UnitOfWork,
        session: Session,
    ) -> Result<(), StoreError> {
        let session = session.outdate();
        work.sessions().update(&session).await?;
        self.announce(work, &session).await
    }

    /// Takes back keys of a user: those that die with its password, or all.
    pub(super) async fn end_keys(
        &self,
        work: &mut dyn UnitOfWork,
        actor: &Actor,
        owner: UserId,
        which: Which,
    ) -> Result<(), StoreError> {
        let at = self.base.now();
        for key in work.api_keys().of_owner(owner).await? {
            let ends = match which {
                Which::All => true,
                Which::EndingWithPassword => key.rules.ends_with_password,
            };
            if !ends {
                continue;
            }
            work.api_keys().revoke(key.id, at).await?;
            self.publish(work, ControlChange::ApiKeyChanged(key.id)).await?;
            let fact = Fact {
                action: Action::ApiKeyRevoked,
                subject: key.id.to_string(),
                before: &[("name", key.name.as_str())],
                after: &[],
            };
            let actor = Actor { workspace: key.workspace, ..actor.clone() };
            self.trail.enter(work, &actor, None, fact).await?;
        }
        Ok(())
    }

    /// Has every process look again at the keys of a user: whether they are good depends upon it.
    pub(super) async fn recheck_keys(
        &self,
        work: &mut dyn UnitOfWork,
        owner: UserId,
    ) -> Result<(), StoreError> {
        for key in work.api_keys().of_owner(owner).await? {
            self.publish(work, ControlChange::ApiKeyChanged(key.id)).await?;
        }
        Ok(())
    }

    /// Tells every process which tokens of a session are good.
    pub(super) async fn announce(
        &self,
        work: &mut dyn UnitOfWork,
        session: &Session,
    ) -> Result<(), StoreError> {
        let change = ControlChange::SessionEpoch { session: session.id, epoch: session.epoch };
        self.publish(work, change).await
    }

    async fn publish(
        &self,
        work: &mut dyn UnitOfWork,
        change: ControlChange,
    ) -> Result<(), StoreError> {
        let id = ControlId::next(&*self.base.ids);
        work.control().publish(&ControlEntry { id, at: self.base.now(), change }).await
    }
}
