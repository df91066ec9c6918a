//! Switching a second factor on and off.
use std::sync::Arc;

use cape_domain::{
    access::{Actor, Door, ManageMfa, Permit, ViewProfile},
    accounts::{MailKind, RecoveryCode, Totp, TotpCodes, TotpState, User},
    audit::Action,
    ids::UserId,
    secret::Secret,
    store::{Durability, Scope, StoreError, UnitOfWork},
    time::Timestamp,
};

use super::{Factor, Outbox, SecondFactor, SignInError};
use crate::{
    Base,
    access::{Doorkeeper, Origin},
    audit::{Fact, Trail},
    retry::{Contended, retry},
};

/// Sets second factors up, and takes them away.
pub struct MfaService {
    base: Base,
    trail: Trail,
    doorkeeper: Doorkeeper,
    codes: Arc<dyn TotpCodes>,
    factor: SecondFactor,
    outbox: Outbox,
}

/// How somebody stands with second factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MfaStatus {
    /// Since when signing in asks for one.
    pub active_since: Option<Timestamp>,
    /// How many recovery codes are left.
    pub recovery_codes_left: u32,
}

/// A second factor that was set up and waits for its first code.
#[derive(Clone, Debug)]
pub struct MfaSetup {
    /// What is typed into an app.
    pub secret: Secret,
    /// What an app reads from a QR code.
    pub uri: Secret,
}

/// Why a second factor could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum MfaError {
    /// One is in use: it has to be switched off first.
    #[error("a second factor is in use already")]
    AlreadyActive,
    /// None was set up, or none is in use.
    #[error("no second factor was set up")]
    NotSetUp,
    /// The actor is no person, or is no more.
    #[error("this account does not exist")]
    NotFound,
    /// The code is not good, or it has to wait.
    #[error(transparent)]
    SignIn(#[from] SignInError),
}

impl From<StoreError> for MfaError {
    fn from(error: StoreError) -> Self {
        Self::SignIn(error.into())
    }
}

impl Contended for MfaError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::SignIn(error) => error.is_conflict(),
            Self::AlreadyActive | Self::NotSetUp | Self::NotFound => false,
        }
    }
}

impl MfaService {
    /// A service over these parts.
    #[must_use]
    pub fn new(
        base: Base,
        trail: Trail,
        doorkeeper: Doorkeeper,
        codes: Arc<dyn TotpCodes>,
        factor: SecondFactor,
        outbox: Outbox,
    ) -> Arc<Self> {
        Arc::new(Self { base, trail, doorkeeper, codes, factor, outbox })
    }

    /// How the actor stands.
    ///
    /// # Errors
    ///
    /// See [`MfaError`].
    pub async fn status(&self, permit: Permit<ViewProfile>) -> Result<MfaStatus, MfaError> {
        let user = permit.actor().user().ok_or(MfaError::NotFound)?;
        let mut work = self.base.store.read(Scope::Platform).await?;
        let active_since = match work.mfa().totp(user).await?.map(|totp| totp.state) {
            Some(TotpState::Active { since }) => Some(since),
            Some(TotpState::Pending) | None => None,
        };
        let recovery_codes_left = work.mfa().recovery_codes_left(user).await?;
        Ok(MfaStatus { active_since, recovery_codes_left })
    }

    /// Sets an app up. Until its first code is shown, signing in does not ask for it.
    ///
    /// # Errors
    ///
    /// See [`MfaError`].
    pub async fn set_up(&self, permit: Permit<ManageMfa>) -> Result<MfaSetup, MfaError> {
        let secret = self.codes.generate(&*self.base.secrets);
        let user = retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let user = locked(&mut *work, permit.actor()).await?;
            if work.mfa().totp(user.id).await?.is_some_and(|totp| totp.is_active()) {
                return Err(MfaError::AlreadyActive);
            }
            let sealed = self.trail.seal(&mut *work, user.id, secret.expose()).await?;
            let totp = Totp {
                user: user.id,
                secret: sealed,
                state: TotpState::Pending,
                last_step: 0,
                created_at: self.base.now(),
            };
            work.mfa().put_totp(&totp).await?;
            work.commit().await?;
            Ok(user)
        })?;
        let uri = self.codes.uri(&secret, &user.email);
        Ok(MfaSetup { secret, uri })
    }

    /// Switches the app on with its first code, and hands out recovery codes: the only time they
    /// are shown.
    ///
    /// # Errors
    ///
    /// See [`MfaError`].
    pub async fn switch_on(
        &self,
        permit: Permit<ManageMfa>,
        code: &Secret,
    ) -> Result<Vec<RecoveryCode>, MfaError> {
        let actor = permit.actor();
        let admitted = self.doorkeeper.admit(Door::Mfa, origin(actor), None, false).await;
        let admitted = admitted.map_err(SignInError::from)?;
        let codes = retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let user = locked(&mut *work, actor).await?;
            let totp = work.mfa().totp(user.id).await?.ok_or(MfaError::NotSetUp)?;
            if totp.is_active() {
                return Err(MfaError::AlreadyActive);
            }
            if !self.factor.accepts_code(&mut *work, &totp, code).await? {
                return Err(SignInError::InvalidCode.into());
            }
            let totp = work.mfa().totp(user.id).await?.ok_or(MfaError::NotSetUp)?;
            let state = TotpState::Active { since: self.base.now() };
            work.mfa().put_totp(&Totp { state, ..totp }).await?;
            let codes = self.replace_recovery_codes(&mut *work, user.id).await?;
            self.note(&mut *work, actor, &user, Action::MfaEnabled, "on").await?;
            work.commit().await?;
            Ok(codes)
        })?;
        self.doorkeeper.succeeded(admitted).await;
        Ok(codes)
    }

    /// Switches the second factor off, for who shows it once more.
    ///
    /// # Errors
    ///
    /// See [`MfaError`].
    pub async fn switch_off(
        &self,
        permit: Permit<ManageMfa>,
        factor: &Factor,
    ) -> Result<(), MfaError> {
        let actor = permit.actor();
        let admitted = self.doorkeeper.admit(Door::Mfa, origin(actor), None, false).await;
        let admitted = admitted.map_err(SignInError::from)?;
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let user = self.shown(&mut *work, actor, factor).await?;
            work.mfa().clear(user.id).await?;
            self.note(&mut *work, actor, &user, Action::MfaDisabled, "off").await?;
            Ok::<_, MfaError>(work.commit().await?)
        })?;
        self.doorkeeper.succeeded(admitted).await;
        Ok(())
    }

    /// Hands out new recovery codes in place of the old ones, for who shows a second factor.
    ///
    /// # Errors
    ///
    /// See [`MfaError`].
    pub async fn renew_recovery_codes(
        &self,
        permit: Permit<ManageMfa>,
        factor: &Factor,
    ) -> Result<Vec<RecoveryCode>, MfaError> {
        let actor = permit.actor();
        let admitted = self.doorkeeper.admit(Door::Mfa, origin(actor), None, false).await;
        let admitted = admitted.map_err(SignInError::from)?;
        let codes = retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let user = self.shown(&mut *work, actor, factor).await?;
            let codes = self.replace_recovery_codes(&mut *work, user.id).await?;
            let fact = Fact {
                action: Action::RecoveryCodesReplaced,
                subject: user.id.to_string(),
                before: &[],
                after: &[],
            };
            self.trail.enter(&mut *work, actor, None, fact).await?;
            work.commit().await?;
            Ok::<_, MfaError>(codes)
        })?;
        self.doorkeeper.succeeded(admitted).await;
        Ok(codes)
    }

    /// The actor's user, who has a second factor in use and has just shown it.
    async fn shown(
        &self,
        work: &mut dyn UnitOfWork,
        actor: &Actor,
        factor: &Factor,
    ) -> Result<User, MfaError> {
        let user = locked(work, actor).await?;
        if !work.mfa().totp(user.id).await?.is_some_and(|totp| totp.is_active()) {
            return Err(MfaError::NotSetUp);
        }
        if self.factor.accepts(work, origin(actor), &user, factor).await? {
            Ok(user)
        } else {
            Err(SignInError::InvalidCode.into())
        }
    }

    async fn replace_recovery_codes(
        &self,
        work: &mut dyn UnitOfWork,
        user: UserId,
    ) -> Result<Vec<RecoveryCode>, StoreError> {
        let codes: Vec<_> = (0..RecoveryCode::AT_ONCE)
            .map(|_| RecoveryCode::generate(&*self.base.secrets))
            .collect();
        let hashes: Vec<_> = codes.iter().map(RecoveryCode::hash).collect();
        work.mfa().put_recovery_codes(user, &hashes).await?;
        Ok(codes)
    }

    async fn note(
        &self,
        work: &mut dyn UnitOfWork,
        actor: &Actor,
        user: &User,
        action: Action,
        switched: &'static str,
    ) -> Result<(), StoreError> {
        let detail = switched.parse().ok();
        self.outbox.tell(work, user, MailKind::SecondFactorChanged, detail).await?;
        let fact = Fact { action, subject: user.id.to_string(), before: &[], after: &[] };
        self.trail.enter(work, actor, None, fact).await
    }
}

async fn locked(work: &mut dyn UnitOfWork, actor: &Actor) -> Result<User, MfaError> {
    let id = actor.user().ok_or(MfaError::NotFound)?;
    work.users().lock(id).await?.ok_or(MfaError::NotFound)
}

fn origin(actor: &Actor) -> Origin {
    Origin { request: actor.request, address: actor.address }
}
