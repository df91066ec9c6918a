//! One after the other, subject by subject.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use std::collections::BTreeMap;

use cape_domain::{
    ids::JobId,
    jobs::{Backlog, Failure, Job},
    store::Store,
};
use futures_util::future::join_all;
use tokio::sync::Mutex;

use super::steps::{backlog, claim, complete, enqueue, fail, numbers};
use crate::fixtures::{at, job};

/// Later jobs of a subject wait until the earlier ones are done: while they wait, are being
/// done, and wait to be tried again. Ids decide, not the moments at which jobs are due.
pub async fn jobs_of_one_subject_are_done_in_order(store: &dyn Store) {
    let of_one_subject =
        |number, second| Job { subject: "one".to_owned(), run_at: at(second), ..job(number) };
    let jobs = [of_one_subject(12, 0), of_one_subject(10, 2), of_one_subject(11, 1), job(13)];
    enqueue(store, &jobs).await;
    assert_eq!(numbers(&claim(store, at(0), 10).await), [13]);
    let first = claim(store, at(2), 10).await;
    assert_eq!(numbers(&first), [10]);
    assert_eq!(claim(store, at(3), 10).await, []);
    fail(store, &first[0], Failure::Retry(at(20))).await.expect("fail");
    assert_eq!(claim(store, at(19), 10).await, []);
    for number in [10, 11, 12] {
        let next = claim(store, at(20), 10).await;
        assert_eq!(numbers(&next), [number]);
        complete(store, &next[0]).await.expect("complete");
    }
}

/// A job that was given up is not tried again, and what comes after it would be out of order.
pub async fn a_dead_job_blocks_its_subject_alone(store: &dyn Store) {
    let next = Job { subject: job(10).subject, ..job(11) };
    enqueue(store, &[job(10), next, job(12)]).await;
    let claimed = claim(store, at(0), 10).await;
    assert_eq!(numbers(&claimed), [10, 12]);
    fail(store, &claimed[0], Failure::Dead).await.expect("fail");
    complete(store, &claimed[1]).await.expect("complete");
    enqueue(store, &[job(13)]).await;
    assert_eq!(numbers(&claim(store, at(10_000), 10).await), [13]);
    assert_eq!(backlog(store).await.dead, 1);
}

/// However many claim and complete at once, every subject's jobs are done one after the other.
pub async fn four_claimers_keep_the_order_of_every_subject(store: &dyn Store) {
    const JOBS: u32 = 60;
    let jobs = (0..JOBS)
        .map(|number| Job { subject: format!("subject {}", number % 6), ..job(100 + number) });
    enqueue(store, &jobs.collect::<Vec<_>>()).await;
    let done: Mutex<BTreeMap<String, Vec<JobId>>> = Mutex::default();
    let claimer = async || {
        // A claimer finds nothing while others hold the foremost job of every subject.
        for _ in 0..1_000 {
            if done.lock().await.values().map(Vec::len).sum::<usize>() == JOBS as usize {
                return;
            }
            for job in claim(store, at(0), 2).await {
                done.lock().await.entry(job.subject.clone()).or_default().push(job.id);
                complete(store, &job).await.expect("complete");
            }
            tokio::task::yield_now().await;
        }
    };
    join_all([claimer(), claimer(), claimer(), claimer()]).await;
    let done = done.into_inner();
    assert_eq!(done.values().map(Vec::len).sum::<usize>(), JOBS as usize);
    assert!(done.values().all(|ids| ids.is_sorted_by(|one, next| one < next)), "{done:?}");
    assert_eq!(backlog(store).await, Backlog::default());
}
