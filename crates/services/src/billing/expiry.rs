//! Credits that run out of time.
use std::sync::Arc;

use cape_domain::{
    access::{Actor, Principal},
    audit::Action,
    billing::{self, CreditGrant, Credits, GrantMove, Posted},
    ids::{RequestId, TransactionId},
    store::{BoxError, Durability, Scope, StoreError},
};

use crate::{
    Base,
    audit::{Fact, Trail},
    retry::retry,
};

/// Takes what has expired.
pub struct ExpiryService {
    base: Base,
    trail: Trail,
}

const AT_ONCE: u32 = 100;

impl ExpiryService {
    /// A service that enters what it does in this trail.
    #[must_use]
    pub fn new(base: Base, trail: Trail) -> Arc<Self> {
        Arc::new(Self { base, trail })
    }

    /// Takes what is left of lots whose time is over, up to a hundred lots. Says how many that
    /// was; one that cannot be taken is left for the next time. What is held stays until the hold ends.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn run_due(&self) -> Result<usize, StoreError> {
        let due = {
            let mut work = self.base.store.read(Scope::Platform).await?;
            work.ledger().expired_grants(self.base.now(), AT_ONCE).await?
        };
        let mut expired = 0;
        for grant in &due {
            match retry!(self.expire(grant)) {
                Ok(()) => expired += 1,
                Err(error) => tracing::error!(grant.id = %grant.id, %error, "not expired"),
            }
        }
        Ok(expired)
    }

    async fn expire(&self, grant: &CreditGrant) -> Result<(), StoreError> {
        let now = self.base.now();
        let scope = Scope::Workspace(grant.workspace);
        let mut work = self.base.store.begin(scope, Durability::Power).await?;
        work.ledger().lock(grant.workspace).await?;
        let lots = work.ledger().grants(grant.workspace).await?;
        let lost = lots.iter().find(|lot| lot.id == grant.id).map(|lot| lot.expired(now));
        let Some(lost) = lost.filter(|lost| lost.is_positive()) else {
            return Ok(());
        };
        let head = (TransactionId::next(&*self.base.ids), grant.workspace, now);
        let expiry = billing::expiry(head, grant.id, lost).map_err(corrupt)?;
        match super::post(&mut *work, &[expiry]).await? {
            Posted::Done => {}
            Posted::Short { .. } => return Err(StoreError::Conflict { what: "balance" }),
        }
        let remaining = Credits::ZERO.minus(lost).map_err(corrupt)?;
        let taken = GrantMove { grant: grant.id, remaining, held: Credits::ZERO };
        work.ledger().move_grants(&[taken]).await?;
        let actor = Actor {
            principal: Principal::System,
            workspace: grant.workspace,
            authenticated_at: now,
            request: RequestId::next(&*self.base.ids),
            address: None,
        };
        let fact = Fact {
            action: Action::CreditsExpired,
            subject: grant.id.to_string(),
            before: &[],
            after: &[("amount", &lost.to_string())],
        };
        self.trail.enter(&mut *work, &actor, None, fact).await?;
        work.commit().await
    }
}

fn corrupt(error: impl Into<BoxError>) -> StoreError {
    StoreError::Corrupt { what: "grant", source: error.into() }
}
