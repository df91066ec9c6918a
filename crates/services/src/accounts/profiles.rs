//! What a user sees of itself.
use std::sync::Arc;

use cape_domain::{
    access::{Permit, ViewProfile},
    accounts::{Profile, User},
    store::StoreError,
};

use crate::Base;

/// Shows profiles.
pub struct ProfileService {
    base: Base,
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

impl ProfileService {
    /// A service over this base.
    #[must_use]
    pub fn new(base: Base) -> Arc<Self> {
        Arc::new(Self { base })
    }

    /// The actor's own user and profile.
    ///
    /// # Errors
    ///
    /// See [`ProfileError`].
    pub async fn own(&self, permit: Permit<ViewProfile>) -> Result<UserWithProfile, ProfileError> {
        let id = permit.actor().user().ok_or(ProfileError::NotFound)?;
        let mut work = self.base.store.read(permit.scope()).await?;
        let user = work.users().find(id).await?.ok_or(ProfileError::NotFound)?;
        let profile = work.users().profile(id).await?.ok_or(ProfileError::NotFound)?;
        Ok(UserWithProfile { user, profile })
    }
}
