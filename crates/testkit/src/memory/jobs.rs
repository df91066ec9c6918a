use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use cape_domain::{
    ids::JobId,
    jobs::{Backlog, Failure, Job, JobReads, JobRepository},
    store::StoreError,
    time::Timestamp,
};

use super::{MemoryRead, MemoryUnitOfWork, insert_new};

const WHAT: &str = "job";

#[derive(Clone, Default)]
pub(crate) struct Tables {
    jobs: BTreeMap<JobId, Row>,
}

#[derive(Clone)]
struct Row {
    job: Job,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Leased { until: Timestamp },
    Done,
    Dead,
}

impl Row {
    const fn waits(&self) -> bool {
        match self.state {
            State::Waiting | State::Leased { .. } => true,
            State::Done | State::Dead => false,
        }
    }

    /// Whether a claimer may have it, its subject aside.
    fn is_free(&self, now: Timestamp) -> bool {
        match self.state {
            State::Waiting => self.job.run_at <= now,
            State::Leased { until } => until <= now,
            State::Done | State::Dead => false,
        }
    }
}

impl Tables {
    /// Free jobs whose subject has no earlier job that is not done.
    fn claimable(&self, now: Timestamp) -> Vec<JobId> {
        let mut waiting = BTreeSet::new();
        let rows = self.jobs.values().filter(|row| row.state != State::Done);
        let foremost = rows.filter(|row| waiting.insert(&row.job.subject));
        foremost.filter(|row| row.is_free(now)).map(|row| row.job.id).collect()
    }

    /// The job, if this attempt is the one that holds it.
    fn held(&mut self, job: &Job) -> Result<&mut Row, StoreError> {
        let row = self.jobs.get_mut(&job.id).filter(|row| row.job.attempt == job.attempt);
        let held = row.filter(|row| matches!(row.state, State::Leased { .. }));
        held.ok_or(StoreError::Conflict { what: WHAT })
    }
}

#[async_trait]
impl JobReads for MemoryRead {
    async fn backlog(&mut self) -> Result<Backlog, StoreError> {
        let rows = || self.tables.jobs.jobs.values();
        Ok(Backlog {
            waiting: rows().filter(|row| row.waits()).count() as u64,
            dead: rows().filter(|row| row.state == State::Dead).count() as u64,
            oldest_due: rows().filter(|row| row.waits()).map(|row| row.job.run_at).min(),
        })
    }
}

#[async_trait]
impl JobReads for MemoryUnitOfWork {
    async fn backlog(&mut self) -> Result<Backlog, StoreError> {
        self.copy.backlog().await
    }
}

#[async_trait]
impl JobRepository for MemoryUnitOfWork {
    async fn enqueue(&mut self, job: &Job) -> Result<(), StoreError> {
        let jobs = &mut self.copy.tables.jobs.jobs;
        let key = |job: &Job| (job.task.kind(), job.unique_key.clone());
        if jobs.values().any(|row| key(&row.job) == key(job)) {
            return Ok(());
        }
        insert_new(jobs, WHAT, job.id, Row { job: job.clone(), state: State::Waiting })
    }

    async fn claim(
        &mut self,
        now: Timestamp,
        lease: Timestamp,
        limit: u32,
    ) -> Result<Vec<Job>, StoreError> {
        let tables = &mut self.copy.tables.jobs;
        let mut claimed = Vec::new();
        for id in tables.claimable(now).into_iter().take(limit as usize) {
            if let Some(row) = tables.jobs.get_mut(&id) {
                row.job.attempt += 1;
                row.state = State::Leased { until: lease };
                claimed.push(row.job.clone());
            }
        }
        Ok(claimed)
    }

    async fn complete(&mut self, job: &Job) -> Result<(), StoreError> {
        self.copy.tables.jobs.held(job)?.state = State::Done;
        Ok(())
    }

    /// The reason is for operators to read; nobody reads this store.
    async fn fail(&mut self, job: &Job, then: Failure, _why: &str) -> Result<(), StoreError> {
        let row = self.copy.tables.jobs.held(job)?;
        match then {
            Failure::Retry(at) => {
                row.job.run_at = at;
                row.state = State::Waiting;
            }
            Failure::Dead => row.state = State::Dead,
        }
        Ok(())
    }
}
