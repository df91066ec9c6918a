use std::collections::BTreeMap;

use async_trait::async_trait;
use cape_domain::{
    audit::{
        AuditEntry, AuditReads, AuditRepositories, PersonalKey, PersonalKeyReads,
        PersonalKeyRepository, TrailReads, TrailRepository,
    },
    ids::{AuditId, UserId},
    page::{Cursor, Page, PageRequest},
    store::StoreError,
};

use super::{MemoryRead, MemoryUnitOfWork, insert_new, newest_first};

const ENTRY: &str = "audit entry";

#[derive(Clone, Default)]
pub(crate) struct Tables {
    trail: BTreeMap<AuditId, AuditEntry>,
    personal_keys: BTreeMap<UserId, PersonalKey>,
}

impl AuditReads for MemoryRead {
    fn trail(&mut self) -> &mut dyn TrailReads {
        self
    }

    fn personal_keys(&mut self) -> &mut dyn PersonalKeyReads {
        self
    }
}

impl AuditRepositories for MemoryUnitOfWork {
    fn trail(&mut self) -> &mut dyn TrailRepository {
        self
    }

    fn personal_keys(&mut self) -> &mut dyn PersonalKeyRepository {
        self
    }
}

#[async_trait]
impl TrailReads for MemoryRead {
    async fn list(&mut self, page: PageRequest) -> Result<Page<AuditEntry>, StoreError> {
        let trail = self.tables.audit.trail.values();
        let own = trail.filter(|entry| self.admits(entry.workspace));
        let cursor = |entry: &AuditEntry| Cursor { at: entry.at, id: entry.id.raw() };
        Ok(newest_first(page, own.cloned(), cursor))
    }
}

#[async_trait]
impl TrailReads for MemoryUnitOfWork {
    async fn list(&mut self, page: PageRequest) -> Result<Page<AuditEntry>, StoreError> {
        TrailReads::list(&mut self.copy, page).await
    }
}

#[async_trait]
impl TrailRepository for MemoryUnitOfWork {
    async fn append(&mut self, entry: &AuditEntry) -> Result<(), StoreError> {
        self.copy.admit(ENTRY, entry.workspace)?;
        insert_new(&mut self.copy.tables.audit.trail, ENTRY, entry.id, entry.clone())
    }
}

#[async_trait]
impl PersonalKeyReads for MemoryRead {
    async fn find(&mut self, person: UserId) -> Result<Option<PersonalKey>, StoreError> {
        Ok(self.tables.audit.personal_keys.get(&person).cloned())
    }
}

#[async_trait]
impl PersonalKeyReads for MemoryUnitOfWork {
    async fn find(&mut self, person: UserId) -> Result<Option<PersonalKey>, StoreError> {
        PersonalKeyReads::find(&mut self.copy, person).await
    }
}

#[async_trait]
impl PersonalKeyRepository for MemoryUnitOfWork {
    async fn insert(&mut self, key: &PersonalKey) -> Result<(), StoreError> {
        let keys = &mut self.copy.tables.audit.personal_keys;
        insert_new(keys, "personal key", key.person, key.clone())
    }
}
