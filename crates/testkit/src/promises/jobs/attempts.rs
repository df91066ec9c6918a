//! Leases, and what becomes of attempts that fail or come too late.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use std::time::Duration;

use cape_domain::{
    jobs::{Backlog, Failure, Job},
    store::{Durability, Scope, Store, StoreError},
};
use chrono::TimeDelta;

use super::{
    super::OWN,
    steps::{backlog, claim, complete, enqueue, fail, lease, numbers},
};
use crate::fixtures::{at, job};

/// While a job is leased nobody else gets it; after that, whoever held it is taken for dead.
pub async fn a_leased_job_is_claimed_again_after_the_lease(store: &dyn Store) {
    enqueue(store, &[job(10)]).await;
    let first = claim(store, at(0), 10).await;
    assert_eq!(first, [Job { attempt: 1, ..job(10) }]);
    assert_eq!(claim(store, lease(at(0)) - TimeDelta::seconds(1), 10).await, []);
    let second = claim(store, lease(at(0)) + TimeDelta::seconds(1), 10).await;
    assert_eq!(second, [Job { attempt: 2, ..job(10) }]);
    complete(store, &second[0]).await.expect("complete");
    assert_eq!(claim(store, at(10_000), 10).await, []);
}

/// What was claimed in a unit of work that came to nothing is free, and no attempt is counted.
pub async fn a_claim_that_is_dropped_leaves_the_job_free(store: &dyn Store) {
    enqueue(store, &[job(10)]).await;
    let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    let claimed = work.jobs().claim(at(0), lease(at(0)), 10).await.expect("claim");
    assert_eq!(numbers(&claimed), [10]);
    drop(work);
    // A server may need a moment to notice that it was dropped, and passes over the job till then.
    for _ in 0..1_000 {
        let again = claim(store, at(0), 10).await;
        if !again.is_empty() {
            assert_eq!(again, [Job { attempt: 1, ..job(10) }]);
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the job is not free again");
}

/// An attempt that took too long ends nothing, and leaves nothing behind.
pub async fn an_older_attempt_no_longer_ends_the_job(store: &dyn Store) {
    enqueue(store, &[job(10)]).await;
    let first = claim(store, at(0), 10).await.remove(0);
    let second = claim(store, at(100), 10).await.remove(0);
    let mut late = store.begin(OWN, Durability::Power).await.expect("begin");
    late.jobs().enqueue(&job(11)).await.expect("enqueue");
    let refused = late.jobs().complete(&first).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    drop(late);
    for then in [Failure::Retry(at(101)), Failure::Dead] {
        let refused = fail(store, &first, then).await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    }
    assert_eq!(backlog(store).await.waiting, 1);
    complete(store, &second).await.expect("complete");
    assert_eq!(backlog(store).await, Backlog::default());
}

/// A job that is to be tried again is not due before that, and counts its attempts.
pub async fn a_failed_job_is_tried_again_when_it_is_due(store: &dyn Store) {
    enqueue(store, &[job(10)]).await;
    let first = claim(store, at(0), 10).await.remove(0);
    fail(store, &first, Failure::Retry(at(10))).await.expect("fail");
    assert_eq!(claim(store, at(9), 10).await, []);
    let second = claim(store, at(10), 10).await;
    assert_eq!(second, [Job { attempt: 2, run_at: at(10), ..job(10) }]);
}
