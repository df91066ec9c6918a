use std::collections::BTreeMap;

use async_trait::async_trait;
use cape_domain::{
    ids::ProcessId,
    processes::{Process, ProcessReads, ProcessRepository},
    store::StoreError,
    time::Timestamp,
};

use super::{MemoryRead, MemoryUnitOfWork};

#[derive(Clone, Default)]
pub(crate) struct Tables {
    processes: BTreeMap<ProcessId, Process>,
}

#[async_trait]
impl ProcessReads for MemoryRead {
    async fn silent(&mut self, since: Timestamp) -> Result<Vec<Process>, StoreError> {
        let all = self.tables.processes.processes.values().copied();
        Ok(all.filter(|process| process.heartbeat_at < since).collect())
    }
}

#[async_trait]
impl ProcessReads for MemoryUnitOfWork {
    async fn silent(&mut self, since: Timestamp) -> Result<Vec<Process>, StoreError> {
        self.copy.silent(since).await
    }
}

#[async_trait]
impl ProcessRepository for MemoryUnitOfWork {
    async fn beat(&mut self, process: &Process) -> Result<(), StoreError> {
        self.copy.tables.processes.processes.insert(process.id, *process);
        Ok(())
    }

    async fn remove(&mut self, id: ProcessId) -> Result<(), StoreError> {
        self.copy.tables.processes.processes.remove(&id);
        Ok(())
    }
}
