//! Subscribing: from the click to the page where it is paid.
//!
//! The subscription is written before the provider is asked, and what it answered in a second unit
//! of work. It opens no rights: that takes a payment. One that somebody left unpaid makes room for
//! another one, but only after the provider said that nobody can pay it any more.
use cape_domain::{
    access::{ManageBilling, Permit, Principal},
    audit::Action,
    billing::{
        PaymentProvider, PaymentProviderError, PlanCode, Subscription, SubscriptionCheckout,
        SubscriptionRequest, SubscriptionState, Terms,
    },
    ids::SubscriptionId,
    jobs::Task,
    store::{Durability, Scope, StoreError},
};
use chrono::TimeDelta;

use super::{OpenedSubscription, SubscriptionError, SubscriptionService, Wanted};
use crate::{audit::Fact, idempotency::Once, retry::retry};

/// How long after a subscription was written its answer is looked for.
const RECONCILE_AFTER: TimeDelta = TimeDelta::seconds(60);

/// How long after it was opened a checkout is over for certain: the provider keeps it for a day.
const OVER_AFTER: TimeDelta = TimeDelta::hours(25);

/// What became of a wish to subscribe.
enum Placed {
    /// It can be opened, or is.
    Ready(Subscription),
    /// Another one waits to be paid.
    Beside(Subscription),
}

impl SubscriptionService {
    /// Subscribes the actor's workspace, and opens a checkout where it can be paid. Asking for the
    /// same again before it was paid gives the same one.
    ///
    /// # Errors
    ///
    /// See [`SubscriptionError`].
    pub async fn subscribe(
        &self,
        permit: Permit<ManageBilling>,
        wanted: Wanted<'_>,
        once: Once<'_, OpenedSubscription>,
    ) -> Result<OpenedSubscription, SubscriptionError> {
        let provider = self.provider.as_deref().ok_or(SubscriptionError::Disabled)?;
        let placed = match retry!(self.place(&permit, provider, wanted, once))? {
            Placed::Ready(placed) => placed,
            Placed::Beside(other) => {
                self.make_room(provider, other).await?;
                match retry!(self.place(&permit, provider, wanted, once))? {
                    Placed::Ready(placed) => placed,
                    Placed::Beside(_) => return Err(SubscriptionError::AlreadySubscribed),
                }
            }
        };
        if let Some(opened) = OpenedSubscription::of(placed.clone()) {
            return Ok(opened);
        }
        let opened = self.open(provider, placed, once).await?;
        OpenedSubscription::of(opened).ok_or(SubscriptionError::AlreadySubscribed)
    }

    async fn place(
        &self,
        permit: &Permit<ManageBilling>,
        provider: &dyn PaymentProvider,
        wanted: Wanted<'_>,
        once: Once<'_, OpenedSubscription>,
    ) -> Result<Placed, SubscriptionError> {
        let actor = permit.actor();
        let Principal::User { id: user, .. } = actor.principal else {
            return Err(SubscriptionError::NotAPerson);
        };
        let id = once.id().map(|id| SubscriptionId::new(id.raw()));
        let id = id.unwrap_or_else(|| SubscriptionId::next(&*self.base.ids));
        let mut work = self.base.store.begin(permit.scope(), Durability::Power).await?;
        if once.is_resumed()
            && let Some(placed) = work.subscriptions().find(id).await?
        {
            return Ok(Placed::Ready(placed));
        }
        let unknown = || SubscriptionError::UnknownPlan(wanted.plan.to_owned());
        let code: PlanCode = wanted.plan.parse().map_err(|_| unknown())?;
        let plan = work.catalogue().plan(&code).await?;
        let sold = plan.filter(|plan| plan.retired_at.is_none() && code != PlanCode::free());
        let plan = sold.ok_or_else(unknown)?;
        let not_sold = || SubscriptionError::NotSold(wanted.currency);
        let price = plan.price(wanted.interval, wanted.currency).ok_or_else(not_sold)?;
        if let Some(current) = work.subscriptions().current(actor.workspace).await? {
            return beside(current, &code, price.id);
        }
        let subscription = Subscription {
            id,
            workspace: actor.workspace,
            user,
            terms: Terms { plan: code, plan_version: plan.version, price },
            provider: provider.name(),
            remote: None,
            state: SubscriptionState::Incomplete { checkout: None },
            oddity: None,
            created_at: self.base.now(),
            version: 0,
        };
        work.subscriptions().insert(&subscription).await?;
        let (task, at) = (Task::ReconcileSubscription(id), self.base.now() + RECONCILE_AFTER);
        self.follower.later(&mut *work, task, id.to_string(), at).await?;
        let fact = Fact {
            action: Action::SubscriptionPlaced,
            subject: id.to_string(),
            before: &[],
            after: &[("plan", plan.code.as_str()), ("price", &price.amount.to_string())],
        };
        self.trail.enter(&mut *work, actor, None, fact).await?;
        work.commit().await?;
        Ok(Placed::Ready(subscription))
    }

    /// Sees to it that nobody pays a subscription that was left unpaid, and gives it up. One that
    /// was paid a moment ago is followed instead.
    pub(super) async fn make_room(
        &self,
        provider: &dyn PaymentProvider,
        other: Subscription,
    ) -> Result<(), SubscriptionError> {
        let checkout = match &other.state {
            SubscriptionState::Incomplete { checkout: Some(checkout) } => checkout.id.clone(),
            // Its answer may have been lost: asked under the same key, it is the same one.
            _ => self.ask(provider, &other).await?.id,
        };
        self.close(provider, other.id, &checkout).await
    }

    /// Closes a checkout, and follows what became of its subscription.
    pub(super) async fn close(
        &self,
        provider: &dyn PaymentProvider,
        id: SubscriptionId,
        checkout: &str,
    ) -> Result<(), SubscriptionError> {
        retry!(async {
            provider.close_subscription_checkout(checkout).await?;
            let Some(looked) = self.follower.look(provider, checkout).await? else {
                tracing::error!(subscription.id = %id, checkout, "a checkout is not there any more");
                return Err(SubscriptionError::AlreadySubscribed);
            };
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            self.follower.apply(&mut *work, looked).await?;
            Ok(work.commit().await?)
        })
    }

    /// Opens the checkout of a subscription, and writes down what the provider answered.
    pub(super) async fn open(
        &self,
        provider: &dyn PaymentProvider,
        subscription: Subscription,
        once: Once<'_, OpenedSubscription>,
    ) -> Result<Subscription, SubscriptionError> {
        match self.ask(provider, &subscription).await {
            Ok(checkout) => retry!(self.opened(provider, subscription.id, &checkout.id, once)),
            Err(SubscriptionError::Provider(refusal)) if refusal.is_refusal() => {
                retry!(self.refused(subscription.id))?;
                Err(refusal.into())
            }
            Err(error) => Err(error),
        }
    }

    /// Asks the provider for a checkout, and for a customer and a price where there is none yet.
    async fn ask(
        &self,
        provider: &dyn PaymentProvider,
        subscription: &Subscription,
    ) -> Result<SubscriptionCheckout, SubscriptionError> {
        let (workspace, user) = (subscription.workspace, subscription.user);
        let terms = &subscription.terms;
        let price = self.sync.name(provider, &terms.plan, &terms.price).await?;
        let customer = self.customers.of(provider, workspace, user).await?;
        let request =
            SubscriptionRequest { subscription: subscription.id, workspace, customer, price };
        match provider.open_subscription(&request).await {
            Err(PaymentProviderError::UnknownCustomer) => {
                let forgotten = &request.customer;
                let customer = self.customers.again(provider, workspace, user, forgotten).await?;
                Ok(provider.open_subscription(&SubscriptionRequest { customer, ..request }).await?)
            }
            answer => Ok(answer?),
        }
    }

    async fn opened(
        &self,
        provider: &dyn PaymentProvider,
        id: SubscriptionId,
        checkout: &str,
        once: Once<'_, OpenedSubscription>,
    ) -> Result<Subscription, SubscriptionError> {
        let looked = self.follower.look(provider, checkout).await?;
        let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
        if let Some(looked) = looked {
            self.follower.apply(&mut *work, looked).await?;
        }
        let (task, at) = (Task::ReconcileSubscription(id), self.base.now() + OVER_AFTER);
        self.follower.later(&mut *work, task, format!("{id}:{checkout}"), at).await?;
        let stored = work.subscriptions().find(id).await?;
        let stored = stored.ok_or(StoreError::Conflict { what: "subscription" })?;
        if let Some(opened) = OpenedSubscription::of(stored.clone()) {
            once.keep(&mut *work, &opened).await?;
        }
        work.commit().await?;
        Ok(stored)
    }

    async fn refused(&self, id: SubscriptionId) -> Result<(), StoreError> {
        let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
        let placed = work.subscriptions().find(id).await?;
        if let Some(over) = placed.and_then(|placed| placed.abandon(self.base.now())) {
            work.subscriptions().update(&over).await?;
            work.commit().await?;
        }
        Ok(())
    }
}

/// What becomes of a wish where the workspace has a subscription.
fn beside(
    current: Subscription,
    plan: &PlanCode,
    price: cape_domain::ids::PriceId,
) -> Result<Placed, SubscriptionError> {
    let same = current.terms.plan == *plan && current.terms.price.id == price;
    match (&current.state, &current.remote) {
        (SubscriptionState::Incomplete { .. }, None) if same => Ok(Placed::Ready(current)),
        (SubscriptionState::Incomplete { .. }, None) => Ok(Placed::Beside(current)),
        (
            SubscriptionState::Incomplete { .. }
            | SubscriptionState::Trialing { .. }
            | SubscriptionState::Active { .. }
            | SubscriptionState::PastDue { .. }
            | SubscriptionState::Paused { .. }
            | SubscriptionState::Canceling { .. }
            | SubscriptionState::Ended { .. },
            _,
        ) => Err(SubscriptionError::AlreadySubscribed),
    }
}
