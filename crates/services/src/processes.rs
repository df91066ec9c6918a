//! Saying that this process lives.
use std::sync::Arc;

use cape_domain::{
    ids::ProcessId,
    processes::Process,
    store::{Durability, Scope, StoreError},
};

use crate::Base;

/// Keeps this process among the living.
pub struct ProcessService {
    base: Base,
    id: ProcessId,
}

impl ProcessService {
    /// A new process, with an id of its own.
    #[must_use]
    pub fn new(base: Base) -> Arc<Self> {
        let id = ProcessId::next(&*base.ids);
        Arc::new(Self { base, id })
    }

    /// This process.
    #[must_use]
    pub const fn id(&self) -> ProcessId {
        self.id
    }

    /// Says that this process lives.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn beat(&self) -> Result<(), StoreError> {
        let mut work = self.base.store.begin(Scope::Platform, Durability::Process).await?;
        let process = Process { id: self.id, heartbeat_at: self.base.now() };
        work.processes().beat(&process).await?;
        work.commit().await
    }

    /// Takes leave: nothing of this process is open any more.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn leave(&self) -> Result<(), StoreError> {
        let mut work = self.base.store.begin(Scope::Platform, Durability::Process).await?;
        work.processes().remove(self.id).await?;
        work.commit().await
    }
}
