use async_trait::async_trait;
use cape_domain::{
    billing::{CustomerReads, CustomerRepository, ProviderName},
    ids::WorkspaceId,
    store::StoreError,
    time::Timestamp,
};

use super::{MemoryRead, MemoryUnitOfWork};

#[async_trait]
impl CustomerReads for MemoryRead {
    async fn find(
        &mut self,
        workspace: WorkspaceId,
        provider: ProviderName,
    ) -> Result<Option<String>, StoreError> {
        let found = self.tables.billing.customers.get(&(workspace, provider.name()));
        Ok(found.filter(|_| self.admits(workspace)).cloned())
    }
}

#[async_trait]
impl CustomerReads for MemoryUnitOfWork {
    async fn find(
        &mut self,
        workspace: WorkspaceId,
        provider: ProviderName,
    ) -> Result<Option<String>, StoreError> {
        CustomerReads::find(&mut self.copy, workspace, provider).await
    }
}

#[async_trait]
impl CustomerRepository for MemoryUnitOfWork {
    async fn remember(
        &mut self,
        workspace: WorkspaceId,
        provider: ProviderName,
        customer: &str,
        _: Timestamp,
    ) -> Result<(), StoreError> {
        self.copy.admit("customer", workspace)?;
        let customers = &mut self.copy.tables.billing.customers;
        customers.entry((workspace, provider.name())).or_insert_with(|| customer.to_owned());
        Ok(())
    }

    async fn forget(
        &mut self,
        workspace: WorkspaceId,
        provider: ProviderName,
        customer: &str,
    ) -> Result<(), StoreError> {
        self.copy.admit("customer", workspace)?;
        let customers = &mut self.copy.tables.billing.customers;
        let key = (workspace, provider.name());
        if customers.get(&key).is_some_and(|known| known == customer) {
            customers.remove(&key);
        }
        Ok(())
    }
}
