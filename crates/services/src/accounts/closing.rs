//! Closing accounts, and opening them again.
use std::sync::Arc;

use cape_domain::{
    access::{Actor, CloseAccount, Permit},
    accounts::{Email, EndReason, User},
    audit::Action,
    store::{Durability, Scope, StoreError, UnitOfWork},
};

use super::{Revocation, VouchError, named::named};
use crate::{
    Base,
    audit::{Fact, Trail},
    retry::retry,
};

/// Closes accounts. What belongs to a workspace (credits, orders, usage) stays where it is; the
/// user's sessions end, and its keys are refused.
pub struct ClosingService {
    base: Base,
    trail: Trail,
    revocation: Revocation,
}

impl ClosingService {
    /// A service over these parts.
    #[must_use]
    pub fn new(base: Base, trail: Trail, revocation: Revocation) -> Arc<Self> {
        Arc::new(Self { base, trail, revocation })
    }

    /// Closes the actor's own account.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn close_own(&self, permit: Permit<CloseAccount>) -> Result<(), StoreError> {
        let Some((id, _)) = permit.actor().person() else { return Ok(()) };
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            if let Some(user) = work.users().lock(id).await?.filter(User::is_active) {
                self.close(&mut *work, permit.actor(), user).await?;
            }
            work.commit().await
        })
    }

    /// Closes an account on behalf of an operator.
    ///
    /// # Errors
    ///
    /// See [`VouchError`].
    pub async fn deactivate(&self, email: &Email) -> Result<(), VouchError> {
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let (actor, user) = self.named(&mut *work, email).await?;
            if user.is_active() {
                self.close(&mut *work, &actor, user).await?;
            }
            Ok::<_, VouchError>(work.commit().await?)
        })
    }

    /// Opens a closed account again, on behalf of an operator.
    ///
    /// # Errors
    ///
    /// See [`VouchError`].
    pub async fn reactivate(&self, email: &Email) -> Result<(), VouchError> {
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let (actor, user) = self.named(&mut *work, email).await?;
            if !user.is_active() {
                let user = user.reactivate();
                work.users().update(&user).await?;
                self.revocation.recheck_keys(&mut *work, user.id).await?;
                self.note(&mut *work, &actor, &user, Action::UserReactivated).await?;
            }
            Ok::<_, VouchError>(work.commit().await?)
        })
    }

    async fn close(
        &self,
        work: &mut dyn UnitOfWork,
        actor: &Actor,
        user: User,
    ) -> Result<(), StoreError> {
        let user = user.deactivate(self.base.now());
        work.users().update(&user).await?;
        work.one_time().clear(user.id).await?;
        let reason = EndReason::Deactivated;
        self.revocation.end_all(work, actor, user.id, None, reason).await?;
        self.revocation.recheck_keys(work, user.id).await?;
        self.note(work, actor, &user, Action::UserDeactivated).await
    }

    async fn named(
        &self,
        work: &mut dyn UnitOfWork,
        email: &Email,
    ) -> Result<(Actor, User), VouchError> {
        let found = named(&self.base, work, email).await?;
        found.ok_or_else(|| VouchError::NotFound(email.clone()))
    }

    async fn note(
        &self,
        work: &mut dyn UnitOfWork,
        actor: &Actor,
        user: &User,
        action: Action,
    ) -> Result<(), StoreError> {
        let fact = Fact { action, subject: user.id.to_string(), before: &[], after: &[] };
        self.trail.enter(work, actor, Some(user.id), fact).await
    }
}
