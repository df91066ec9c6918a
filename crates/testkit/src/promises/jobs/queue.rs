//! What is enqueued, and who is given it.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    billing::PlanCode,
    ids::{MailId, SubscriptionId, WebhookId},
    jobs::{Backlog, Failure, Job, Task},
    store::{Durability, Store},
};
use chrono::TimeDelta;

use super::{
    super::OWN,
    steps::{backlog, claim, complete, enqueue, fail, numbers},
};
use crate::fixtures::{at, id, job};

/// Everything about a job comes back as it was, and an attempt is counted.
pub async fn a_claimed_job_is_what_was_enqueued(store: &dyn Store) {
    let task = Task::HandleWebhook(WebhookId::new(id(11)));
    let webhook = Job { task, run_at: at(0) - TimeDelta::microseconds(1), ..job(11) };
    let mail = Job { task: Task::SendMail(MailId::new(id(12))), ..job(12) };
    let subscription = SubscriptionId::new(id(13));
    let lost = Job { task: Task::ReconcileSubscription(subscription), ..job(13) };
    let since = at(7) + TimeDelta::microseconds(1);
    let owed = Job { task: Task::Dun { subscription, since }, ..job(14) };
    let plan = Job { task: Task::SyncPlan(PlanCode::free()), ..job(15) };
    let jobs = [job(10), webhook, mail, lost, owed, plan];
    enqueue(store, &jobs).await;
    let claimed = claim(store, at(0), 10).await;
    assert_eq!(claimed, jobs.map(|job| Job { attempt: 1, ..job }));
}

/// A job that was enqueued in a unit of work that came to nothing is not done.
pub async fn a_job_leaves_with_its_unit_of_work(store: &dyn Store) {
    let mut work = store.begin(OWN, Durability::Power).await.expect("begin");
    work.jobs().enqueue(&job(10)).await.expect("enqueue");
    drop(work);
    assert_eq!(claim(store, at(0), 10).await, []);
    enqueue(store, &[job(10)]).await;
    assert_eq!(numbers(&claim(store, at(0), 10).await), [10]);
}

/// One kind and key is one job, while it waits, while it is done, and for ever after. The same
/// key of another kind is another job.
pub async fn a_job_of_one_kind_and_key_is_enqueued_once(store: &dyn Store) {
    let same = |number| Job { unique_key: job(10).unique_key, ..job(number) };
    enqueue(store, &[job(10), same(11)]).await;
    let claimed = claim(store, at(0), 10).await;
    assert_eq!(numbers(&claimed), [10]);
    enqueue(store, &[same(12)]).await;
    complete(store, &claimed[0]).await.expect("complete");
    enqueue(store, &[same(13), job(10)]).await;
    assert_eq!(claim(store, at(0), 10).await, []);
    assert_eq!(backlog(store).await, Backlog::default());
    let other_kind = Job { task: Task::HandleWebhook(WebhookId::new(id(14))), ..same(14) };
    enqueue(store, &[other_kind]).await;
    assert_eq!(numbers(&claim(store, at(0), 10).await), [14]);
}

/// Two units of work that enqueue the same job at once both succeed, and there is one job.
pub async fn of_two_equal_jobs_enqueued_at_once_one_stands(store: &dyn Store) {
    let same = Job { unique_key: job(10).unique_key, ..job(11) };
    let (first, second) = ([job(10)], [same]);
    tokio::join!(enqueue(store, &first), enqueue(store, &second));
    assert_eq!(backlog(store).await.waiting, 1);
}

/// A job is due in the moment it is due, and not before.
pub async fn only_due_jobs_are_claimed(store: &dyn Store) {
    let later = Job { run_at: at(5), ..job(11) };
    enqueue(store, &[job(10), later]).await;
    assert_eq!(claim(store, at(0) - TimeDelta::microseconds(1), 10).await, []);
    assert_eq!(numbers(&claim(store, at(0), 10).await), [10]);
    assert_eq!(claim(store, at(5) - TimeDelta::microseconds(1), 10).await, []);
    assert_eq!(numbers(&claim(store, at(5), 10).await), [11]);
}

/// Nobody is given more than it asked for.
pub async fn no_more_jobs_are_claimed_than_asked_for(store: &dyn Store) {
    enqueue(store, &(10..15).map(job).collect::<Vec<_>>()).await;
    let mut claimed = Vec::new();
    for expected in [2, 2, 1, 0] {
        let some = claim(store, at(0), 2).await;
        assert_eq!(some.len(), expected);
        claimed.extend(some);
    }
    claimed.sort_by_key(|job| job.id);
    assert_eq!(numbers(&claimed), [10, 11, 12, 13, 14]);
}

/// The backlog counts what is not done: waiting and leased together, and dead apart.
pub async fn the_backlog_counts_what_is_left_to_do(store: &dyn Store) {
    assert_eq!(backlog(store).await, Backlog::default());
    let due = |number, second| Job { run_at: at(second), ..job(number) };
    enqueue(store, &[due(10, 0), due(11, 0), due(12, 7), due(13, 500)]).await;
    let waiting = Backlog { waiting: 4, dead: 0, oldest_due: Some(at(0)) };
    assert_eq!(backlog(store).await, waiting);
    let claimed = claim(store, at(0), 10).await;
    assert_eq!(numbers(&claimed), [10, 11]);
    assert_eq!(backlog(store).await.waiting, 4);
    complete(store, &claimed[0]).await.expect("complete");
    fail(store, &claimed[1], Failure::Dead).await.expect("fail");
    let rest = Backlog { waiting: 2, dead: 1, oldest_due: Some(at(7)) };
    assert_eq!(backlog(store).await, rest);
}

/// Two claimers never get the same job, and together they get all.
pub async fn four_claimers_never_share_a_job(store: &dyn Store) {
    let jobs: Vec<Job> = (100..300).map(job).collect();
    enqueue(store, &jobs).await;
    let claimer = async || {
        let mut claimed = Vec::new();
        for _ in 0..=jobs.len() {
            let some = claim(store, at(0), 7).await;
            if some.is_empty() {
                break;
            }
            claimed.extend(some);
        }
        claimed
    };
    let shares = tokio::join!(claimer(), claimer(), claimer(), claimer());
    let mut all = [shares.0, shares.1, shares.2, shares.3].concat();
    all.sort_by_key(|job| job.id);
    let expected: Vec<_> = jobs.into_iter().map(|job| Job { attempt: 1, ..job }).collect();
    assert_eq!(all, expected);
}
