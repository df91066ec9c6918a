use std::cmp::Reverse;

use async_trait::async_trait;
use cape_domain::{
    access::Network,
    accounts::{Device, KnownDevices, Session, SessionReads, SessionRepository},
    ids::{SessionId, UserId},
    store::StoreError,
    time::Timestamp,
};

use super::{MemoryRead, MemoryUnitOfWork, Tables, insert_new};

const WHAT: &str = "session";

/// The most sessions of a user that are listed.
const MOST: usize = 200;

impl Tables {
    fn sessions_of(&self, user: UserId) -> impl Iterator<Item = &Session> {
        self.sessions.values().filter(move |session| session.user == user)
    }
}

#[async_trait]
impl SessionReads for MemoryRead {
    async fn find(&mut self, id: SessionId) -> Result<Option<Session>, StoreError> {
        Ok(self.tables.accounts.sessions.get(&id).cloned())
    }

    async fn live(&mut self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let own = self.tables.accounts.sessions_of(user);
        let mut live: Vec<_> = own.filter(|session| session.is_live(now)).cloned().collect();
        live.sort_by_key(|session| Reverse((session.created_at, session.id)));
        live.truncate(MOST);
        Ok(live)
    }

    async fn came_from(&mut self, user: UserId, network: Network) -> Result<bool, StoreError> {
        let mut addresses =
            self.tables.accounts.sessions_of(user).filter_map(|session| session.address);
        Ok(addresses.any(|address| network.contains(address)))
    }

    async fn knows(
        &mut self,
        user: UserId,
        device: Option<&Device>,
    ) -> Result<KnownDevices, StoreError> {
        let mut known = KnownDevices::default();
        for session in self.tables.accounts.sessions_of(user) {
            known.any = true;
            known.this |= session.device.as_ref() == device;
        }
        Ok(known)
    }
}

#[async_trait]
impl SessionReads for MemoryUnitOfWork {
    async fn find(&mut self, id: SessionId) -> Result<Option<Session>, StoreError> {
        SessionReads::find(&mut self.copy, id).await
    }

    async fn live(&mut self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        self.copy.live(user, now).await
    }

    async fn came_from(&mut self, user: UserId, network: Network) -> Result<bool, StoreError> {
        self.copy.came_from(user, network).await
    }

    async fn knows(
        &mut self,
        user: UserId,
        device: Option<&Device>,
    ) -> Result<KnownDevices, StoreError> {
        self.copy.knows(user, device).await
    }
}

#[async_trait]
impl SessionRepository for MemoryUnitOfWork {
    async fn insert(&mut self, session: &Session) -> Result<(), StoreError> {
        let sessions = &mut self.copy.tables.accounts.sessions;
        insert_new(sessions, WHAT, session.id, session.clone())
    }

    /// A use that was noted meanwhile is not in `session`, and must not be forgotten.
    async fn update(&mut self, session: &Session) -> Result<(), StoreError> {
        let stored = self.copy.tables.accounts.sessions.get_mut(&session.id);
        let Some(stored) = stored.filter(|stored| stored.version == session.version) else {
            return Err(StoreError::Conflict { what: WHAT });
        };
        *stored = Session {
            used_generation: session.used_generation.max(stored.used_generation),
            last_seen_at: session.last_seen_at.max(stored.last_seen_at),
            version: session.version + 1,
            ..session.clone()
        };
        Ok(())
    }

    async fn note_use(
        &mut self,
        id: SessionId,
        generation: u32,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        if let Some(stored) = self.copy.tables.accounts.sessions.get_mut(&id) {
            stored.used_generation = stored.used_generation.max(generation);
            stored.last_seen_at = stored.last_seen_at.max(at);
        }
        Ok(())
    }
}
