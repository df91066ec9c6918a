use async_trait::async_trait;
use cape_domain::{
    accounts::{Email, Profile, User, UserReads, UserRepository},
    ids::UserId,
    store::StoreError,
};

use super::{MemoryRead, MemoryUnitOfWork, Tables, insert_new};

const WHAT: &str = "user";

impl Tables {
    /// Fails if somebody else signs in with the user's address.
    fn claim_address(&self, user: &User) -> Result<(), StoreError> {
        let same = |other: &User| other.email == user.email && other.id != user.id;
        if self.users.values().any(same) {
            return Err(StoreError::Conflict { what: WHAT });
        }
        Ok(())
    }
}

#[async_trait]
impl UserReads for MemoryRead {
    async fn find(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.tables.accounts.users.get(&id).cloned())
    }

    async fn find_by_email(&mut self, email: &Email) -> Result<Option<User>, StoreError> {
        Ok(self.tables.accounts.users.values().find(|user| user.email == *email).cloned())
    }

    async fn with_profile(&mut self, id: UserId) -> Result<Option<(User, Profile)>, StoreError> {
        let Tables { users, profiles, .. } = &self.tables.accounts;
        Ok(users.get(&id).cloned().zip(profiles.get(&id).cloned()))
    }

    async fn profile(&mut self, id: UserId) -> Result<Option<Profile>, StoreError> {
        Ok(self.tables.accounts.profiles.get(&id).cloned())
    }
}

#[async_trait]
impl UserReads for MemoryUnitOfWork {
    async fn find(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        UserReads::find(&mut self.copy, id).await
    }

    async fn find_by_email(&mut self, email: &Email) -> Result<Option<User>, StoreError> {
        self.copy.find_by_email(email).await
    }

    async fn with_profile(&mut self, id: UserId) -> Result<Option<(User, Profile)>, StoreError> {
        self.copy.with_profile(id).await
    }

    async fn profile(&mut self, id: UserId) -> Result<Option<Profile>, StoreError> {
        self.copy.profile(id).await
    }
}

#[async_trait]
impl UserRepository for MemoryUnitOfWork {
    async fn insert(&mut self, user: &User, profile: &Profile) -> Result<(), StoreError> {
        let tables = &mut self.copy.tables.accounts;
        tables.claim_address(user)?;
        insert_new(&mut tables.users, WHAT, user.id, user.clone())?;
        insert_new(&mut tables.profiles, "profile", profile.user, profile.clone())
    }

    async fn update(&mut self, user: &User) -> Result<(), StoreError> {
        let tables = &mut self.copy.tables.accounts;
        tables.claim_address(user)?;
        let stored = tables.users.get_mut(&user.id);
        let Some(stored) = stored.filter(|stored| stored.version == user.version) else {
            return Err(StoreError::Conflict { what: WHAT });
        };
        *stored = User { version: user.version + 1, ..user.clone() };
        Ok(())
    }

    async fn lock(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        UserReads::find(&mut self.copy, id).await
    }

    async fn update_profile(&mut self, profile: &Profile) -> Result<(), StoreError> {
        if let Some(stored) = self.copy.tables.accounts.profiles.get_mut(&profile.user) {
            stored.clone_from(profile);
        }
        Ok(())
    }
}
