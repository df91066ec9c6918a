use async_trait::async_trait;
use cape_domain::{
    accounts::{EmailChange, EmailChangeReads, EmailChangeRepository},
    ids::UserId,
    store::StoreError,
};

use super::{MemoryRead, MemoryUnitOfWork};

#[async_trait]
impl EmailChangeReads for MemoryRead {
    async fn find(&mut self, user: UserId) -> Result<Option<EmailChange>, StoreError> {
        Ok(self.tables.accounts.email_changes.get(&user).cloned())
    }
}

#[async_trait]
impl EmailChangeReads for MemoryUnitOfWork {
    async fn find(&mut self, user: UserId) -> Result<Option<EmailChange>, StoreError> {
        EmailChangeReads::find(&mut self.copy, user).await
    }
}

#[async_trait]
impl EmailChangeRepository for MemoryUnitOfWork {
    async fn put(&mut self, change: &EmailChange) -> Result<(), StoreError> {
        self.copy.tables.accounts.email_changes.insert(change.user, change.clone());
        Ok(())
    }

    async fn remove(&mut self, user: UserId) -> Result<(), StoreError> {
        self.copy.tables.accounts.email_changes.remove(&user);
        Ok(())
    }
}
