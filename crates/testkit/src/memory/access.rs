use std::collections::BTreeMap;

use async_trait::async_trait;
use cape_domain::{
    access::{
        AccessReads, AccessRepositories, ApiKey, ApiKeyReads, ApiKeyRepository, ControlEntry,
        ControlReads, ControlRepository, KeyState,
    },
    ids::{ApiKeyId, ControlId},
    page::{Cursor, Page, PageRequest},
    store::StoreError,
    time::Timestamp,
};

use super::{MemoryRead, MemoryUnitOfWork, insert_new, newest_first};

const KEY: &str = "API key";

#[derive(Clone, Default)]
pub(crate) struct Tables {
    api_keys: BTreeMap<ApiKeyId, ApiKey>,
    control: BTreeMap<ControlId, ControlEntry>,
}

impl AccessReads for MemoryRead {
    fn api_keys(&mut self) -> &mut dyn ApiKeyReads {
        self
    }

    fn control(&mut self) -> &mut dyn ControlReads {
        self
    }
}

impl AccessRepositories for MemoryUnitOfWork {
    fn api_keys(&mut self) -> &mut dyn ApiKeyRepository {
        self
    }

    fn control(&mut self) -> &mut dyn ControlRepository {
        self
    }
}

#[async_trait]
impl ApiKeyReads for MemoryRead {
    async fn find(&mut self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        let key = self.tables.access.api_keys.get(&id);
        Ok(key.filter(|key| self.admits(key.workspace)).cloned())
    }

    async fn list(&mut self, page: PageRequest) -> Result<Page<ApiKey>, StoreError> {
        let keys = self.tables.access.api_keys.values();
        let good = keys.filter(|key| self.admits(key.workspace) && key.state == KeyState::Active);
        let cursor = |key: &ApiKey| Cursor { at: key.created_at, id: key.id.raw() };
        Ok(newest_first(page, good.cloned(), cursor))
    }
}

#[async_trait]
impl ApiKeyReads for MemoryUnitOfWork {
    async fn find(&mut self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        ApiKeyReads::find(&mut self.copy, id).await
    }

    async fn list(&mut self, page: PageRequest) -> Result<Page<ApiKey>, StoreError> {
        ApiKeyReads::list(&mut self.copy, page).await
    }
}

#[async_trait]
impl ApiKeyRepository for MemoryUnitOfWork {
    async fn insert(&mut self, key: &ApiKey) -> Result<(), StoreError> {
        self.copy.admit(KEY, key.workspace)?;
        insert_new(&mut self.copy.tables.access.api_keys, KEY, key.id, key.clone())
    }

    async fn revoke(&mut self, id: ApiKeyId, at: Timestamp) -> Result<(), StoreError> {
        let Some(key) = ApiKeyReads::find(&mut self.copy, id).await? else {
            return Err(StoreError::Conflict { what: KEY });
        };
        match key.state {
            KeyState::Active => {
                self.copy.tables.access.api_keys.insert(id, key.revoke(at));
                Ok(())
            }
            KeyState::Revoked { .. } => Err(StoreError::Conflict { what: KEY }),
        }
    }
}

#[async_trait]
impl ControlReads for MemoryRead {
    async fn since(&mut self, since: Timestamp) -> Result<Vec<ControlEntry>, StoreError> {
        let feed = self.tables.access.control.values().copied();
        let mut entries: Vec<_> = feed.filter(|entry| entry.at >= since).collect();
        entries.sort_by_key(|entry| (entry.at, entry.id));
        Ok(entries)
    }
}

#[async_trait]
impl ControlReads for MemoryUnitOfWork {
    async fn since(&mut self, since: Timestamp) -> Result<Vec<ControlEntry>, StoreError> {
        self.copy.since(since).await
    }
}

#[async_trait]
impl ControlRepository for MemoryUnitOfWork {
    async fn publish(&mut self, entry: &ControlEntry) -> Result<(), StoreError> {
        let feed = &mut self.copy.tables.access.control;
        insert_new(feed, "control feed", entry.id, *entry)
    }
}
