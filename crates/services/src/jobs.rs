//! Carrying out what is due.
use std::sync::Arc;

use cape_domain::{
    jobs::{Backlog, Failure, Job, LEASE, Task},
    store::{Durability, Scope, StoreError},
};

use tokio::task::JoinSet;

use crate::{
    Base,
    accounts::{MailError, MailService},
    billing::{
        PlanSync, PlanSyncError, PurchaseError, PurchaseService, SubscriptionError,
        SubscriptionService, WebhookError, WebhookService,
    },
};

/// Carries out jobs.
pub struct JobRunner {
    base: Base,
    webhooks: Arc<WebhookService>,
    purchases: Arc<PurchaseService>,
    subscriptions: Arc<SubscriptionService>,
    plans: Arc<PlanSync>,
    mails: Arc<MailService>,
}

/// Why a job could not be carried out.
#[derive(Debug, thiserror::Error)]
enum JobError {
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    #[error(transparent)]
    Purchase(#[from] PurchaseError),
    #[error(transparent)]
    Subscription(#[from] SubscriptionError),
    #[error(transparent)]
    Plan(#[from] PlanSyncError),
    #[error(transparent)]
    Mail(#[from] MailError),
}

const AT_ONCE: u32 = 10;

impl JobRunner {
    /// Carries out jobs through these services.
    #[must_use]
    pub fn new(
        base: Base,
        webhooks: Arc<WebhookService>,
        purchases: Arc<PurchaseService>,
        subscriptions: Arc<SubscriptionService>,
        plans: Arc<PlanSync>,
        mails: Arc<MailService>,
    ) -> Arc<Self> {
        Arc::new(Self { base, webhooks, purchases, subscriptions, plans, mails })
    }

    /// Carries out up to ten jobs that are due, side by side, and says how many there were: their
    /// lease is good for one, and somebody outside who does not answer holds up no other. No two
    /// of them have the same subject. One that fails is tried again later, or given up with an
    /// alert.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when jobs cannot be claimed.
    pub async fn run_due(self: &Arc<Self>) -> Result<usize, StoreError> {
        let jobs = self.claim().await?;
        let many = jobs.len();
        let mut attempts = JoinSet::new();
        for job in jobs {
            let this = Arc::clone(self);
            attempts.spawn(async move { this.attempt(&job).await });
        }
        for outcome in attempts.join_all().await {
            outcome?;
        }
        Ok(many)
    }

    async fn attempt(&self, job: &Job) -> Result<(), StoreError> {
        let outcome = self.run(job).await;
        let name = if outcome.is_ok() { "done" } else { "failed" };
        metrics::counter!("cape_jobs_total", "kind" => job.task.kind(), "outcome" => name)
            .increment(1);
        match outcome {
            Ok(()) => Ok(()),
            Err(error) => self.fail(job, &error).await,
        }
    }

    /// What is left to do.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn backlog(&self) -> Result<Backlog, StoreError> {
        let mut work = self.base.store.read(Scope::Platform).await?;
        work.jobs().backlog().await
    }

    async fn claim(&self) -> Result<Vec<Job>, StoreError> {
        let now = self.base.now();
        let Backlog { waiting, dead, oldest_due } = self.backlog().await?;
        metrics::gauge!("cape_jobs_waiting").set(count(waiting));
        metrics::gauge!("cape_jobs_dead").set(count(dead));
        if oldest_due.is_none_or(|due| due > now) {
            return Ok(Vec::new());
        }
        let mut work = self.base.store.begin(Scope::Platform, Durability::Process).await?;
        let jobs = work.jobs().claim(now, now + LEASE, AT_ONCE).await?;
        work.commit().await?;
        Ok(jobs)
    }

    async fn run(&self, job: &Job) -> Result<(), JobError> {
        match &job.task {
            Task::HandleWebhook(id) => Ok(self.webhooks.handle(job, *id).await?),
            Task::ReconcileOrder(id) => Ok(self.purchases.reconcile(job, *id).await?),
            Task::ReconcileSubscription(id) => Ok(self.subscriptions.reconcile(job, *id).await?),
            Task::Dun { subscription, since } => {
                Ok(self.subscriptions.dun(job, *subscription, *since).await?)
            }
            Task::SyncPlan(plan) => Ok(self.plans.run(job, plan).await?),
            Task::SendMail(id) => Ok(self.mails.send(job, *id).await?),
        }
    }

    async fn fail(&self, job: &Job, error: &JobError) -> Result<(), StoreError> {
        let [jitter] = self.base.random();
        let then = job.fail(self.base.now(), jitter);
        match then {
            Failure::Retry(at) => {
                tracing::warn!(job.id = %job.id, job.kind = job.task.kind(), %error, %at, "job failed");
            }
            Failure::Dead => {
                tracing::error!(job.id = %job.id, job.kind = job.task.kind(), %error, "job given up");
            }
        }
        let mut work = self.base.store.begin(Scope::Platform, Durability::Process).await?;
        match work.jobs().fail(job, then, &error.to_string()).await {
            Ok(()) => work.commit().await,
            Err(StoreError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn count(jobs: u64) -> f64 {
    u32::try_from(jobs).unwrap_or(u32::MAX).into()
}
