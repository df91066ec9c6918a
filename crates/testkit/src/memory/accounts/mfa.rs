use async_trait::async_trait;
use cape_domain::{
    accounts::{MfaReads, MfaRepository, Totp},
    ids::UserId,
    store::{BoxError, StoreError},
};

use super::{MemoryRead, MemoryUnitOfWork};

#[async_trait]
impl MfaReads for MemoryRead {
    async fn totp(&mut self, user: UserId) -> Result<Option<Totp>, StoreError> {
        Ok(self.tables.accounts.totps.get(&user).cloned())
    }

    async fn recovery_codes_left(&mut self, user: UserId) -> Result<u32, StoreError> {
        let codes = self.tables.accounts.recovery_codes.iter();
        u32::try_from(codes.filter(|(owner, _)| *owner == user).count()).map_err(|source| {
            StoreError::Corrupt { what: "recovery codes", source: BoxError::from(source) }
        })
    }
}

#[async_trait]
impl MfaReads for MemoryUnitOfWork {
    async fn totp(&mut self, user: UserId) -> Result<Option<Totp>, StoreError> {
        self.copy.totp(user).await
    }

    async fn recovery_codes_left(&mut self, user: UserId) -> Result<u32, StoreError> {
        self.copy.recovery_codes_left(user).await
    }
}

#[async_trait]
impl MfaRepository for MemoryUnitOfWork {
    async fn put_totp(&mut self, totp: &Totp) -> Result<(), StoreError> {
        self.copy.tables.accounts.totps.insert(totp.user, totp.clone());
        Ok(())
    }

    async fn accept_step(&mut self, user: UserId, step: u64) -> Result<bool, StoreError> {
        let totp = self.copy.tables.accounts.totps.get_mut(&user);
        let Some(totp) = totp.filter(|totp| totp.last_step < step) else {
            return Ok(false);
        };
        totp.last_step = step;
        Ok(true)
    }

    async fn put_recovery_codes(
        &mut self,
        user: UserId,
        hashes: &[[u8; 32]],
    ) -> Result<(), StoreError> {
        let codes = &mut self.copy.tables.accounts.recovery_codes;
        codes.retain(|(owner, _)| *owner != user);
        codes.extend(hashes.iter().map(|hash| (user, *hash)));
        Ok(())
    }

    async fn use_recovery_code(
        &mut self,
        user: UserId,
        hash: [u8; 32],
    ) -> Result<bool, StoreError> {
        Ok(self.copy.tables.accounts.recovery_codes.remove(&(user, hash)))
    }

    async fn clear(&mut self, user: UserId) -> Result<(), StoreError> {
        let tables = &mut self.copy.tables.accounts;
        tables.totps.remove(&user);
        tables.recovery_codes.retain(|(owner, _)| *owner != user);
        Ok(())
    }
}
