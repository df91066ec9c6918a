use async_trait::async_trait;
use cape_domain::{
    ids::WorkspaceId,
    store::StoreError,
    usage::{CredentialReads, CredentialRepository, Provider, ProviderCredential},
};

use super::{MemoryRead, MemoryUnitOfWork};

const WHAT: &str = "provider credential";

#[async_trait]
impl CredentialReads for MemoryRead {
    async fn list(
        &mut self,
        workspace: WorkspaceId,
    ) -> Result<Vec<ProviderCredential>, StoreError> {
        if !self.admits(workspace) {
            return Ok(Vec::new());
        }
        let all = self.tables.usage.credentials.values();
        Ok(all.filter(|credential| credential.workspace == workspace).cloned().collect())
    }

    async fn find(
        &mut self,
        workspace: WorkspaceId,
        provider: Provider,
    ) -> Result<Option<ProviderCredential>, StoreError> {
        let found = self.tables.usage.credentials.get(&(workspace, provider));
        Ok(found.filter(|_| self.admits(workspace)).cloned())
    }
}

#[async_trait]
impl CredentialReads for MemoryUnitOfWork {
    async fn list(
        &mut self,
        workspace: WorkspaceId,
    ) -> Result<Vec<ProviderCredential>, StoreError> {
        CredentialReads::list(&mut self.copy, workspace).await
    }

    async fn find(
        &mut self,
        workspace: WorkspaceId,
        provider: Provider,
    ) -> Result<Option<ProviderCredential>, StoreError> {
        CredentialReads::find(&mut self.copy, workspace, provider).await
    }
}

#[async_trait]
impl CredentialRepository for MemoryUnitOfWork {
    async fn put(&mut self, credential: &ProviderCredential) -> Result<(), StoreError> {
        self.copy.admit(WHAT, credential.workspace)?;
        let place = (credential.workspace, credential.provider);
        self.copy.tables.usage.credentials.insert(place, credential.clone());
        Ok(())
    }

    async fn remove(
        &mut self,
        workspace: WorkspaceId,
        provider: Provider,
    ) -> Result<bool, StoreError> {
        self.copy.admit(WHAT, workspace)?;
        Ok(self.copy.tables.usage.credentials.remove(&(workspace, provider)).is_some())
    }
}
