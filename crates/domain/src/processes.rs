//! Which instances of the program are alive. What a dead one left open is swept.
use async_trait::async_trait;

use crate::{ids::ProcessId, store::StoreError, time::Timestamp};

/// A running instance of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its identity, new with every start.
    pub id: ProcessId,
    /// When it last said that it lives.
    pub heartbeat_at: Timestamp,
}

/// The processes, to look at.
#[async_trait]
pub trait ProcessReads: Send {
    /// The processes whose last heartbeat is before `since`.
    async fn silent(&mut self, since: Timestamp) -> Result<Vec<Process>, StoreError>;
}

/// The processes, to change.
#[async_trait]
pub trait ProcessRepository: ProcessReads {
    /// Stores a first or a later heartbeat.
    async fn beat(&mut self, process: &Process) -> Result<(), StoreError>;

    /// Forgets a process. One that is not there is forgotten already.
    async fn remove(&mut self, id: ProcessId) -> Result<(), StoreError>;
}
