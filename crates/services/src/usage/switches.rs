//! Stopping and releasing what is called, by operators.
//!
//! What comes of it for calls is the [`Switchboard`](super::Switchboard)'s.
use std::sync::Arc;

use cape_domain::{
    access::{Actor, ControlChange, ControlEntry, OperatePlatform, Permit, ViewPlatform},
    audit::Action,
    ids::ControlId,
    store::{Durability, Scope, StoreError, UnitOfWork},
    usage::{StopReason, Switch, SwitchTarget},
};

use super::LiveBook;
use crate::{
    Base,
    audit::{Fact, Trail},
    retry::{Contended, retry},
};

/// Stops and releases keys, workspaces, models and providers.
pub struct SwitchService {
    base: Base,
    trail: Trail,
    book: Arc<LiveBook>,
}

/// Why something was not stopped or released.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    /// There is no such key, workspace, model or provider. A typo must not look like success.
    #[error("there is no {0}")]
    Unknown(SwitchTarget),
    /// It is not stopped.
    #[error("the {0} is not stopped")]
    NotStopped(SwitchTarget),
    /// Only a person does that.
    #[error("only a person stops anything")]
    NotAPerson,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Contended for SwitchError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Store(error) => error.is_conflict(),
            Self::Unknown(_) | Self::NotStopped(_) | Self::NotAPerson => false,
        }
    }
}

impl SwitchService {
    /// A service that knows the models of this book.
    #[must_use]
    pub fn new(base: Base, trail: Trail, book: Arc<LiveBook>) -> Arc<Self> {
        Arc::new(Self { base, trail, book })
    }

    /// Everything that is stopped: keys, workspaces, models, providers.
    ///
    /// # Errors
    ///
    /// See [`SwitchError`].
    pub async fn list(&self, _: Permit<ViewPlatform>) -> Result<Vec<Switch>, SwitchError> {
        let mut work = self.base.store.look(Scope::Platform).await?;
        Ok(work.switches().all().await?)
    }

    /// Stops something, in every process within a second: new calls are refused, and running ones
    /// end. What is stopped already is given this reason, and stays stopped since when it was.
    ///
    /// # Errors
    ///
    /// See [`SwitchError`].
    pub async fn stop(
        &self,
        permit: Permit<OperatePlatform>,
        target: SwitchTarget,
        reason: StopReason,
    ) -> Result<Switch, SwitchError> {
        let actor = permit.actor();
        let (operator, _) = actor.person().ok_or(SwitchError::NotAPerson)?;
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            if !self.exists(&mut *work, &target).await? {
                return Err(SwitchError::Unknown(target.clone()));
            }
            let before = work.switches().find(&target).await?;
            let since = before.as_ref().map_or_else(|| self.base.now(), |before| before.since);
            let (target, reason) = (target.clone(), reason.clone());
            let switch = Switch { target, reason, since, by: operator };
            work.switches().put(&switch).await?;
            let before = before.as_ref().map(|before| ("reason", before.reason.as_str()));
            let fact = Fact {
                action: Action::SwitchStopped,
                subject: switch.target.to_string(),
                before: before.as_slice(),
                after: &[("reason", switch.reason.as_str())],
            };
            self.tell(&mut *work, actor, fact).await?;
            work.commit().await?;
            Ok(switch)
        })
    }

    /// Lets calls through again, in every process within a second.
    ///
    /// # Errors
    ///
    /// See [`SwitchError`].
    pub async fn release(
        &self,
        permit: Permit<OperatePlatform>,
        target: &SwitchTarget,
    ) -> Result<(), SwitchError> {
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let before = work.switches().find(target).await?;
            let not_stopped = || SwitchError::NotStopped(target.clone());
            let before = before.ok_or_else(not_stopped)?;
            if !work.switches().remove(target).await? {
                return Err(not_stopped());
            }
            let fact = Fact {
                action: Action::SwitchReleased,
                subject: target.to_string(),
                before: &[("reason", before.reason.as_str())],
                after: &[],
            };
            self.tell(&mut *work, permit.actor(), fact).await?;
            Ok(work.commit().await?)
        })
    }

    async fn exists(
        &self,
        work: &mut dyn UnitOfWork,
        target: &SwitchTarget,
    ) -> Result<bool, StoreError> {
        let book = self.book.current();
        let mut models = book.models().iter();
        Ok(match target {
            SwitchTarget::Key(id) => work.api_keys().find(*id).await?.is_some(),
            SwitchTarget::Workspace(id) => work.workspaces().find(*id).await?.is_some(),
            // Not by another of its names: it is called by all of them.
            SwitchTarget::Model(id) => models.any(|model| model.id == *id),
            SwitchTarget::Provider(provider) => models.any(|model| model.provider == *provider),
        })
    }

    /// Enters it in the trail, and has every process load what is stopped.
    async fn tell(
        &self,
        work: &mut dyn UnitOfWork,
        actor: &Actor,
        fact: Fact<'_>,
    ) -> Result<(), StoreError> {
        let (id, change) = (ControlId::next(&*self.base.ids), ControlChange::SwitchesChanged);
        work.control().publish(&ControlEntry { id, at: self.base.now(), change }).await?;
        self.trail.enter(work, actor, None, fact).await
    }
}
