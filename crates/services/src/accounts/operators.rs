//! Who operates the platform. It is said by the command line alone: nobody becomes an operator over
//! HTTP.
use std::sync::Arc;

use cape_domain::{
    access::Actor,
    accounts::{Email, User},
    audit::Action,
    store::{Durability, Scope, StoreError, UnitOfWork},
};

use super::{Revocation, named::named};
use crate::{
    Base,
    audit::{Fact, Trail},
    retry::{Contended, retry},
};

/// Makes users operators of the platform, and takes that back.
pub struct OperatorService {
    base: Base,
    trail: Trail,
    revocation: Revocation,
}

/// Why somebody did not become an operator, or did not cease to be one.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// Nobody signs in with it.
    #[error("nobody signs in with {0}")]
    NotFound(Email),
    /// Whoever has the mail box may be somebody else than who signed up.
    #[error("the address {0} is not verified")]
    Unverified(Email),
    /// The account is closed.
    #[error("the account of {0} is closed")]
    Closed(Email),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Contended for OperatorError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Store(error) => error.is_conflict(),
            Self::NotFound(_) | Self::Unverified(_) | Self::Closed(_) => false,
        }
    }
}

impl OperatorService {
    /// A service over these parts.
    #[must_use]
    pub fn new(base: Base, trail: Trail, revocation: Revocation) -> Arc<Self> {
        Arc::new(Self { base, trail, revocation })
    }

    /// Makes a user an operator. Its access tokens die within a second; the next ones say what it
    /// is now.
    ///
    /// # Errors
    ///
    /// See [`OperatorError`].
    pub async fn promote(&self, email: &Email) -> Result<(), OperatorError> {
        retry!(self.set(email, true))
    }

    /// Takes that back. Its access tokens die within a second.
    ///
    /// # Errors
    ///
    /// See [`OperatorError`].
    pub async fn demote(&self, email: &Email) -> Result<(), OperatorError> {
        retry!(self.set(email, false))
    }

    async fn set(&self, email: &Email, operator: bool) -> Result<(), OperatorError> {
        let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
        let (actor, user) = self.named(&mut *work, email).await?;
        if operator && !user.is_active() {
            return Err(OperatorError::Closed(user.email));
        }
        if operator && !user.is_verified() {
            return Err(OperatorError::Unverified(user.email));
        }
        if user.operator == operator {
            return Ok(());
        }
        let user = user.operate(operator);
        work.users().update(&user).await?;
        self.revocation.outdate_everywhere(&mut *work, user.id).await?;
        let action = if operator { Action::OperatorPromoted } else { Action::OperatorDemoted };
        let fact = Fact { action, subject: user.id.to_string(), before: &[], after: &[] };
        self.trail.enter(&mut *work, &actor, Some(user.id), fact).await?;
        Ok(work.commit().await?)
    }

    async fn named(
        &self,
        work: &mut dyn UnitOfWork,
        email: &Email,
    ) -> Result<(Actor, User), OperatorError> {
        let found = named(&self.base, work, email).await?;
        found.ok_or_else(|| OperatorError::NotFound(email.clone()))
    }
}
