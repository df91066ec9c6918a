use std::collections::BTreeMap;

use async_trait::async_trait;
use cape_domain::{
    access::{
        AccessReads, AccessRepositories, ApiKey, ApiKeyReads, ApiKeyRepository, ControlEntry,
        ControlReads, ControlRepository, KeyState,
    },
    ids::{ApiKeyId, ControlId, UserId},
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

impl MemoryUnitOfWork {
    fn own_key(&mut self, id: ApiKeyId) -> Option<&mut ApiKey> {
        let scope = self.copy.scope;
        let key = self.copy.tables.access.api_keys.get_mut(&id);
        key.filter(|key| scope.admit(key.workspace).is_ok())
    }

    fn active_key(&mut self, id: ApiKeyId) -> Result<&mut ApiKey, StoreError> {
        let active = self.own_key(id).filter(|key| key.state == KeyState::Active);
        active.ok_or(StoreError::Conflict { what: KEY })
    }
}

#[async_trait]
impl ApiKeyRepository for MemoryUnitOfWork {
    async fn insert(&mut self, key: &ApiKey) -> Result<(), StoreError> {
        self.copy.admit(KEY, key.workspace)?;
        insert_new(&mut self.copy.tables.access.api_keys, KEY, key.id, key.clone())
    }

    async fn revoke(&mut self, id: ApiKeyId, at: Timestamp) -> Result<(), StoreError> {
        let key = self.active_key(id)?;
        key.state = KeyState::Revoked { at };
        Ok(())
    }

    async fn expire(&mut self, id: ApiKeyId, at: Timestamp) -> Result<(), StoreError> {
        let key = self.active_key(id)?;
        key.rules.expires_at = Some(at);
        Ok(())
    }

    async fn note_use(&mut self, uses: &[(ApiKeyId, Timestamp)]) -> Result<(), StoreError> {
        for (id, at) in uses {
            if let Some(key) = self.own_key(*id) {
                // Nothing is earlier than every time.
                key.last_used_at = key.last_used_at.max(Some(*at));
            }
        }
        Ok(())
    }

    async fn of_owner(&mut self, owner: UserId) -> Result<Vec<ApiKey>, StoreError> {
        let keys = self.copy.tables.access.api_keys.values();
        let own = keys.filter(|key| key.owner == owner && key.state == KeyState::Active);
        Ok(own.filter(|key| self.copy.admits(key.workspace)).cloned().collect())
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

    async fn prune(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let feed = &mut self.copy.tables.access.control;
        let whole = feed.len();
        feed.retain(|_, entry| entry.at >= before);
        Ok((whole - feed.len()) as u64)
    }
}
