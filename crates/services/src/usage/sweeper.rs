//! Ending what a dead process left open.
//!
//! A hold is never just released: the provider may have done the work. It is charged for the
//! input as estimated and for the output up to the last checkpoint, and the record says that it
//! is an estimate.
use std::sync::Arc;

use cape_domain::{
    billing::Hold,
    ids::ProcessId,
    store::{Durability, Scope, StoreError},
    usage::{CallState, Timing},
};
use chrono::TimeDelta;

use super::closing::{Closing, Counted, End, close};
use crate::{Base, billing::close_hold, retry::retry};

/// Who else may be working on the same database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deployment {
    /// Nobody: a lock proves that every other process is dead.
    Alone,
    /// Others: one that was silent for fifteen seconds is dead.
    Shared,
}

/// How long a process may be silent before it is taken for dead.
const SILENCE: TimeDelta = TimeDelta::seconds(15);
const AT_ONCE: u32 = 100;

/// Ends what dead processes left open.
pub struct Sweeper {
    base: Base,
    process: ProcessId,
    deployment: Deployment,
}

impl Sweeper {
    /// A sweeper of this process.
    #[must_use]
    pub fn new(base: Base, process: ProcessId, deployment: Deployment) -> Arc<Self> {
        Arc::new(Self { base, process, deployment })
    }

    /// Ends up to a hundred holds of each dead process, and a hundred whose time is over. Says
    /// how many there were.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn run_due(&self) -> Result<usize, StoreError> {
        let now = self.base.now();
        let since = match self.deployment {
            Deployment::Alone => now + SILENCE,
            Deployment::Shared => now - SILENCE,
        };
        let (silent, overdue) = {
            let mut work = self.base.store.read(Scope::Platform).await?;
            let silent = work.processes().silent(since).await?;
            (silent, work.ledger().overdue_holds(now, AT_ONCE).await?)
        };
        let mut swept = self.sweep_all(&overdue).await;
        for process in silent.into_iter().filter(|process| process.id != self.process) {
            swept += self.sweep_process(process.id).await?;
        }
        Ok(swept)
    }

    async fn sweep_process(&self, process: ProcessId) -> Result<usize, StoreError> {
        let holds = {
            let mut work = self.base.store.read(Scope::Platform).await?;
            work.ledger().holds_of(process, AT_ONCE).await?
        };
        if holds.is_empty() {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Process).await?;
            work.processes().remove(process).await?;
            work.commit().await?;
        }
        Ok(self.sweep_all(&holds).await)
    }

    async fn sweep_all(&self, holds: &[Hold]) -> usize {
        let mut swept = 0;
        for hold in holds {
            match retry!(self.sweep(hold)) {
                Ok(()) => swept += 1,
                // Somebody else ended it in the meantime.
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => tracing::error!(hold.id = %hold.id, %error, "not swept"),
            }
        }
        metrics::counter!("cape_holds_swept_total").increment(swept as u64);
        swept
    }

    async fn sweep(&self, hold: &Hold) -> Result<(), StoreError> {
        let scope = Scope::Workspace(hold.workspace);
        let call = {
            let mut work = self.base.store.read(scope).await?;
            work.calls().find_by_hold(hold.id).await?
        };
        let Some(call) = call else {
            let mut work = self.base.store.begin(scope, Durability::Process).await?;
            close_hold(&self.base, &mut *work, hold.clone(), None, 0).await?;
            return work.commit().await;
        };
        let so_far = match &call.state {
            CallState::Running { so_far } => *so_far,
            CallState::Settled { .. } | CallState::Failed { .. } => return Ok(()),
        };
        let total = (self.base.now() - call.started_at).to_std().unwrap_or_default();
        let timing = Timing { total, provider: total, first_token: None };
        tracing::warn!(call.id = %call.id, hold.id = %hold.id, "swept");
        let (hold, end) = (Some(hold.clone()), End::Settled(so_far));
        let counted = Counted { quota: None, towards_key: true };
        close(&self.base, &Closing { call, hold, counted, end, timing }).await.map(|_| ())
    }
}
