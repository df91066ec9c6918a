//! A store that fails when a test says so.
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use cape_domain::store::{Durability, ReadWork, Scope, Store, StoreError, UnitOfWork};

use crate::memory::MemoryStore;

/// Passes everything on to a store in memory, unless told otherwise.
#[derive(Clone, Default)]
pub struct UnsteadyStore {
    store: MemoryStore,
    down: Arc<AtomicBool>,
    asked_in_vain: Arc<AtomicUsize>,
    conflicts: Arc<AtomicUsize>,
}

impl UnsteadyStore {
    /// Passes everything on to `store`.
    #[must_use]
    pub fn over(store: MemoryStore) -> Self {
        Self { store, ..Self::default() }
    }

    /// From now on it cannot be reached, or can again.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// How often somebody wanted it while it could not be reached.
    #[must_use]
    pub fn asked_in_vain(&self) -> usize {
        self.asked_in_vain.load(Ordering::SeqCst)
    }

    /// So many units of work from now on lose a race.
    pub fn conflict(&self, times: usize) {
        self.conflicts.store(times, Ordering::SeqCst);
    }

    fn reach(&self) -> Result<(), StoreError> {
        if self.down.load(Ordering::SeqCst) {
            self.asked_in_vain.fetch_add(1, Ordering::SeqCst);
            return Err(StoreError::Unavailable("the store is down".into()));
        }
        Ok(())
    }
}

#[async_trait]
impl Store for UnsteadyStore {
    async fn read(&self, scope: Scope) -> Result<Box<dyn ReadWork>, StoreError> {
        self.reach()?;
        self.store.read(scope).await
    }

    async fn look(&self, scope: Scope) -> Result<Box<dyn ReadWork>, StoreError> {
        self.reach()?;
        self.store.look(scope).await
    }

    async fn begin(
        &self,
        scope: Scope,
        durability: Durability,
    ) -> Result<Box<dyn UnitOfWork>, StoreError> {
        self.reach()?;
        let fewer = |left: usize| left.checked_sub(1);
        if self.conflicts.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer).is_ok() {
            return Err(StoreError::Conflict { what: "row" });
        }
        self.store.begin(scope, durability).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_fails_as_often_as_it_is_told_to() {
        let store = UnsteadyStore::default();
        store.conflict(1);
        let begin = async || store.begin(Scope::Platform, Durability::Process).await.err();
        assert!(begin().await.is_some_and(|error| error.is_conflict()));
        assert!(begin().await.is_none());
        store.set_down(true);
        assert!(matches!(begin().await, Some(StoreError::Unavailable(_))));
        assert!(store.read(Scope::Platform).await.is_err());
        assert!(store.look(Scope::Platform).await.is_err());
        assert_eq!(store.asked_in_vain(), 3);
        store.set_down(false);
        assert!(store.read(Scope::Platform).await.is_ok());
    }
}
