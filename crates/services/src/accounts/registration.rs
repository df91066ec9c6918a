//! Signing up.
//!
//! The answer is the same whether the address is known or not, and so is the work that takes
//! time: nobody learns from it who has an account.
use std::sync::Arc;

use cape_domain::{
    access::{Actor, Role},
    accounts::{
        Email, Invitation, MailKind, Membership, Password, PasswordHash, PasswordHasher,
        PresentedToken, Profile, SecretDeriver, User, UserState, UserType, Verification, Workspace,
    },
    audit::Action,
    billing::{Credits, GrantSource},
    ids::{UserId, WorkspaceId},
    store::{BoxError, Durability, Scope, StoreError, UnitOfWork},
    text::Name,
};

use super::{Outbox, members::join, one_time::open_invitation};
use crate::{
    Base,
    access::Origin,
    audit::{Fact, Trail},
    billing::{Gift, give},
    retry::{Contended, retry},
};

/// Signs people up.
pub struct RegistrationService {
    base: Base,
    trail: Trail,
    hasher: Arc<dyn PasswordHasher>,
    secrets: Arc<dyn SecretDeriver>,
    outbox: Outbox,
    welcome: Credits,
}

/// Somebody who wants to sign up.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The address to sign in with.
    pub email: Email,
    /// The password, strong enough.
    pub password: Password,
    /// The name.
    pub full_name: Option<Name>,
    /// The employer.
    pub company: Option<Name>,
    /// What it comes for.
    pub user_type: UserType,
    /// The link of an invitation, which also shows that the address is its own.
    pub invitation: Option<PresentedToken>,
}

/// Why nobody could be signed up.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// The invitation is not good, or was meant for somebody else.
    #[error("the invitation is not valid, or was used before")]
    InvalidInvitation,
    /// Passwords cannot be hashed.
    #[error("the password could not be hashed")]
    Hashing(#[source] BoxError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Contended for RegistrationError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Store(error) => error.is_conflict(),
            Self::InvalidInvitation | Self::Hashing(_) => false,
        }
    }
}

impl RegistrationService {
    /// A service that gives every new workspace `welcome` credits, or none.
    #[must_use]
    pub fn new(
        base: Base,
        trail: Trail,
        hasher: Arc<dyn PasswordHasher>,
        secrets: Arc<dyn SecretDeriver>,
        outbox: Outbox,
        welcome: Credits,
    ) -> Arc<Self> {
        Arc::new(Self { base, trail, hasher, secrets, outbox, welcome })
    }

    /// Signs somebody up: a user, a profile, and a workspace it owns; with an invitation, also a
    /// place in another one. An address that is known already is left alone, and its owner is
    /// told by mail.
    ///
    /// # Errors
    ///
    /// See [`RegistrationError`].
    pub async fn register(&self, origin: Origin, new: NewUser) -> Result<(), RegistrationError> {
        let hash = self.hasher.hash(&new.password).await.map_err(RegistrationError::Hashing)?;
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let invitation = self.invitation(&mut *work, &new).await?;
            match work.users().find_by_email(&new.email).await? {
                Some(owner) => {
                    self.outbox.tell(&mut *work, &owner, MailKind::AddressTaken, None).await?;
                }
                None => self.insert(&mut *work, origin, &new, hash.clone(), invitation).await?,
            }
            Ok::<_, RegistrationError>(work.commit().await?)
        })
    }

    async fn invitation(
        &self,
        work: &mut dyn UnitOfWork,
        new: &NewUser,
    ) -> Result<Option<Invitation>, RegistrationError> {
        let Some(presented) = &new.invitation else { return Ok(None) };
        let now = self.base.now();
        let found = open_invitation(work, &*self.secrets, presented, now).await?;
        let meant = found.filter(|invitation| invitation.email == new.email);
        meant.map(Some).ok_or(RegistrationError::InvalidInvitation)
    }

    async fn insert(
        &self,
        work: &mut dyn UnitOfWork,
        origin: Origin,
        new: &NewUser,
        password: PasswordHash,
        invitation: Option<Invitation>,
    ) -> Result<(), StoreError> {
        let now = self.base.now();
        let id = UserId::next(&*self.base.ids);
        let verification = match invitation {
            Some(_) => Verification::Verified { at: now },
            None => Verification::Pending,
        };
        let user = User {
            id,
            email: new.email.clone(),
            password,
            user_type: new.user_type,
            verification,
            state: UserState::Active,
            operator: false,
            created_at: now,
            version: 0,
        };
        let profile = Profile {
            user: id,
            full_name: new.full_name.clone(),
            company: new.company.clone(),
            updated_at: now,
        };
        work.users().insert(&user, &profile).await?;
        let workspace = WorkspaceId::next(&*self.base.ids);
        let name = "Personal".parse().expect("a name");
        work.workspaces().insert(&Workspace { id: workspace, name, created_at: now }).await?;
        let owner = Membership { workspace, user: id, role: Role::Owner, created_at: now };
        work.workspaces().add(&owner).await?;
        let actor = Actor::visitor(workspace, now, origin.request, origin.address);
        let fact = Fact {
            action: Action::UserRegistered,
            subject: id.to_string(),
            before: &[],
            after: &[("user_type", user.user_type.name()), ("workspace", &workspace.to_string())],
        };
        self.trail.enter(work, &actor, Some(id), fact).await?;
        match invitation {
            Some(invitation) => {
                join(&self.base, &self.trail, work, origin, &user, &invitation).await?;
                self.outbox.tell(work, &user, MailKind::Welcome, None).await?;
            }
            None => self.outbox.tell(work, &user, MailKind::VerifyEmail, None).await?,
        }
        self.welcome(work, &actor).await
    }

    async fn welcome(&self, work: &mut dyn UnitOfWork, actor: &Actor) -> Result<(), StoreError> {
        if !self.welcome.is_positive() {
            return Ok(());
        }
        let gift = Gift {
            workspace: actor.workspace,
            source: GrantSource::Promotion,
            order: None,
            amount: self.welcome,
        };
        let grant = give(&self.base, work, gift).await?;
        let fact = Fact {
            action: Action::CreditsGranted,
            subject: grant.id.to_string(),
            before: &[],
            after: &[("source", grant.source.name()), ("amount", &grant.amount.to_string())],
        };
        self.trail.enter(work, actor, None, fact).await
    }
}
