//! Choosing, changing and replacing passwords.
use std::sync::Arc;

use cape_domain::{
    access::{Actor, ChangePassword, Door, Permit},
    accounts::{
        Appraisal, Chooser, Email, EndReason, MailKind, Password, PasswordHash, PasswordHasher,
        PasswordMeter, PresentedToken, Profile, Purpose, SecretDeriver, User, Verified,
        WeakPassword,
    },
    audit::Action,
    ids::SessionId,
    store::{Durability, Scope, StoreError, UnitOfWork},
};

use super::{
    Outbox, Revocation, SignInError, VerificationService,
    one_time::{open, redeem},
    revocation::Which,
};
use crate::{
    Base,
    access::{Doorkeeper, Origin},
    audit::{Fact, Trail},
    retry::{Contended, retry},
};

/// Judges, changes and replaces passwords.
pub struct PasswordService {
    base: Base,
    trail: Trail,
    doorkeeper: Doorkeeper,
    hasher: Arc<dyn PasswordHasher>,
    meter: Arc<dyn PasswordMeter>,
    secrets: Arc<dyn SecretDeriver>,
    revocation: Revocation,
    outbox: Outbox,
    verification: Arc<VerificationService>,
}

/// Why a password was not changed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The new one is too weak, for each of these reasons.
    #[error("the password is too weak")]
    Weak(Vec<WeakPassword>),
    /// Whoever asks did not show what it has to.
    #[error(transparent)]
    SignIn(#[from] SignInError),
}

impl From<StoreError> for PasswordError {
    fn from(error: StoreError) -> Self {
        Self::SignIn(error.into())
    }
}

impl Contended for PasswordError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::SignIn(error) => error.is_conflict(),
            Self::Weak(_) => false,
        }
    }
}

impl PasswordService {
    /// A service over these parts.
    #[expect(clippy::too_many_arguments, reason = "each has a say in passwords")]
    #[must_use]
    pub fn new(
        base: Base,
        trail: Trail,
        doorkeeper: Doorkeeper,
        hasher: Arc<dyn PasswordHasher>,
        meter: Arc<dyn PasswordMeter>,
        secrets: Arc<dyn SecretDeriver>,
        revocation: Revocation,
        outbox: Outbox,
        verification: Arc<VerificationService>,
    ) -> Arc<Self> {
        Arc::new(Self {
            base,
            trail,
            doorkeeper,
            hasher,
            meter,
            secrets,
            revocation,
            outbox,
            verification,
        })
    }

    /// What a meter says about a password, and why it could not be chosen, if so.
    #[must_use]
    pub fn appraise(&self, text: &str, chooser: Chooser<'_>) -> (Appraisal, Vec<WeakPassword>) {
        let appraisal = self.meter.appraise(text, chooser);
        let wrong = Password::choose(text, chooser, &appraisal).err().unwrap_or_default();
        (appraisal, wrong)
    }

    /// A password that somebody chooses.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn choose(&self, text: &str, chooser: Chooser<'_>) -> Result<Password, Vec<WeakPassword>> {
        Password::choose(text, chooser, &self.meter.appraise(text, chooser))
    }

    /// Asks for a mail with a link. Nobody learns from the answer, or from the time it takes,
    /// who has an account.
    ///
    /// # Errors
    ///
    /// See [`SignInError`].
    pub async fn forgot(&self, origin: Origin, email: &Email) -> Result<(), SignInError> {
        self.outbox.require()?;
        let _ = self.doorkeeper.admit(Door::Reset, origin, None, false).await?;
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            self.outbox.send(&mut *work, email, None, MailKind::ResetPassword, None).await?;
            Ok(work.commit().await?)
        })
    }

    /// Replaces a forgotten password. All sessions end, and so do the keys that are marked so.
    ///
    /// # Errors
    ///
    /// See [`PasswordError`]. A password that is too weak leaves the link good.
    pub async fn reset(
        &self,
        origin: Origin,
        token: &PresentedToken,
        password: &str,
    ) -> Result<(), PasswordError> {
        let Some((user, profile)) = self.owner(token).await? else {
            self.doorkeeper.refused(Door::Reset, origin).await.map_err(SignInError::from)?;
            return Err(SignInError::InvalidToken.into());
        };
        let hash = self.chosen(password, &user, profile.as_ref()).await?;
        retry!(async {
            let now = self.base.now();
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let purpose = Purpose::ResetPassword;
            let spent = redeem(&mut *work, &*self.secrets, token, purpose, now).await?;
            let spent = spent.ok_or(SignInError::InvalidToken)?;
            let user = work.users().lock(spent.user).await?.filter(User::is_active);
            let user = user.ok_or(SignInError::InvalidToken)?;
            let places = work.workspaces().memberships(user.id).await?;
            let place = places.first().ok_or(SignInError::InvalidToken)?;
            let actor = Actor::visitor(place.workspace, now, origin.request, origin.address);
            // Whoever has the link has the mail box.
            let user = if user.is_verified() {
                user
            } else {
                self.verification.claimed(&mut *work, &actor, user).await?
            };
            let user = user.change_password(hash.clone());
            self.replaced(&mut *work, &actor, user, None, Action::PasswordReset).await?;
            Ok::<_, PasswordError>(work.commit().await?)
        })
    }

    /// Changes the actor's password. All its other sessions end, and so do the keys that are
    /// marked so.
    ///
    /// # Errors
    ///
    /// See [`PasswordError`].
    pub async fn change(
        &self,
        permit: Permit<ChangePassword>,
        old: &Password,
        new: &str,
    ) -> Result<(), PasswordError> {
        let actor = permit.actor();
        let (id, session) = actor.person().ok_or(SignInError::InvalidCredentials)?;
        let (user, profile) = {
            let mut work = self.base.store.read(Scope::Platform).await?;
            let user = work.users().find(id).await?.ok_or(SignInError::InvalidCredentials)?;
            (user, work.users().profile(id).await?)
        };
        let origin = Origin { request: actor.request, address: actor.address };
        let admitted = self.doorkeeper.admit(Door::Login, origin, Some(&user.email), true).await;
        let admitted = admitted.map_err(SignInError::from)?;
        let verified = self.hasher.verify(old, Some(&user.password)).await;
        if verified.map_err(SignInError::Hashing)? == Verified::No {
            return Err(SignInError::InvalidCredentials.into());
        }
        self.doorkeeper.succeeded(admitted).await;
        let hash = self.chosen(new, &user, profile.as_ref()).await?;
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let current = work.users().lock(id).await?;
            let current = current.filter(|current| current.password == user.password);
            let current = current.ok_or(SignInError::InvalidCredentials)?;
            let current = current.change_password(hash.clone());
            let action = Action::PasswordChanged;
            self.replaced(&mut *work, actor, current, Some(session), action).await?;
            Ok::<_, PasswordError>(work.commit().await?)
        })
    }

    /// Whose link it is, without using it up: an unusable password must not cost the link.
    async fn owner(
        &self,
        token: &PresentedToken,
    ) -> Result<Option<(User, Option<Profile>)>, StoreError> {
        let mut work = self.base.store.begin(Scope::Platform, Durability::Process).await?;
        let now = self.base.now();
        let found = open(&mut *work, &*self.secrets, token, Purpose::ResetPassword, now).await?;
        let Some(found) = found else { return Ok(None) };
        let Some(user) = work.users().find(found.user).await? else { return Ok(None) };
        let profile = work.users().profile(user.id).await?;
        Ok(Some((user, profile)))
    }

    async fn chosen(
        &self,
        text: &str,
        user: &User,
        profile: Option<&Profile>,
    ) -> Result<PasswordHash, PasswordError> {
        let chooser = Chooser {
            email: Some(&user.email),
            full_name: profile.and_then(|profile| profile.full_name.as_ref()),
            company: profile.and_then(|profile| profile.company.as_ref()),
        };
        let password = self.choose(text, chooser).map_err(PasswordError::Weak)?;
        Ok(self.hasher.hash(&password).await.map_err(SignInError::Hashing)?)
    }

    /// Stores a user with its new password, and takes back what was got with the old one.
    async fn replaced(
        &self,
        work: &mut dyn UnitOfWork,
        actor: &Actor,
        user: User,
        except: Option<SessionId>,
        action: Action,
    ) -> Result<(), StoreError> {
        let reason = EndReason::CredentialsChanged;
        work.users().update(&user).await?;
        work.one_time().clear(user.id).await?;
        self.revocation.end_all(work, actor, user.id, except, reason).await?;
        self.revocation.end_keys(work, actor, user.id, Which::EndingWithPassword).await?;
        self.outbox.tell(work, &user, MailKind::PasswordChanged, None).await?;
        let fact = Fact { action, subject: user.id.to_string(), before: &[], after: &[] };
        self.trail.enter(work, actor, Some(user.id), fact).await
    }
}
