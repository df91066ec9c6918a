//! Following what the provider says of a subscription.
//!
//! Ours is read before the provider is asked, and stored only if nobody stored anything in
//! between; otherwise both are asked again. So of two who look at the same time the one that saw
//! less never has the last word, whatever the order of messages.
use cape_domain::{
    access::{Actor, ControlChange, ControlEntry, Principal},
    audit::Action,
    billing::{
        DunningRules, OpenedCheckout, PaymentProvider, PaymentProviderError, Reduced,
        RemoteSubscription, Subscription, SubscriptionCheckout, SubscriptionCheckoutState,
        SubscriptionState, Terms, WebhookOutcome,
    },
    ids::{ControlId, JobId, RequestId, SubscriptionId},
    jobs::{Job, Task},
    store::{Scope, StoreError, UnitOfWork},
    time::Timestamp,
};
use chrono::TimeDelta;

use crate::{
    Base,
    audit::{Fact, Trail},
    retry::Contended,
};

/// Follows what the provider says. A clone is another handle.
#[derive(Clone)]
pub(crate) struct Follower {
    base: Base,
    trail: Trail,
    rules: DunningRules,
}

/// Why it could not be followed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FollowError {
    /// The provider failed.
    #[error(transparent)]
    Provider(#[from] PaymentProviderError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Contended for FollowError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Store(error) => error.is_conflict(),
            Self::Provider(_) => false,
        }
    }
}

/// Ours as it was before the provider was asked, and what it said.
pub(crate) enum Looked {
    /// Of the subscription.
    Subscription(Subscription, RemoteSubscription),
    /// Of the checkout: there is no subscription yet.
    Checkout(Subscription, SubscriptionCheckout),
}

/// How long after the end of a period it is asked what became of it.
const AFTER_THE_PERIOD: TimeDelta = TimeDelta::minutes(10);

impl Follower {
    pub(super) const fn new(base: Base, trail: Trail, rules: DunningRules) -> Self {
        Self { base, trail, rules }
    }

    /// What the provider says of the subscription that a message is about: given the id of the
    /// subscription, of its checkout, or of an invoice for it. Nothing, if it is none of ours.
    pub(crate) async fn look(
        &self,
        provider: &dyn PaymentProvider,
        object: &str,
    ) -> Result<Option<Looked>, FollowError> {
        match object.split_once('_') {
            Some(("cs", _)) => match provider.find_subscription_checkout(object).await? {
                Some(SubscriptionCheckout { subscription: Some(id), .. }) => {
                    self.look_through_checkout(provider, id, object).await
                }
                Some(_) | None => Ok(None),
            },
            Some(("in", _)) => match provider.subscription_of_invoice(object).await? {
                Some(remote) => self.look_at_remote(provider, &remote).await,
                None => Ok(None),
            },
            Some(_) | None => self.look_at_remote(provider, object).await,
        }
    }

    /// What the provider says of one of ours. Nothing, if it was never told of it.
    pub(crate) async fn look_at(
        &self,
        provider: &dyn PaymentProvider,
        id: SubscriptionId,
    ) -> Result<Option<Looked>, FollowError> {
        let Some(before) = self.find(id).await? else { return Ok(None) };
        if let Some(remote) = before.remote.clone() {
            let told = provider.find_subscription(&remote).await?;
            return Ok(told.map(|told| Looked::Subscription(before, told)));
        }
        match &before.state {
            SubscriptionState::Incomplete { checkout: Some(checkout) } => {
                let checkout = checkout.id.clone();
                self.look_through_checkout(provider, id, &checkout).await
            }
            SubscriptionState::Incomplete { checkout: None }
            | SubscriptionState::Trialing { .. }
            | SubscriptionState::Active { .. }
            | SubscriptionState::PastDue { .. }
            | SubscriptionState::Paused { .. }
            | SubscriptionState::Canceling { .. }
            | SubscriptionState::Ended { .. } => Ok(None),
        }
    }

    async fn look_at_remote(
        &self,
        provider: &dyn PaymentProvider,
        remote: &str,
    ) -> Result<Option<Looked>, FollowError> {
        let known = {
            let mut work = self.base.store.read(Scope::Platform).await?;
            work.subscriptions().find_remote(provider.name(), remote).await?
        };
        let before = match known {
            Some(before) => Some(before),
            // The first that is heard of it: it says itself whose it is.
            None => {
                match provider.find_subscription(remote).await?.and_then(|it| it.subscription) {
                    Some(id) => self.find(id).await?,
                    None => None,
                }
            }
        };
        let Some(before) = before else { return Ok(None) };
        let told = provider.find_subscription(remote).await?;
        Ok(told.map(|told| Looked::Subscription(before, told)))
    }

    /// The checkout is asked again after ours was read.
    async fn look_through_checkout(
        &self,
        provider: &dyn PaymentProvider,
        id: SubscriptionId,
        checkout: &str,
    ) -> Result<Option<Looked>, FollowError> {
        let Some(before) = self.find(id).await? else { return Ok(None) };
        let Some(checkout) = provider.find_subscription_checkout(checkout).await? else {
            return Ok(None);
        };
        match &checkout.state {
            SubscriptionCheckoutState::Complete { remote } => {
                let told = provider.find_subscription(remote).await?;
                Ok(told.map(|told| Looked::Subscription(before, told)))
            }
            SubscriptionCheckoutState::Open { .. }
            | SubscriptionCheckoutState::Expired
            | SubscriptionCheckoutState::Unknown(_) => Ok(Some(Looked::Checkout(before, checkout))),
        }
    }

    async fn find(&self, id: SubscriptionId) -> Result<Option<Subscription>, StoreError> {
        let mut work = self.base.store.read(Scope::Platform).await?;
        work.subscriptions().find(id).await
    }

    /// Stores what was said, and tells everybody who has to know.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when somebody stored something in between: look again.
    pub(crate) async fn apply(
        &self,
        work: &mut dyn UnitOfWork,
        looked: Looked,
    ) -> Result<WebhookOutcome, StoreError> {
        let (before, reduced) = match looked {
            Looked::Subscription(before, told) => {
                let terms = self.terms(work, &before, &told).await?;
                let reduced = before.clone().observe(&told, terms, &self.rules);
                (before, reduced)
            }
            Looked::Checkout(before, checkout) => {
                let changed = self.through_checkout(before.clone(), checkout);
                (before, changed.map_or(Reduced::Unchanged, Reduced::Changed))
            }
        };
        match reduced {
            Reduced::Unchanged => Ok(WebhookOutcome::Unchanged),
            Reduced::Changed(after) => {
                work.subscriptions().update(&after).await?;
                self.announce(work, &before, &after).await?;
                Ok(WebhookOutcome::Applied)
            }
            Reduced::Odd(odd) => {
                work.subscriptions().update(&odd).await?;
                let oddity = odd.oddity.as_ref().map(ToString::to_string).unwrap_or_default();
                tracing::error!(subscription.id = %odd.id, oddity, "a subscription is not understood");
                metrics::counter!("cape_subscriptions_odd_total").increment(1);
                Ok(WebhookOutcome::Applied)
            }
        }
    }

    fn through_checkout(
        &self,
        before: Subscription,
        checkout: SubscriptionCheckout,
    ) -> Option<Subscription> {
        match checkout.state {
            SubscriptionCheckoutState::Open { url } => {
                before.open(OpenedCheckout { id: checkout.id, url })
            }
            SubscriptionCheckoutState::Expired => before.abandon(self.base.now()),
            SubscriptionCheckoutState::Complete { .. } | SubscriptionCheckoutState::Unknown(_) => {
                None
            }
        }
    }

    /// What the provider's price was sold as.
    async fn terms(
        &self,
        work: &mut dyn UnitOfWork,
        before: &Subscription,
        told: &RemoteSubscription,
    ) -> Result<Option<Terms>, StoreError> {
        let Some(name) = &told.price else { return Ok(None) };
        let Some(id) = work.catalogue().price_called(before.provider, name).await? else {
            return Ok(None);
        };
        if id == before.terms.price.id {
            return Ok(Some(before.terms.clone()));
        }
        let Some((plan, price)) = work.catalogue().price(id).await? else { return Ok(None) };
        let version = work.catalogue().plan(&plan).await?.map(|plan| plan.version);
        Ok(version.map(|plan_version| Terms { plan, plan_version, price }))
    }

    /// Everybody who has to know: processes that remember the plan, the trail, and the jobs that
    /// look again when its time is over or it is not paid.
    async fn announce(
        &self,
        work: &mut dyn UnitOfWork,
        before: &Subscription,
        after: &Subscription,
    ) -> Result<(), StoreError> {
        let now = self.base.now();
        let change = ControlChange::PlanChanged(after.workspace);
        let id = ControlId::next(&*self.base.ids);
        work.control().publish(&ControlEntry { id, at: now, change }).await?;
        self.schedule(work, before, after).await?;
        let actor = Actor {
            principal: Principal::System,
            workspace: after.workspace,
            authenticated_at: now,
            request: RequestId::next(&*self.base.ids),
            address: None,
        };
        let price = |one: &Subscription| one.terms.price.amount.to_string();
        let (was, is) = (price(before), price(after));
        let facts = |one: &'_ Subscription| (one.state.name(), one.terms.plan.to_string());
        let ((state_before, plan_before), (state_after, plan_after)) =
            (facts(before), facts(after));
        let fact = Fact {
            action: Action::SubscriptionChanged,
            subject: after.id.to_string(),
            before: &[("state", state_before), ("plan", &plan_before), ("price", &was)],
            after: &[("state", state_after), ("plan", &plan_after), ("price", &is)],
        };
        self.trail.enter(work, &actor, None, fact).await
    }

    async fn schedule(
        &self,
        work: &mut dyn UnitOfWork,
        before: &Subscription,
        after: &Subscription,
    ) -> Result<(), StoreError> {
        match after.state {
            SubscriptionState::Trialing { period }
            | SubscriptionState::Active { period }
            | SubscriptionState::Canceling { period } => {
                let key = format!("{}:{}", after.id, period.end().timestamp_micros());
                let task = Task::ReconcileSubscription(after.id);
                self.later(work, task, key, period.end() + AFTER_THE_PERIOD).await
            }
            SubscriptionState::PastDue { since, canceling: false, reminded, .. }
                if !is_owed(&before.state, since) =>
            {
                self.dun_next(work, after.id, since, reminded).await
            }
            SubscriptionState::PastDue { .. }
            | SubscriptionState::Incomplete { .. }
            | SubscriptionState::Paused { .. }
            | SubscriptionState::Ended { .. } => Ok(()),
        }
    }

    /// Whatever comes after the reminder with this number.
    pub(super) async fn dun_next(
        &self,
        work: &mut dyn UnitOfWork,
        subscription: SubscriptionId,
        since: Timestamp,
        reminded: u8,
    ) -> Result<(), StoreError> {
        let (_, at) = self.rules.next(since, reminded);
        let key = JobId::next(&*self.base.ids).to_string();
        self.later(work, Task::Dun { subscription, since }, key, at).await
    }

    /// A job that holds up no other: its subject is its own.
    pub(super) async fn later(
        &self,
        work: &mut dyn UnitOfWork,
        task: Task,
        key: String,
        run_at: Timestamp,
    ) -> Result<(), StoreError> {
        let id = JobId::next(&*self.base.ids);
        let subject = format!("{}:{key}", task.kind());
        let job = Job { id, task, unique_key: key, subject, run_at, attempt: 0 };
        work.jobs().enqueue(&job).await
    }
}

/// Whether reminders of what is owed since then are on their way.
fn is_owed(state: &SubscriptionState, owed: Timestamp) -> bool {
    match state {
        SubscriptionState::PastDue { since, canceling: false, .. } => *since == owed,
        SubscriptionState::PastDue { canceling: true, .. }
        | SubscriptionState::Incomplete { .. }
        | SubscriptionState::Trialing { .. }
        | SubscriptionState::Active { .. }
        | SubscriptionState::Paused { .. }
        | SubscriptionState::Canceling { .. }
        | SubscriptionState::Ended { .. } => false,
    }
}
