//! Changing the plan: first it is said what that costs, then that is charged.
//!
//! What is said is computed here and compared with what the provider would charge; where they
//! differ, nothing is said. The old plan goes on until the new one is paid.
use cape_domain::{
    access::{ManageBilling, Permit},
    audit::Action,
    billing::{ChangeRequest, PaymentProvider, PlanCode, Quote, QuoteRefusal, Subscription, Terms},
    ids::{QuoteId, SubscriptionId},
    jobs::Task,
    store::{Durability, Scope},
};
use chrono::TimeDelta;

use super::{SubscriptionError, SubscriptionService, Wanted};
use crate::{audit::Fact, idempotency::Once, retry::retry};

/// How long after somebody asked it is looked at what became of it.
const RECONCILE_AFTER: TimeDelta = TimeDelta::seconds(60);

impl SubscriptionService {
    /// Says what it costs to change to another plan now, and remembers that for a while.
    ///
    /// # Errors
    ///
    /// See [`SubscriptionError`].
    pub async fn quote(
        &self,
        permit: Permit<ManageBilling>,
        id: SubscriptionId,
        wanted: Wanted<'_>,
    ) -> Result<Quote, SubscriptionError> {
        let provider = self.provider.as_deref().ok_or(SubscriptionError::Disabled)?;
        let (subscription, quote) = {
            let mut work = self.base.store.read(permit.scope()).await?;
            let found = work.subscriptions().find(id).await?;
            let subscription = found.ok_or(SubscriptionError::Unknown)?;
            let unknown = || SubscriptionError::UnknownPlan(wanted.plan.to_owned());
            let code: PlanCode = wanted.plan.parse().map_err(|_| unknown())?;
            let plan = work.catalogue().plan(&code).await?;
            let sold = plan.filter(|plan| plan.retired_at.is_none() && code != PlanCode::free());
            let plan = sold.ok_or_else(unknown)?;
            let not_sold = || SubscriptionError::NotSold(wanted.currency);
            let price = plan.price(wanted.interval, wanted.currency).ok_or_else(not_sold)?;
            let to = Terms { plan: code, plan_version: plan.version, price };
            let quote = QuoteId::next(&*self.base.ids);
            let quote = subscription.quote(quote, to, self.base.now())?;
            (subscription, quote)
        };
        let request = self.request(provider, &subscription, &quote).await?;
        let told = provider.preview_change(&request).await?;
        if told != quote.due() {
            let said = quote.due();
            tracing::error!(subscription.id = %id, %said, %told, "the provider would charge another sum");
            return Err(SubscriptionError::QuoteMismatch);
        }
        retry!(async {
            let mut work = self.base.store.begin(permit.scope(), Durability::Power).await?;
            work.subscriptions().insert_quote(&quote).await?;
            work.commit().await
        })?;
        Ok(quote)
    }

    /// Changes the plan as it was said. Where what is due is not paid at once, the plan stays what
    /// it was.
    ///
    /// # Errors
    ///
    /// See [`SubscriptionError`].
    pub async fn change(
        &self,
        permit: Permit<ManageBilling>,
        id: SubscriptionId,
        quote: QuoteId,
        once: Once<'_, Subscription>,
    ) -> Result<Subscription, SubscriptionError> {
        let provider = self.provider.as_deref().ok_or(SubscriptionError::Disabled)?;
        let (subscription, quote) = retry!(self.intend_change(&permit, id, quote))?;
        if subscription.terms.price.id == quote.to.price.id {
            // An attempt before this one has done it.
            return Ok(subscription);
        }
        let request = self.request(provider, &subscription, &quote).await?;
        provider.change_price(&request).await?;
        self.follow(provider, id).await?;
        let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
        let found = work.subscriptions().find(id).await?;
        let changed = found.ok_or(SubscriptionError::Unknown)?;
        if changed.terms.price.id != quote.to.price.id {
            return Err(SubscriptionError::NotPaid);
        }
        once.keep(&mut *work, &changed).await?;
        work.commit().await?;
        Ok(changed)
    }

    /// Writes down that somebody asked for what was said, if that is still good.
    async fn intend_change(
        &self,
        permit: &Permit<ManageBilling>,
        id: SubscriptionId,
        quote: QuoteId,
    ) -> Result<(Subscription, Quote), SubscriptionError> {
        let mut work = self.base.store.begin(permit.scope(), Durability::Power).await?;
        let found = work.subscriptions().find(id).await?;
        let subscription = found.ok_or(SubscriptionError::Unknown)?;
        let quote = work.subscriptions().quote(quote).await?;
        let about_it = quote.filter(|quote| quote.subscription == id);
        let quote = about_it.ok_or(SubscriptionError::UnknownQuote)?;
        if subscription.terms.price.id == quote.to.price.id {
            return Ok((subscription, quote));
        }
        quote.check(&subscription, self.base.now())?;
        let (task, at) = (Task::ReconcileSubscription(id), self.base.now() + RECONCILE_AFTER);
        self.follower.later(&mut *work, task, quote.id.to_string(), at).await?;
        let (was, is) = (subscription.terms.plan.to_string(), quote.to.plan.to_string());
        let fact = Fact {
            action: Action::SubscriptionChangeAsked,
            subject: id.to_string(),
            before: &[("plan", &was)],
            after: &[("plan", &is), ("due", &quote.due().to_string())],
        };
        self.trail.enter(&mut *work, permit.actor(), None, fact).await?;
        work.commit().await?;
        Ok((subscription, quote))
    }

    async fn request(
        &self,
        provider: &dyn PaymentProvider,
        subscription: &Subscription,
        quote: &Quote,
    ) -> Result<ChangeRequest, SubscriptionError> {
        let remote = subscription.change().map_err(QuoteRefusal::from)?.to_owned();
        let price = self.sync.name(provider, &quote.to.plan, &quote.to.price).await?;
        Ok(ChangeRequest { quote: quote.id, remote, price, at: quote.at })
    }
}
