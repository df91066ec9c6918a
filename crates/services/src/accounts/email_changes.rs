//! Moving to another address: the old one and the new one both have to agree.
use std::sync::Arc;

use cape_domain::{
    access::{Actor, ChangeEmail, Door, Permit},
    accounts::{
        Email, EmailChange, EndReason, MailDetail, MailKind, PresentedToken, Purpose,
        SecretDeriver, Side, User,
    },
    audit::Action,
    ids::UserId,
    store::{Durability, Scope, StoreError, UnitOfWork},
};

use super::{Outbox, Revocation, SignInError, one_time::redeem};
use crate::{
    Base,
    access::{Doorkeeper, Origin},
    audit::{Fact, Trail},
    retry::retry,
};

/// Moves users to other addresses.
pub struct EmailChangeService {
    base: Base,
    trail: Trail,
    doorkeeper: Doorkeeper,
    secrets: Arc<dyn SecretDeriver>,
    revocation: Revocation,
    outbox: Outbox,
}

/// How far a move is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailChangeProgress {
    /// The other address has to agree yet.
    Waiting,
    /// The user signs in with the new address now.
    Done,
}

impl EmailChangeService {
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

    /// Asks both addresses. The answer is the same for an address that somebody else signs in
    /// with: its owner is told, and the move will never come to its end.
    ///
    /// # Errors
    ///
    /// See [`SignInError`].
    pub async fn request(
        &self,
        permit: Permit<ChangeEmail>,
        new_email: &Email,
    ) -> Result<(), SignInError> {
        self.outbox.require()?;
        let actor = permit.actor();
        let (id, _) = actor.person().ok_or(SignInError::InvalidCredentials)?;
        let origin = Origin { request: actor.request, address: actor.address };
        let _ = self.doorkeeper.admit(Door::Reset, origin, None, false).await?;
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let user = work.users().lock(id).await?.ok_or(SignInError::InvalidCredentials)?;
            let taken = work.users().find_by_email(new_email).await?;
            self.forget(&mut *work, id, new_email).await?;
            let change = EmailChange::request(id, new_email.clone(), self.base.now());
            work.email_changes().put(&change).await?;
            let detail: Option<MailDetail> = new_email.as_str().parse().ok();
            self.outbox.tell(&mut *work, &user, MailKind::ReleaseEmail, detail).await?;
            let (owner, kind) = match &taken {
                Some(owner) => (owner.id, MailKind::AddressTaken),
                None => (id, MailKind::ClaimEmail),
            };
            self.outbox.send(&mut *work, new_email, Some(owner), kind, None).await?;
            Ok(work.commit().await?)
        })
    }

    /// Forgets the links of a move to another address than this one: who agreed to that has not
    /// agreed to this, and who showed that one to be its own has not shown it of this.
    async fn forget(
        &self,
        work: &mut dyn UnitOfWork,
        user: UserId,
        new_email: &Email,
    ) -> Result<(), StoreError> {
        let former = work.email_changes().find(user).await?;
        if former.is_some_and(|former| former.new_email == *new_email) {
            return Ok(());
        }
        for purpose in [Purpose::ReleaseEmail, Purpose::ClaimEmail] {
            if let Some(token) = work.one_time().current(user, purpose).await? {
                work.one_time().consume(token.id).await?;
            }
        }
        Ok(())
    }

    /// Takes the agreement of one of the addresses; with that of the other, the user moves. All
    /// its sessions end but nothing else changes, and the old address is told.
    ///
    /// # Errors
    ///
    /// See [`SignInError`].
    pub async fn agree(
        &self,
        origin: Origin,
        token: &PresentedToken,
    ) -> Result<EmailChangeProgress, SignInError> {
        let outcome = retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let (user, side) = self.redeem(&mut *work, token).await?;
            let change = work.email_changes().find(user.id).await?;
            let change = change.ok_or(SignInError::InvalidToken)?.agree(side);
            let progress = if change.is_agreed() {
                self.finish(&mut *work, origin, user, change.new_email).await?;
                EmailChangeProgress::Done
            } else {
                work.email_changes().put(&change).await?;
                EmailChangeProgress::Waiting
            };
            work.commit().await?;
            Ok::<_, SignInError>(progress)
        });
        if let Err(SignInError::InvalidToken) = outcome {
            self.doorkeeper.refused(Door::Reset, origin).await?;
        }
        outcome
    }

    async fn redeem(
        &self,
        work: &mut dyn UnitOfWork,
        token: &PresentedToken,
    ) -> Result<(User, Side), SignInError> {
        let now = self.base.now();
        for (purpose, side) in
            [(Purpose::ReleaseEmail, Side::Old), (Purpose::ClaimEmail, Side::New)]
        {
            if let Some(spent) = redeem(work, &*self.secrets, token, purpose, now).await? {
                let user = work.users().lock(spent.user).await?.filter(User::is_active);
                return Ok((user.ok_or(SignInError::InvalidToken)?, side));
            }
        }
        Err(SignInError::InvalidToken)
    }

    async fn finish(
        &self,
        work: &mut dyn UnitOfWork,
        origin: Origin,
        user: User,
        new_email: Email,
    ) -> Result<(), SignInError> {
        // Somebody may have signed up with it since it was asked.
        if work.users().find_by_email(&new_email).await?.is_some() {
            return Err(SignInError::InvalidToken);
        }
        let now = self.base.now();
        let places = work.workspaces().memberships(user.id).await?;
        let place = places.first().ok_or(SignInError::InvalidToken)?;
        let actor = Actor::visitor(place.workspace, now, origin.request, origin.address);
        let detail: Option<MailDetail> = new_email.as_str().parse().ok();
        self.outbox.tell(work, &user, MailKind::EmailChanged, detail).await?;
        let user = user.change_email(new_email, now);
        work.users().update(&user).await?;
        work.email_changes().remove(user.id).await?;
        work.one_time().clear(user.id).await?;
        let reason = EndReason::CredentialsChanged;
        self.revocation.end_all(work, &actor, user.id, None, reason).await?;
        self.revocation.recheck_keys(work, user.id).await?;
        let action = Action::EmailChanged;
        let fact = Fact { action, subject: user.id.to_string(), before: &[], after: &[] };
        self.trail.enter(work, &actor, Some(user.id), fact).await.map_err(StoreError::into)
    }
}
