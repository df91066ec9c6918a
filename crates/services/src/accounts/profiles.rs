//! What a user sees of itself.
use std::sync::Arc;

use cape_domain::{
    access::{EditProfile, Permit, ViewProfile},
    accounts::{Profile, User},
    audit::Action,
    store::{Durability, Scope, StoreError},
    text::Name,
};

use crate::{
    Base,
    audit::{Fact, Trail},
    retry::{Contended, retry},
};

/// Shows and changes profiles.
pub struct ProfileService {
    base: Base,
    trail: Trail,
}

/// What a user wants to tell about itself.
#[derive(Clone, Debug, Default)]
pub struct NewProfile {
    /// Its name.
    pub full_name: Option<Name>,
    /// Whom it works for.
    pub company: Option<Name>,
}

/// A user, and what it tells about itself.
#[derive(Clone, Debug)]
pub struct UserWithProfile {
    /// The user.
    pub user: User,
    /// What it tells about itself.
    pub profile: Profile,
}

/// Why a profile could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The actor is no person, or is no more.
    #[error("this account does not exist")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Contended for ProfileError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Store(error) => error.is_conflict(),
            Self::NotFound => false,
        }
    }
}

impl ProfileService {
    /// A service that enters what it does in this trail.
    #[must_use]
    pub fn new(base: Base, trail: Trail) -> Arc<Self> {
        Arc::new(Self { base, trail })
    }

    /// Replaces the actor's own profile.
    ///
    /// # Errors
    ///
    /// See [`ProfileError`].
    pub async fn change(
        &self,
        permit: Permit<EditProfile>,
        new: NewProfile,
    ) -> Result<UserWithProfile, ProfileError> {
        let id = permit.actor().user().ok_or(ProfileError::NotFound)?;
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let user = work.users().lock(id).await?.ok_or(ProfileError::NotFound)?;
            let profile = work.users().profile(id).await?.ok_or(ProfileError::NotFound)?;
            let NewProfile { full_name, company } = new.clone();
            let profile = Profile { full_name, company, updated_at: self.base.now(), ..profile };
            work.users().update_profile(&profile).await?;
            let fact = Fact {
                action: Action::ProfileChanged,
                subject: id.to_string(),
                before: &[],
                after: &[],
            };
            self.trail.enter(&mut *work, permit.actor(), None, fact).await?;
            work.commit().await?;
            Ok(UserWithProfile { user, profile })
        })
    }

    /// The actor's own user and profile.
    ///
    /// # Errors
    ///
    /// See [`ProfileError`].
    pub async fn own(&self, permit: Permit<ViewProfile>) -> Result<UserWithProfile, ProfileError> {
        let id = permit.actor().user().ok_or(ProfileError::NotFound)?;
        let mut work = self.base.store.look(permit.scope()).await?;
        let found = work.users().with_profile(id).await?;
        let (user, profile) = found.ok_or(ProfileError::NotFound)?;
        Ok(UserWithProfile { user, profile })
    }
}
