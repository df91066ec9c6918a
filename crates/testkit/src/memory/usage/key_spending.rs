use async_trait::async_trait;
use cape_domain::{
    billing::{Credits, OutOfRange},
    ids::ApiKeyId,
    store::StoreError,
    usage::{KeySpendingReads, KeySpendingRepository},
};

use super::{MemoryRead, MemoryUnitOfWork};

#[async_trait]
impl KeySpendingReads for MemoryRead {
    async fn spent(&mut self, key: ApiKeyId) -> Result<Credits, StoreError> {
        Ok(self.tables.usage.key_spending.get(&key).copied().unwrap_or(Credits::ZERO))
    }
}

#[async_trait]
impl KeySpendingReads for MemoryUnitOfWork {
    async fn spent(&mut self, key: ApiKeyId) -> Result<Credits, StoreError> {
        self.copy.spent(key).await
    }
}

#[async_trait]
impl KeySpendingRepository for MemoryUnitOfWork {
    async fn take(
        &mut self,
        key: ApiKeyId,
        amount: Credits,
        cap: Credits,
    ) -> Result<bool, StoreError> {
        let after = self.copy.spent(key).await?.plus(amount).map_err(corrupt)?;
        if after > cap {
            return Ok(false);
        }
        self.copy.tables.usage.key_spending.insert(key, after);
        Ok(true)
    }

    async fn correct(
        &mut self,
        key: ApiKeyId,
        counted: Credits,
        actual: Credits,
    ) -> Result<(), StoreError> {
        if let Some(spent) = self.copy.tables.usage.key_spending.get_mut(&key) {
            let others = spent.minus(counted).map_err(corrupt)?;
            let after = others.plus(actual).map_err(corrupt)?;
            if after < Credits::ZERO {
                return Err(corrupt(OutOfRange));
            }
            *spent = after;
        }
        Ok(())
    }
}

fn corrupt(source: OutOfRange) -> StoreError {
    StoreError::Corrupt { what: "spending of a key", source: source.into() }
}
