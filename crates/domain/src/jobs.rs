//! Work that is done later: at least once, in order per subject, and never lost.
//!
//! A job is written in the unit of work that makes it necessary. It is *not* a place for
//! decisions: whoever carries it out loads what is true then.
use std::time::Duration;

use async_trait::async_trait;
use chrono::{SubsecRound as _, TimeDelta};

use crate::{
    billing::PlanCode,
    ids::{JobId, MailId, OrderId, SubscriptionId, WebhookId},
    store::StoreError,
    time::Timestamp,
};

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Act on a message of a payment provider.
    HandleWebhook(WebhookId),
    /// Find out what became of a checkout that was being opened when the process stopped.
    ReconcileOrder(OrderId),
    /// Find out what became of a subscription: while it was being opened, or when its period was
    /// over and nobody said that it was renewed.
    ReconcileSubscription(SubscriptionId),
    /// Remind somebody of a payment, or give it up.
    Dun {
        /// What is not paid.
        subscription: SubscriptionId,
        /// Since when.
        since: Timestamp,
    },
    /// Tell payment providers what a plan is called and what it costs.
    SyncPlan(PlanCode),
    /// Send a mail.
    SendMail(MailId),
}

impl Task {
    /// The stable name of the kind of task.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::HandleWebhook(_) => "webhook.handle",
            Self::ReconcileOrder(_) => "order.reconcile",
            Self::ReconcileSubscription(_) => "subscription.reconcile",
            Self::Dun { .. } => "subscription.dun",
            Self::SyncPlan(_) => "plan.sync",
            Self::SendMail(_) => "mail.send",
        }
    }
}

/// A task with its place in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its identity, and the idempotency key of what it does outside.
    pub id: JobId,
    /// What is to be done.
    pub task: Task,
    /// Two jobs of one kind with the same key are the same job.
    pub unique_key: String,
    /// Jobs of one subject are done one after the other, in the order of their ids.
    pub subject: String,
    /// Not before this.
    pub run_at: Timestamp,
    /// How often it was begun. It also fences: an older attempt can no longer end the job.
    pub attempt: u32,
}

/// What becomes of a job whose attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It is tried again at this time.
    Retry(Timestamp),
    /// It is not tried again. Until somebody looks, its subject waits.
    Dead,
}

/// How long one attempt may take before another process may begin the next.
pub const LEASE: TimeDelta = TimeDelta::seconds(60);

const ATTEMPTS: u32 = 12;
const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_hours(1);

impl Job {
    /// Decides what becomes of it after the current attempt failed: twelve attempts, with
    /// delays that double from one second to an hour. `jitter` is 0 to 255 and lengthens the
    /// delay by up to a quarter, so that what failed together does not return together.
    #[must_use]
    pub fn fail(&self, now: Timestamp, jitter: u8) -> Failure {
        if self.attempt >= ATTEMPTS {
            return Failure::Dead;
        }
        let doubled = FIRST_DELAY.saturating_mul(1 << self.attempt.saturating_sub(1).min(20));
        let delay = doubled.min(LONGEST_DELAY);
        let delay = delay + delay.mul_f64(f64::from(jitter) / 1_020.0);
        let delay = TimeDelta::from_std(delay).unwrap_or(TimeDelta::MAX);
        Failure::Retry((now + delay).trunc_subsecs(6))
    }
}

/// Jobs, to look at.
#[async_trait]
pub trait JobReads: Send {
    /// How many jobs wait, whether due or not, and how many are dead.
    async fn backlog(&mut self) -> Result<Backlog, StoreError>;
}

/// What is left to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Jobs that wait or are being done.
    pub waiting: u64,
    /// Jobs that were given up.
    pub dead: u64,
    /// When the job that has been due the longest became due.
    pub oldest_due: Option<Timestamp>,
}

/// Jobs, to change.
#[async_trait]
pub trait JobRepository: JobReads {
    /// Adds a job, unless one of the same kind with the same key was ever added.
    async fn enqueue(&mut self, job: &Job) -> Result<(), StoreError>;

    /// Takes up to `limit` due jobs until `lease`, and counts an attempt of each. Passed over
    /// are jobs that somebody else holds, and those whose subject has an earlier job that is
    /// not done. Two claimers never get the same job.
    async fn claim(
        &mut self,
        now: Timestamp,
        lease: Timestamp,
        limit: u32,
    ) -> Result<Vec<Job>, StoreError>;

    /// Marks a claimed job as done.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when a later attempt has begun: this one came too late, and
    /// must leave nothing behind.
    async fn complete(&mut self, job: &Job) -> Result<(), StoreError>;

    /// Gives a claimed job back, or gives it up, with the reason.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when a later attempt has begun.
    async fn fail(&mut self, job: &Job, then: Failure, why: &str) -> Result<(), StoreError>;
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn after(attempt: u32, jitter: u8) -> Failure {
        let job = Job {
            id: JobId::new(Uuid::nil()),
            task: Task::ReconcileOrder(OrderId::new(Uuid::nil())),
            unique_key: String::new(),
            subject: String::new(),
            run_at: Timestamp::UNIX_EPOCH,
            attempt,
        };
        job.fail(Timestamp::UNIX_EPOCH, jitter)
    }

    #[test]
    fn delays_double_up_to_an_hour_and_then_the_job_is_given_up() {
        let retry = |seconds| Failure::Retry(Timestamp::UNIX_EPOCH + TimeDelta::seconds(seconds));
        for (attempt, expected) in
            [(1, retry(1)), (2, retry(2)), (5, retry(16)), (11, retry(1_024)), (12, Failure::Dead)]
        {
            assert_eq!(after(attempt, 0), expected, "attempt {attempt}");
        }
        assert_eq!(after(3, 255), retry(5));
    }
}
