//! Finding out what became of a subscription that nobody told anything of.
use cape_domain::{
    billing::{Subscription, SubscriptionState},
    ids::SubscriptionId,
    jobs::{Job, Task},
    store::{Durability, Scope},
    time::Timestamp,
};
use chrono::TimeDelta;

use super::{SubscriptionError, SubscriptionService};
use crate::{idempotency::Once, retry::retry};

/// How long a provider is given to renew or end what is over before it is asked again.
const AGAIN_AFTER: TimeDelta = TimeDelta::hours(6);

impl SubscriptionService {
    /// Asks the provider what became of a subscription, and stores that: of a checkout whose answer
    /// never came, with the same key, and of a period that is over.
    ///
    /// # Errors
    ///
    /// See [`SubscriptionError`].
    pub async fn reconcile(&self, job: &Job, id: SubscriptionId) -> Result<(), SubscriptionError> {
        let provider = self.provider.as_deref().ok_or(SubscriptionError::Disabled)?;
        let found = {
            let mut work = self.base.store.read(Scope::Platform).await?;
            work.subscriptions().find(id).await?
        };
        let goes_on = found.filter(|found| !found.state.has_ended());
        if let Some(subscription) = goes_on {
            match (&subscription.state, &subscription.remote) {
                (SubscriptionState::Incomplete { checkout: None }, None) => {
                    match self.open(provider, subscription, Once::unkeyed()).await {
                        Ok(_) => {}
                        Err(SubscriptionError::Provider(refusal)) if refusal.is_refusal() => {}
                        Err(error) => return Err(error),
                    }
                }
                _ => self.follow(provider, id).await?,
            }
        }
        retry!(self.reconciled(job, id))
    }

    /// What is over, and that nobody renewed or ended, is looked at again.
    async fn reconciled(&self, job: &Job, id: SubscriptionId) -> Result<(), SubscriptionError> {
        let now = self.base.now();
        let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
        let found = work.subscriptions().find(id).await?;
        if found.as_ref().is_some_and(|found| is_over(found, now)) {
            tracing::error!(subscription.id = %id, "a period is over, and nothing followed");
            let key = format!("{}:again", job.id);
            let task = Task::ReconcileSubscription(id);
            self.follower.later(&mut *work, task, key, now + AGAIN_AFTER).await?;
        }
        work.jobs().complete(job).await?;
        Ok(work.commit().await?)
    }
}

/// Whether the period is over though the subscription goes on.
fn is_over(subscription: &Subscription, now: Timestamp) -> bool {
    match subscription.state {
        SubscriptionState::Trialing { period }
        | SubscriptionState::Active { period }
        | SubscriptionState::Canceling { period } => period.end() <= now,
        SubscriptionState::Incomplete { .. }
        | SubscriptionState::PastDue { .. }
        | SubscriptionState::Paused { .. }
        | SubscriptionState::Ended { .. } => false,
    }
}
