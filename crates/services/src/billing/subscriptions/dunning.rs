//! Reminding of a payment, and giving it up.
//!
//! One job leads to the next: each reminder is written with its mail, so that it is sent once. A
//! payment that came, or a user who cancelled, ends the chain.
use cape_domain::{
    accounts::{MailDetail, MailKind},
    billing::{DunningStep, Subscription, SubscriptionState},
    ids::SubscriptionId,
    jobs::Job,
    store::{Durability, Scope, StoreError, UnitOfWork},
    time::Timestamp,
};

use super::{SubscriptionError, SubscriptionService};
use crate::retry::retry;

impl SubscriptionService {
    /// Does what is due about a payment that is owed since then.
    ///
    /// # Errors
    ///
    /// See [`SubscriptionError`].
    pub async fn dun(
        &self,
        job: &Job,
        id: SubscriptionId,
        since: Timestamp,
    ) -> Result<(), SubscriptionError> {
        if retry!(self.remind(job, id, since))? {
            return Ok(());
        }
        // It is given up: there is nobody left to remind.
        let provider = self.provider.as_deref().ok_or(SubscriptionError::Disabled)?;
        let remote = {
            let mut work = self.base.store.read(Scope::Platform).await?;
            work.subscriptions().find(id).await?.and_then(|found| found.remote)
        };
        if let Some(remote) = remote {
            provider.end_now(&remote, true).await?;
            self.follow(provider, id).await?;
        }
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            if let Some(ended) = work.subscriptions().find(id).await? {
                self.tell(&mut *work, &ended, MailKind::SubscriptionEnded).await?;
            }
            work.jobs().complete(job).await?;
            work.commit().await
        })?;
        Ok(())
    }

    /// Reminds if a reminder is due, and sees to what comes next. Says whether that was all: it is
    /// not where the payment is to be given up.
    async fn remind(
        &self,
        job: &Job,
        id: SubscriptionId,
        owed: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
        let found = work.subscriptions().find(id).await?;
        if let Some((subscription, last)) = found.and_then(|found| owing(found, owed)) {
            let reminded = match self.rules.due(owed, self.base.now()) {
                Some(DunningStep::Downgrade) => return Ok(false),
                Some(DunningStep::Reminder(number)) if number > last => {
                    let after = subscription.reminded(number);
                    work.subscriptions().update(&after).await?;
                    self.tell(&mut *work, &after, MailKind::PaymentOwed).await?;
                    number
                }
                Some(DunningStep::Reminder(_)) | None => last,
            };
            self.follower.dun_next(&mut *work, id, owed, reminded).await?;
        }
        work.jobs().complete(job).await?;
        work.commit().await?;
        Ok(true)
    }

    /// A mail to whoever subscribed, about the plan.
    async fn tell(
        &self,
        work: &mut dyn UnitOfWork,
        subscription: &Subscription,
        kind: MailKind,
    ) -> Result<(), StoreError> {
        let Some(user) = work.users().find(subscription.user).await? else { return Ok(()) };
        let plan = work.catalogue().plan(&subscription.terms.plan).await?;
        let detail = plan.and_then(|plan| plan.name.as_str().parse::<MailDetail>().ok());
        self.outbox.tell(work, &user, kind, detail).await
    }
}

/// A subscription that owes that payment, and the number of its last reminder. Nobody who cancelled
/// is reminded.
fn owing(subscription: Subscription, owed: Timestamp) -> Option<(Subscription, u8)> {
    match subscription.state {
        SubscriptionState::PastDue { since, canceling: false, reminded, .. } if since == owed => {
            Some((subscription, reminded))
        }
        SubscriptionState::PastDue { .. }
        | SubscriptionState::Incomplete { .. }
        | SubscriptionState::Trialing { .. }
        | SubscriptionState::Active { .. }
        | SubscriptionState::Paused { .. }
        | SubscriptionState::Canceling { .. }
        | SubscriptionState::Ended { .. } => None,
    }
}
