//! Messages of payment providers: taken in at once, acted on by a job.
//!
//! A message is never believed for what it says: the job asks the provider for the object as it
//! is now. However often and in whatever order messages come, a payment grants credits once.
use std::sync::Arc;

use cape_domain::{
    access::{Actor, Principal},
    audit::Action,
    billing::{
        CreditGrant, Credits, GrantSource, Observed, Order, Payment, PaymentMismatch,
        PaymentProvider, PaymentProviderError, RemoteCheckout, Topic, Webhook, WebhookOutcome,
        WebhookRefused, WebhookState,
    },
    ids::{JobId, PaymentId, RequestId, WebhookId},
    jobs::{Job, Task},
    store::{Durability, Scope, StoreError, UnitOfWork},
};

use super::{
    Gift, SubscriptionService, give,
    subscriptions::{FollowError, Looked},
};
use crate::{
    Base,
    audit::{Fact, Trail},
    retry::{Contended, retry},
};

/// Takes in messages of payment providers, and acts on them.
pub struct WebhookService {
    base: Base,
    trail: Trail,
    subscriptions: Arc<SubscriptionService>,
    provider: Option<Arc<dyn PaymentProvider>>,
}

/// What a provider says of what a message is about.
enum News {
    /// Of the checkout of an order.
    Order(RemoteCheckout),
    /// Of a subscription.
    Subscription(Box<Looked>),
}

/// Why a message was not taken in or acted on.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// Nobody takes money here.
    #[error("payments are not configured")]
    Disabled,
    /// The message is not the provider's.
    #[error(transparent)]
    Refused(#[from] WebhookRefused),
    /// The provider failed.
    #[error(transparent)]
    Provider(#[from] PaymentProviderError),
    /// Something else was paid than what was ordered.
    #[error(transparent)]
    Mismatch(#[from] PaymentMismatch),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<FollowError> for WebhookError {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::Provider(error) => Self::Provider(error),
            FollowError::Store(error) => Self::Store(error),
        }
    }
}

impl Contended for WebhookError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Store(error) => error.is_conflict(),
            Self::Disabled | Self::Refused(_) | Self::Provider(_) | Self::Mismatch(_) => false,
        }
    }
}

impl WebhookService {
    /// A service that acts on this provider's messages, if there is one.
    #[must_use]
    pub fn new(
        base: Base,
        trail: Trail,
        subscriptions: Arc<SubscriptionService>,
        provider: Option<Arc<dyn PaymentProvider>>,
    ) -> Arc<Self> {
        Arc::new(Self { base, trail, subscriptions, provider })
    }

    /// Takes in a message, as it came. One that came before is left alone.
    ///
    /// # Errors
    ///
    /// See [`WebhookError`].
    pub async fn receive(&self, body: &[u8], signature: &str) -> Result<(), WebhookError> {
        let provider = self.provider.as_deref().ok_or(WebhookError::Disabled)?;
        let now = self.base.now();
        let event = provider.read_webhook(body, signature, now)?;
        let id = WebhookId::next(&*self.base.ids);
        let webhook = Webhook { id, event, received_at: now, state: WebhookState::Received };
        let job = Job {
            id: JobId::next(&*self.base.ids),
            task: Task::HandleWebhook(id),
            unique_key: id.to_string(),
            subject: webhook.subject(),
            run_at: now,
            attempt: 0,
        };
        let new = retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let new = work.webhooks().receive(&webhook).await?;
            if new {
                work.jobs().enqueue(&job).await?;
                work.commit().await?;
            }
            Ok::<_, StoreError>(new)
        })?;
        let outcome = if new { "received" } else { "duplicate" };
        metrics::counter!("cape_webhooks_total", "outcome" => outcome).increment(1);
        Ok(())
    }

    /// Acts on a message, and marks it and the job as done with what it changed.
    ///
    /// # Errors
    ///
    /// See [`WebhookError`]; nothing is changed then.
    pub async fn handle(&self, job: &Job, id: WebhookId) -> Result<(), WebhookError> {
        let webhook = {
            let mut work = self.base.store.read(Scope::Platform).await?;
            work.webhooks().find(id).await?
        };
        let open = webhook.filter(|webhook| webhook.state == WebhookState::Received);
        let outcome = retry!(async {
            let news = match &open {
                Some(webhook) => self.ask(webhook).await?,
                None => None,
            };
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let outcome = match news {
                Some(News::Order(remote)) => self.apply(&mut *work, Some(&remote)).await?,
                Some(News::Subscription(looked)) => {
                    self.subscriptions.follower().apply(&mut *work, *looked).await?
                }
                None => WebhookOutcome::Ignored,
            };
            if open.is_some() {
                work.webhooks().handle(id, outcome, self.base.now()).await?;
            }
            work.jobs().complete(job).await?;
            work.commit().await?;
            Ok::<_, WebhookError>(outcome)
        })?;
        metrics::counter!("cape_webhooks_handled_total", "outcome" => outcome.name()).increment(1);
        Ok(())
    }

    /// Asks the provider for what a message is about, as it is now. Nothing, if it is none of ours
    /// or messages of its kind are not acted on.
    async fn ask(&self, webhook: &Webhook) -> Result<Option<News>, WebhookError> {
        let Some(topic) = webhook.topic() else { return Ok(None) };
        let provider = self.provider.as_deref().ok_or(WebhookError::Disabled)?;
        let object = &webhook.event.object;
        let of_order = match topic {
            Topic::Checkout | Topic::Payment => provider.find_checkout(object).await?,
            Topic::Subscription => None,
        };
        match (topic, of_order) {
            (_, Some(checkout)) => Ok(Some(News::Order(checkout))),
            (Topic::Payment, None) => Ok(None),
            (Topic::Checkout | Topic::Subscription, None) => {
                let looked = self.subscriptions.follower().look(provider, object).await?;
                Ok(looked.map(|looked| News::Subscription(Box::new(looked))))
            }
        }
    }

    async fn apply(
        &self,
        work: &mut dyn UnitOfWork,
        remote: Option<&RemoteCheckout>,
    ) -> Result<WebhookOutcome, WebhookError> {
        let Some((remote, id)) = remote.and_then(|remote| Some((remote, remote.order?))) else {
            return Ok(WebhookOutcome::Ignored);
        };
        let Some(order) = work.orders().find(id).await? else {
            return Ok(WebhookOutcome::Ignored);
        };
        let payment = PaymentId::next(&*self.base.ids);
        match order.observe(remote, payment, self.base.now())? {
            Observed::Unchanged => Ok(WebhookOutcome::Unchanged),
            Observed::Opened(order) => {
                work.orders().update(&order).await?;
                Ok(WebhookOutcome::Applied)
            }
            Observed::Expired(order) => {
                work.orders().update(&order).await?;
                self.enter(work, &order, Action::OrderExpired, order.id.to_string(), &[]).await?;
                Ok(WebhookOutcome::Applied)
            }
            Observed::Paid(order, payment) => {
                self.paid(work, &order, &payment).await?;
                Ok(WebhookOutcome::Applied)
            }
        }
    }

    async fn paid(
        &self,
        work: &mut dyn UnitOfWork,
        order: &Order,
        payment: &Payment,
    ) -> Result<(), StoreError> {
        work.orders().update(order).await?;
        work.orders().pay(payment).await?;
        let after = [("amount", &*payment.amount.to_string())];
        self.enter(work, order, Action::OrderPaid, order.id.to_string(), &after).await?;
        self.grant(work, order, GrantSource::Purchase, order.credits).await?;
        if order.bonus.is_positive() {
            self.grant(work, order, GrantSource::Bonus, order.bonus).await?;
        }
        Ok(())
    }

    async fn grant(
        &self,
        work: &mut dyn UnitOfWork,
        order: &Order,
        source: GrantSource,
        amount: Credits,
    ) -> Result<(), StoreError> {
        let gift = Gift { workspace: order.workspace, source, order: Some(order.id), amount };
        let CreditGrant { id, amount, .. } = give(&self.base, work, gift).await?;
        let after = [("source", source.name()), ("amount", &amount.to_string())];
        self.enter(work, order, Action::CreditsGranted, id.to_string(), &after).await
    }

    async fn enter(
        &self,
        work: &mut dyn UnitOfWork,
        order: &Order,
        action: Action,
        subject: String,
        after: &[(&str, &str)],
    ) -> Result<(), StoreError> {
        let actor = Actor {
            principal: Principal::System,
            workspace: order.workspace,
            authenticated_at: self.base.now(),
            request: RequestId::next(&*self.base.ids),
            address: None,
        };
        self.trail.enter(work, &actor, None, Fact { action, subject, before: &[], after }).await
    }
}
