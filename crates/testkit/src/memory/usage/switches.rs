use async_trait::async_trait;
use cape_domain::{
    store::StoreError,
    usage::{Switch, SwitchReads, SwitchRepository, SwitchTarget},
};

use super::{MemoryRead, MemoryUnitOfWork};

#[async_trait]
impl SwitchReads for MemoryRead {
    async fn all(&mut self) -> Result<Vec<Switch>, StoreError> {
        Ok(self.tables.usage.switches.values().cloned().collect())
    }

    async fn find(&mut self, target: &SwitchTarget) -> Result<Option<Switch>, StoreError> {
        Ok(self.tables.usage.switches.get(target).cloned())
    }
}

#[async_trait]
impl SwitchReads for MemoryUnitOfWork {
    async fn all(&mut self) -> Result<Vec<Switch>, StoreError> {
        self.copy.all().await
    }

    async fn find(&mut self, target: &SwitchTarget) -> Result<Option<Switch>, StoreError> {
        SwitchReads::find(&mut self.copy, target).await
    }
}

#[async_trait]
impl SwitchRepository for MemoryUnitOfWork {
    async fn put(&mut self, switch: &Switch) -> Result<(), StoreError> {
        self.copy.tables.usage.switches.insert(switch.target.clone(), switch.clone());
        Ok(())
    }

    async fn remove(&mut self, target: &SwitchTarget) -> Result<bool, StoreError> {
        Ok(self.copy.tables.usage.switches.remove(target).is_some())
    }
}
