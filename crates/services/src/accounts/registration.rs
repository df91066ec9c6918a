//! Signing up.
//!
//! The answer is the same whether the address is known or not, and so is the work that takes
//! time: nobody learns from it who has an account.
use std::sync::Arc;

use cape_domain::{
    access::{Actor, Principal, Role},
    accounts::{
        Email, Membership, Password, PasswordHash, PasswordHasher, Profile, User, UserType,
        Verification, Workspace,
    },
    audit::Action,
    billing::{Credits, GrantSource},
    ids::{RequestId, UserId, WorkspaceId},
    store::{BoxError, Durability, Scope, StoreError, UnitOfWork},
    text::Name,
};

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
}

/// Why nobody could be signed up.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// Passwords cannot be hashed.
    #[error("the password could not be hashed")]
    Hashing(#[source] BoxError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an address could not be marked as verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Nobody signs in with it.
    #[error("nobody signs in with {0}")]
    NotFound(Email),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Contended for VerifyError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::NotFound(_) => false,
            Self::Store(error) => error.is_conflict(),
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
        welcome: Credits,
    ) -> Arc<Self> {
        Arc::new(Self { base, trail, hasher, welcome })
    }

    /// Signs somebody up: a user, a profile, and a workspace it owns. An address that is known
    /// already is left alone.
    ///
    /// # Errors
    ///
    /// See [`RegistrationError`].
    pub async fn register(&self, origin: Origin, new: NewUser) -> Result<(), RegistrationError> {
        let hash = self.hasher.hash(&new.password).await.map_err(RegistrationError::Hashing)?;
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            if work.users().find_by_email(&new.email).await?.is_some() {
                return Ok(());
            }
            self.insert(&mut *work, origin, &new, hash.clone()).await?;
            work.commit().await
        })?;
        Ok(())
    }

    /// Vouches for an address on behalf of an operator.
    ///
    /// # Errors
    ///
    /// See [`VerifyError`].
    pub async fn verify(&self, email: &Email) -> Result<(), VerifyError> {
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let user = work.users().find_by_email(email).await?;
            let user = user.ok_or_else(|| VerifyError::NotFound(email.clone()))?;
            if user.is_verified() {
                return Ok(());
            }
            let places = work.workspaces().memberships(user.id).await?;
            let user = user.verify(self.base.now());
            work.users().update(&user).await?;
            if let Some(place) = places.first() {
                let actor = self.actor(place.workspace, Principal::System, None);
                let fact = Fact {
                    action: Action::UserVerified,
                    subject: user.id.to_string(),
                    before: &[],
                    after: &[],
                };
                self.trail.enter(&mut *work, &actor, None, fact).await?;
            }
            Ok(work.commit().await?)
        })
    }

    async fn insert(
        &self,
        work: &mut dyn UnitOfWork,
        origin: Origin,
        new: &NewUser,
        password: PasswordHash,
    ) -> Result<(), StoreError> {
        let now = self.base.now();
        let id = UserId::next(&*self.base.ids);
        let user = User {
            id,
            email: new.email.clone(),
            password,
            user_type: new.user_type,
            verification: Verification::Pending,
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
        let actor = self.actor(workspace, Principal::Visitor, Some(origin));
        let fact = Fact {
            action: Action::UserRegistered,
            subject: id.to_string(),
            before: &[],
            after: &[("user_type", user.user_type.name()), ("workspace", &workspace.to_string())],
        };
        self.trail.enter(work, &actor, Some(id), fact).await?;
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

    fn actor(&self, workspace: WorkspaceId, principal: Principal, origin: Option<Origin>) -> Actor {
        Actor {
            principal,
            workspace,
            authenticated_at: self.base.now(),
            request: origin.map_or_else(|| RequestId::next(&*self.base.ids), |o| o.request),
            address: origin.and_then(|origin| origin.address),
        }
    }
}
