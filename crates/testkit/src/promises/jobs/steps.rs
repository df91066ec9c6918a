//! What promises do with jobs, each step in a unit of work of its own.
use cape_domain::{
    jobs::{Backlog, Failure, Job, LEASE},
    store::{Durability, Scope, Store, StoreError},
    time::Timestamp,
};

use super::super::OWN;

pub(super) fn lease(now: Timestamp) -> Timestamp {
    now + LEASE
}

pub(super) fn numbers(jobs: &[Job]) -> Vec<u128> {
    jobs.iter().map(|job| job.id.raw().as_u128()).collect()
}

pub(super) async fn enqueue(store: &dyn Store, jobs: &[Job]) {
    let mut work = store.begin(OWN, Durability::Power).await.expect("begin");
    for job in jobs {
        work.jobs().enqueue(job).await.expect("enqueue");
    }
    work.commit().await.expect("commit");
}

/// What is claimed, by id: the port promises no order.
pub(super) async fn claim(store: &dyn Store, now: Timestamp, limit: u32) -> Vec<Job> {
    let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    let mut jobs = work.jobs().claim(now, lease(now), limit).await.expect("claim");
    work.commit().await.expect("commit");
    jobs.sort_by_key(|job| job.id);
    jobs
}

pub(super) async fn complete(store: &dyn Store, job: &Job) -> Result<(), StoreError> {
    let mut work = store.begin(Scope::Platform, Durability::Power).await?;
    work.jobs().complete(job).await?;
    work.commit().await
}

pub(super) async fn fail(store: &dyn Store, job: &Job, then: Failure) -> Result<(), StoreError> {
    let mut work = store.begin(Scope::Platform, Durability::Power).await?;
    work.jobs().fail(job, then, "the provider did not answer").await?;
    work.commit().await
}

pub(super) async fn backlog(store: &dyn Store) -> Backlog {
    let mut read = store.read(Scope::Platform).await.expect("read");
    read.jobs().backlog().await.expect("backlog")
}
