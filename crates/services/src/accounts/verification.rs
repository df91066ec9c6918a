//! Showing that an address is one's own.
use std::sync::Arc;

use cape_domain::{
    access::{Actor, Door},
    accounts::{Email, EndReason, MailKind, PresentedToken, Purpose, SecretDeriver, User},
    audit::Action,
    secret::Secret,
    store::{Durability, Scope, StoreError, UnitOfWork},
};

use super::{
    Outbox, Revocation, SignInError,
    named::named,
    one_time::{redeem, redeem_code},
    revocation::Which,
};
use crate::{
    Base,
    access::{Doorkeeper, Origin},
    audit::{Fact, Trail},
    retry::{Contended, retry},
};

/// Verifies addresses.
pub struct VerificationService {
    base: Base,
    trail: Trail,
    doorkeeper: Doorkeeper,
    secrets: Arc<dyn SecretDeriver>,
    revocation: Revocation,
    outbox: Outbox,
}

/// What somebody shows from its mail box.
#[derive(Clone, Debug)]
pub enum Evidence {
    /// The token of the link.
    Link(PresentedToken),
    /// The six digits, and the address they were sent to.
    Code {
        /// The address.
        email: Email,
        /// The digits.
        code: Secret,
    },
}

/// Why an operator could not vouch for an address.
#[derive(Debug, thiserror::Error)]
pub enum VouchError {
    /// Nobody signs in with it.
    #[error("nobody signs in with {0}")]
    NotFound(Email),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Contended for VouchError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::NotFound(_) => false,
            Self::Store(error) => error.is_conflict(),
        }
    }
}

impl VerificationService {
    /// A service over these parts.
    #[must_use]
    pub fn new(
        base: Base,
        trail: Trail,
        doorkeeper: Doorkeeper,
        secrets: Arc<dyn SecretDeriver>,
        revocation: Revocation,
        outbox: Outbox,
    ) -> Arc<Self> {
        Arc::new(Self { base, trail, doorkeeper, secrets, revocation, outbox })
    }

    /// Verifies an address for who has its mail box.
    ///
    /// # Errors
    ///
    /// See [`SignInError`].
    pub async fn verify(&self, origin: Origin, evidence: &Evidence) -> Result<(), SignInError> {
        let admitted = match evidence {
            Evidence::Link(_) => None,
            Evidence::Code { email, .. } => {
                Some(self.doorkeeper.admit(Door::Code, origin, Some(email), false).await?)
            }
        };
        let outcome = retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let Some(user) = self.redeem(&mut *work, evidence).await? else {
                work.commit().await?;
                return Err(refusal(evidence));
            };
            let places = work.workspaces().memberships(user.id).await?;
            let place = places.first().ok_or_else(|| refusal(evidence))?;
            let now = self.base.now();
            let actor = Actor::visitor(place.workspace, now, origin.request, origin.address);
            self.verified(&mut *work, &actor, user).await?;
            Ok(work.commit().await?)
        });
        match (&outcome, admitted) {
            (Ok(()), Some(admitted)) => self.doorkeeper.succeeded(admitted).await,
            (Err(SignInError::InvalidToken), None) => {
                self.doorkeeper.refused(Door::Code, origin).await?;
            }
            (Ok(()), None) | (Err(_), _) => {}
        }
        outcome
    }

    /// Asks for another mail. Nobody learns from the answer, or from the time it takes, who has
    /// an account, or whether it is verified.
    ///
    /// # Errors
    ///
    /// See [`SignInError`].
    pub async fn resend(&self, origin: Origin, email: &Email) -> Result<(), SignInError> {
        self.outbox.require()?;
        let _ = self.doorkeeper.admit(Door::Code, origin, None, false).await?;
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            self.outbox.send(&mut *work, email, None, MailKind::VerifyEmail, None).await?;
            Ok(work.commit().await?)
        })
    }

    /// Vouches for an address on behalf of an operator.
    ///
    /// # Errors
    ///
    /// See [`VouchError`].
    pub async fn vouch(&self, email: &Email) -> Result<(), VouchError> {
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let found = named(&self.base, &mut *work, email).await?;
            let (actor, user) = found.ok_or_else(|| VouchError::NotFound(email.clone()))?;
            self.verified(&mut *work, &actor, user).await?;
            Ok(work.commit().await?)
        })
    }

    async fn redeem(
        &self,
        work: &mut dyn UnitOfWork,
        evidence: &Evidence,
    ) -> Result<Option<User>, StoreError> {
        let (now, purpose, secrets) = (self.base.now(), Purpose::VerifyEmail, &*self.secrets);
        match evidence {
            Evidence::Link(token) => match redeem(work, secrets, token, purpose, now).await? {
                Some(token) => work.users().lock(token.user).await,
                None => Ok(None),
            },
            Evidence::Code { email, code } => {
                let Some(user) = work.users().find_by_email(email).await? else {
                    return Ok(None);
                };
                let right = redeem_code(work, secrets, user.id, purpose, code, now).await?;
                if right { work.users().lock(user.id).await } else { Ok(None) }
            }
        }
    }

    /// Takes note that whoever acts has the mail box of an account that nobody had shown to be its
    /// own. Somebody else may have signed up with the address, so what was begun and made until
    /// now ends: a stranger keeps no way in. Its password is for the caller to replace.
    pub(super) async fn claimed(
        &self,
        work: &mut dyn UnitOfWork,
        actor: &Actor,
        user: User,
    ) -> Result<User, StoreError> {
        let reason = EndReason::CredentialsChanged;
        self.revocation.end_all(work, actor, user.id, None, reason).await?;
        self.revocation.end_keys(work, actor, user.id, Which::All).await?;
        work.mfa().clear(user.id).await?;
        self.verified(work, actor, user).await
    }

    /// The first time is welcomed by mail. Keys of the user may be good from now on.
    async fn verified(
        &self,
        work: &mut dyn UnitOfWork,
        actor: &Actor,
        user: User,
    ) -> Result<User, StoreError> {
        if user.is_verified() {
            return Ok(user);
        }
        let verified = user.verify(self.base.now());
        work.users().update(&verified).await?;
        let user = User { version: verified.version + 1, ..verified };
        self.revocation.recheck_keys(work, user.id).await?;
        self.outbox.tell(work, &user, MailKind::Welcome, None).await?;
        let fact = Fact {
            action: Action::UserVerified,
            subject: user.id.to_string(),
            before: &[],
            after: &[],
        };
        self.trail.enter(work, actor, Some(user.id), fact).await?;
        Ok(user)
    }
}

const fn refusal(evidence: &Evidence) -> SignInError {
    match evidence {
        Evidence::Link(_) => SignInError::InvalidToken,
        Evidence::Code { .. } => SignInError::InvalidCode,
    }
}
