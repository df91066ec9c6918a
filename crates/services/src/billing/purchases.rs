//! Buying a pack of credits.
//!
//! The order is written before the provider is asked, and what it answered in a second unit of
//! work. A job finds out about orders whose answer never came. Nothing is granted here: that
//! takes a payment.
use std::sync::Arc;

use cape_domain::{
    access::{ManageBilling, Permit, Principal},
    audit::Action,
    billing::{
        CheckoutRequest, Currency, Observed, Order, OrderState, PaymentProvider,
        PaymentProviderError, RemoteCheckout,
    },
    ids::{JobId, OrderId, PaymentId},
    jobs::{Job, Task},
    store::{Durability, Scope, StoreError},
};
use chrono::TimeDelta;

use super::{OpenedOrder, PurchaseError, customers::Customers};
use crate::{
    Base,
    audit::{Fact, Trail},
    idempotency::Once,
    retry::retry,
};

/// Sells packs of credits.
pub struct PurchaseService {
    base: Base,
    trail: Trail,
    customers: Customers,
    provider: Option<Arc<dyn PaymentProvider>>,
}

/// How long after an order was written its answer is looked for.
const RECONCILE_AFTER: TimeDelta = TimeDelta::seconds(60);

impl PurchaseService {
    /// A service that takes money through this provider, if there is one.
    #[must_use]
    pub fn new(base: Base, trail: Trail, provider: Option<Arc<dyn PaymentProvider>>) -> Arc<Self> {
        let customers = Customers::new(base.clone());
        Arc::new(Self { base, trail, customers, provider })
    }

    /// Orders a pack for the actor's workspace, and opens a checkout where it can be paid.
    ///
    /// # Errors
    ///
    /// See [`PurchaseError`].
    pub async fn purchase(
        &self,
        permit: Permit<ManageBilling>,
        pack: &str,
        currency: Currency,
    ) -> Result<OpenedOrder, PurchaseError> {
        self.purchase_once(permit, pack, currency, Once::unkeyed()).await
    }

    /// The same, once for a request that may come again. The order takes over the identity of the
    /// request: an attempt that goes on where another one died finds its order, and asks the
    /// provider under the same key. The answer is kept in the commit that opens the order.
    ///
    /// # Errors
    ///
    /// See [`PurchaseError`].
    pub async fn purchase_once(
        &self,
        permit: Permit<ManageBilling>,
        pack: &str,
        currency: Currency,
        once: Once<'_, OpenedOrder>,
    ) -> Result<OpenedOrder, PurchaseError> {
        let provider = self.provider.as_deref().ok_or(PurchaseError::Disabled)?;
        let order = retry!(self.place(&permit, provider, pack, currency, once))?;
        let order = self.open(provider, order, once).await?;
        let code = order.state.name();
        OpenedOrder::of(order).ok_or_else(|| {
            PurchaseError::Provider(PaymentProviderError::Refused { code: code.to_owned() })
        })
    }

    /// Finds out what became of an order whose answer never came: asks the provider again,
    /// with the same key.
    ///
    /// # Errors
    ///
    /// See [`PurchaseError`].
    pub async fn reconcile(&self, job: &Job, id: OrderId) -> Result<(), PurchaseError> {
        let provider = self.provider.as_deref().ok_or(PurchaseError::Disabled)?;
        let order = {
            let mut work = self.base.store.read(Scope::Platform).await?;
            work.orders().find(id).await?
        };
        if let Some(order) = order.filter(|order| order.state == OrderState::Intended) {
            match self.open(provider, order, Once::unkeyed()).await {
                Ok(_) => {}
                Err(PurchaseError::Provider(refusal)) if refusal.is_refusal() => {}
                Err(error) => return Err(error),
            }
        }
        let mut work = self.base.store.begin(Scope::Platform, Durability::Process).await?;
        work.jobs().complete(job).await?;
        Ok(work.commit().await?)
    }

    async fn place(
        &self,
        permit: &Permit<ManageBilling>,
        provider: &dyn PaymentProvider,
        code: &str,
        currency: Currency,
        once: Once<'_, OpenedOrder>,
    ) -> Result<Order, PurchaseError> {
        let actor = permit.actor();
        let Principal::User { id: user, .. } = actor.principal else {
            return Err(PurchaseError::NotAPerson);
        };
        let id = once.id().map(|id| OrderId::new(id.raw()));
        let id = id.unwrap_or_else(|| OrderId::next(&*self.base.ids));
        let mut work = self.base.store.begin(permit.scope(), Durability::Power).await?;
        if once.is_resumed()
            && let Some(order) = work.orders().find(id).await?
        {
            return Ok(order);
        }
        let packs = work.catalogue().packs().await?;
        let pack = packs.into_iter().find(|pack| pack.code == code);
        let pack = pack.ok_or_else(|| PurchaseError::UnknownPack(code.to_owned()))?;
        let price = pack.price(currency).ok_or(PurchaseError::CurrencyNotSold(currency))?;
        let order = Order {
            id,
            workspace: actor.workspace,
            user,
            pack: pack.code,
            credits: pack.credits,
            bonus: pack.bonus,
            price,
            provider: provider.name(),
            created_at: self.base.now(),
            state: OrderState::Intended,
            version: 0,
        };
        work.orders().insert(&order).await?;
        let job = Job {
            id: JobId::next(&*self.base.ids),
            task: Task::ReconcileOrder(order.id),
            unique_key: order.id.to_string(),
            subject: order.id.to_string(),
            run_at: order.created_at + RECONCILE_AFTER,
            attempt: 0,
        };
        work.jobs().enqueue(&job).await?;
        let fact = Fact {
            action: Action::OrderPlaced,
            subject: order.id.to_string(),
            before: &[],
            after: &[("pack", &order.pack), ("price", &order.price.to_string())],
        };
        self.trail.enter(&mut *work, actor, None, fact).await?;
        work.commit().await?;
        Ok(order)
    }

    /// Opens the checkout of an order, and writes down what the provider answered.
    async fn open(
        &self,
        provider: &dyn PaymentProvider,
        order: Order,
        once: Once<'_, OpenedOrder>,
    ) -> Result<Order, PurchaseError> {
        match self.ask(provider, &order).await {
            Ok(remote) => retry!(self.opened(order.id, &remote, once)),
            Err(PurchaseError::Provider(refusal)) if refusal.is_refusal() => {
                retry!(self.refused(order.id))?;
                Err(refusal.into())
            }
            Err(error) => Err(error),
        }
    }

    /// Asks the provider for a checkout, and for a customer where there is none yet. One that
    /// the provider does not know any more is replaced, once.
    async fn ask(
        &self,
        provider: &dyn PaymentProvider,
        order: &Order,
    ) -> Result<RemoteCheckout, PurchaseError> {
        let (workspace, user) = (order.workspace, order.user);
        let customer = self.customers.of(provider, workspace, user).await?;
        match provider.open_checkout(&request(order, customer.clone())).await {
            Err(PaymentProviderError::UnknownCustomer) => {
                let customer = self.customers.again(provider, workspace, user, &customer).await?;
                Ok(provider.open_checkout(&request(order, customer)).await?)
            }
            answer => Ok(answer?),
        }
    }

    async fn opened(
        &self,
        id: OrderId,
        remote: &RemoteCheckout,
        once: Once<'_, OpenedOrder>,
    ) -> Result<Order, PurchaseError> {
        let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
        let order = work.orders().find(id).await?;
        let order = order.ok_or(StoreError::Conflict { what: "order" })?;
        let payment = PaymentId::next(&*self.base.ids);
        match order.clone().observe(remote, payment, self.base.now())? {
            Observed::Opened(changed) | Observed::Expired(changed) => {
                work.orders().update(&changed).await?;
                let stored = Order { version: changed.version + 1, ..changed };
                if let Some(opened) = OpenedOrder::of(stored.clone()) {
                    once.keep(&mut *work, &opened).await?;
                }
                work.commit().await?;
                Ok(stored)
            }
            // A payment is the webhook's to grant.
            Observed::Unchanged | Observed::Paid(..) => Ok(order),
        }
    }

    async fn refused(&self, id: OrderId) -> Result<(), StoreError> {
        let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
        let order = work.orders().find(id).await?;
        if let Some(failed) = order.and_then(|order| order.fail(self.base.now())) {
            work.orders().update(&failed).await?;
            work.commit().await?;
        }
        Ok(())
    }
}

fn request(order: &Order, customer: String) -> CheckoutRequest {
    CheckoutRequest {
        order: order.id,
        workspace: order.workspace,
        customer,
        description: format!("{} credits", order.credits),
        price: order.price,
    }
}
