use async_trait::async_trait;
use cape_domain::{
    accounts::{OneTimeReads, OneTimeRepository, OneTimeToken, Purpose},
    ids::{OneTimeId, UserId},
    store::StoreError,
};

use super::{MemoryRead, MemoryUnitOfWork};

#[async_trait]
impl OneTimeReads for MemoryRead {
    async fn find(&mut self, id: OneTimeId) -> Result<Option<OneTimeToken>, StoreError> {
        Ok(self.tables.accounts.one_time.values().find(|token| token.id == id).cloned())
    }

    async fn current(
        &mut self,
        user: UserId,
        purpose: Purpose,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        Ok(self.tables.accounts.one_time.get(&(user, purpose)).cloned())
    }
}

#[async_trait]
impl OneTimeReads for MemoryUnitOfWork {
    async fn find(&mut self, id: OneTimeId) -> Result<Option<OneTimeToken>, StoreError> {
        OneTimeReads::find(&mut self.copy, id).await
    }

    async fn current(
        &mut self,
        user: UserId,
        purpose: Purpose,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        self.copy.current(user, purpose).await
    }
}

#[async_trait]
impl OneTimeRepository for MemoryUnitOfWork {
    async fn put(&mut self, token: &OneTimeToken) -> Result<(), StoreError> {
        self.copy.tables.accounts.one_time.insert((token.user, token.purpose), token.clone());
        Ok(())
    }

    async fn count_attempt(&mut self, id: OneTimeId, most: u32) -> Result<bool, StoreError> {
        let mut tokens = self.copy.tables.accounts.one_time.values_mut();
        let Some(token) = tokens.find(|token| token.id == id && token.attempts < most) else {
            return Ok(false);
        };
        token.attempts += 1;
        Ok(true)
    }

    async fn consume(&mut self, id: OneTimeId) -> Result<bool, StoreError> {
        let Some(token) = OneTimeReads::find(&mut self.copy, id).await? else {
            return Ok(false);
        };
        let place = (token.user, token.purpose);
        Ok(self.copy.tables.accounts.one_time.remove(&place).is_some())
    }

    async fn clear(&mut self, user: UserId) -> Result<(), StoreError> {
        self.copy.tables.accounts.one_time.retain(|(owner, _), _| *owner != user);
        Ok(())
    }
}
