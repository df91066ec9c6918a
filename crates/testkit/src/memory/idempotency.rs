use std::collections::BTreeMap;

use async_trait::async_trait;
use cape_domain::{
    audit::Sealed,
    idempotency::{
        Entry, EntryState, IdempotencyReads, IdempotencyRepository, KeyDigest, Requester,
        RequesterId,
    },
    ids::{ReservationId, WorkspaceId},
    store::StoreError,
    time::Timestamp,
};

use super::{MemoryRead, MemoryUnitOfWork};

#[derive(Clone, Default)]
pub(crate) struct Tables {
    entries: BTreeMap<(WorkspaceId, RequesterId, KeyDigest), Entry>,
}

#[async_trait]
impl IdempotencyReads for MemoryRead {
    async fn find(
        &mut self,
        requester: &Requester,
        key: KeyDigest,
    ) -> Result<Option<Entry>, StoreError> {
        let found = self.tables.idempotency.entries.get(&place(requester, key));
        Ok(found.filter(|entry| self.admits(entry.requester.workspace)).cloned())
    }
}

#[async_trait]
impl IdempotencyReads for MemoryUnitOfWork {
    async fn find(
        &mut self,
        requester: &Requester,
        key: KeyDigest,
    ) -> Result<Option<Entry>, StoreError> {
        IdempotencyReads::find(&mut self.copy, requester, key).await
    }
}

impl MemoryUnitOfWork {
    /// An attempt within reach that is the last one.
    fn last_attempt(&mut self, id: ReservationId, attempt: u32) -> Option<&mut Entry> {
        let scope = self.copy.scope;
        let mut entries = self.copy.tables.idempotency.entries.values_mut();
        entries.find(|entry| {
            let known = entry.id == id && entry.attempt == attempt;
            known && scope.admit(entry.requester.workspace).is_ok()
        })
    }
}

#[async_trait]
impl IdempotencyRepository for MemoryUnitOfWork {
    async fn reserve(&mut self, entry: &Entry) -> Result<bool, StoreError> {
        self.copy.admit("idempotency entry", entry.requester.workspace)?;
        let entries = &mut self.copy.tables.idempotency.entries;
        let place = place(&entry.requester, entry.key);
        let free = !entries.contains_key(&place);
        if free {
            entries.insert(place, entry.clone());
        }
        Ok(free)
    }

    async fn resume(&mut self, entry: &Entry) -> Result<bool, StoreError> {
        let last = self.last_attempt(entry.id, entry.attempt.saturating_sub(1));
        let given_up = last.filter(|last| match last.state {
            EntryState::Reserved { until } => until <= entry.begun_at,
            EntryState::Answered { .. } => false,
        });
        Ok(given_up.map(|last| *last = entry.clone()).is_some())
    }

    async fn renew(
        &mut self,
        id: ReservationId,
        attempt: u32,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let open = self.last_attempt(id, attempt).filter(|last| is_open(last));
        Ok(open.map(|last| last.state = EntryState::Reserved { until }).is_some())
    }

    async fn answer(
        &mut self,
        id: ReservationId,
        attempt: u32,
        answer: &Sealed,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(last) = self.last_attempt(id, attempt).filter(|last| is_open(last)) else {
            return Ok(false);
        };
        last.state = EntryState::Answered { answer: answer.clone() };
        last.expires_at = expires_at;
        Ok(true)
    }

    async fn forget(&mut self, id: ReservationId, attempt: u32) -> Result<bool, StoreError> {
        let Some(last) = self.last_attempt(id, attempt) else { return Ok(false) };
        let place = place(&last.requester, last.key);
        Ok(self.copy.tables.idempotency.entries.remove(&place).is_some())
    }

    async fn prune(&mut self, now: Timestamp, most: u32) -> Result<u64, StoreError> {
        let scope = self.copy.scope;
        let entries = &mut self.copy.tables.idempotency.entries;
        let expired = entries.values().filter(|entry| {
            entry.expires_at <= now && scope.admit(entry.requester.workspace).is_ok()
        });
        let mut expired: Vec<_> = expired.map(|entry| (entry.expires_at, entry.id)).collect();
        expired.sort_unstable();
        expired.truncate(most as usize);
        entries.retain(|_, entry| !expired.contains(&(entry.expires_at, entry.id)));
        Ok(expired.len() as u64)
    }
}

fn place(requester: &Requester, key: KeyDigest) -> (WorkspaceId, RequesterId, KeyDigest) {
    (requester.workspace, requester.id, key)
}

const fn is_open(entry: &Entry) -> bool {
    match entry.state {
        EntryState::Reserved { .. } => true,
        EntryState::Answered { .. } => false,
    }
}
