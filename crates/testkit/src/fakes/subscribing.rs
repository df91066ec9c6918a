//! The same payment provider, where it sells subscriptions.
use std::collections::{BTreeMap, VecDeque};

use async_trait::async_trait;
use cape_domain::{
    billing::{
        ChangeRequest, Money, PaymentProviderError, Period, PriceRequest, ProductRequest,
        RemoteStatus, RemoteSubscription, SubscriptionCheckout, SubscriptionCheckoutState,
        SubscriptionProvider, SubscriptionRequest,
    },
    ids::{PriceId, QuoteId, SubscriptionId},
    time::Timestamp,
};

use super::ScriptedPayments;

/// What it knows of plans and subscriptions.
#[derive(Default)]
pub(super) struct Subscribing {
    products: BTreeMap<String, ProductRequest>,
    prices: BTreeMap<PriceId, (PriceRequest, String)>,
    checkouts: BTreeMap<SubscriptionId, (SubscriptionRequest, SubscriptionCheckout)>,
    subscriptions: BTreeMap<String, RemoteSubscription>,
    invoices: BTreeMap<String, String>,
    /// What the next changes are said to cost.
    previews: VecDeque<Money>,
    /// Changes that were asked for, by their quotes.
    changes: BTreeMap<QuoteId, ChangeRequest>,
    /// Whether what is due at once is paid.
    pays: Option<bool>,
}

impl ScriptedPayments {
    /// A product as it was told last, by its id.
    #[must_use]
    pub fn product(&self, id: &str) -> Option<ProductRequest> {
        self.state().subscribing.products.get(id).cloned()
    }

    /// How many products and prices there are.
    #[must_use]
    pub fn sold(&self) -> (usize, usize) {
        let state = self.state();
        (state.subscribing.products.len(), state.subscribing.prices.len())
    }

    /// What a price was made with.
    #[must_use]
    pub fn price(&self, price: PriceId) -> Option<PriceRequest> {
        self.state().subscribing.prices.get(&price).map(|(request, _)| request.clone())
    }

    /// What the checkout of a subscription was opened with, and where it stands.
    ///
    /// # Panics
    ///
    /// If none was opened for it.
    #[must_use]
    pub fn subscription_checkout(
        &self,
        id: SubscriptionId,
    ) -> (SubscriptionRequest, SubscriptionCheckout) {
        let state = self.state();
        state.subscribing.checkouts.get(&id).expect("a checkout of the subscription").clone()
    }

    /// The customer pays: a subscription begins, which is paid for this period. Gives the
    /// provider's id of it.
    ///
    /// # Panics
    ///
    /// If no checkout was opened for it.
    pub fn subscribe(&self, id: SubscriptionId, period: Period) -> String {
        let mut state = self.state();
        let all = &mut state.subscribing;
        let (request, checkout) = all.checkouts.get_mut(&id).expect("a checkout");
        let remote = format!("sub_{}", id.raw().simple());
        checkout.state = SubscriptionCheckoutState::Complete { remote: remote.clone() };
        let subscription = RemoteSubscription {
            id: remote.clone(),
            subscription: checkout.subscription,
            status: RemoteStatus::Active,
            period: Some(period),
            ends_at: None,
            ended_at: None,
            unpaid: false,
            price: Some(request.price.clone()),
        };
        all.subscriptions.insert(remote.clone(), subscription);
        remote
    }

    /// The customer does not pay the first time.
    ///
    /// # Panics
    ///
    /// If no checkout was opened for it.
    pub fn leave(&self, id: SubscriptionId) {
        let mut state = self.state();
        let (_, checkout) = state.subscribing.checkouts.get_mut(&id).expect("a checkout");
        checkout.state = SubscriptionCheckoutState::Expired;
    }

    /// Something happens to a subscription.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn happens(&self, remote: &str, what: impl FnOnce(&mut RemoteSubscription)) {
        let mut state = self.state();
        what(state.subscribing.subscriptions.get_mut(remote).expect("a subscription"));
    }

    /// A subscription as the provider knows it.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn subscription(&self, remote: &str) -> RemoteSubscription {
        self.state().subscribing.subscriptions.get(remote).expect("a subscription").clone()
    }

    /// A subscription that somebody else made.
    pub fn adopt(&self, subscription: RemoteSubscription) {
        self.state().subscribing.subscriptions.insert(subscription.id.clone(), subscription);
    }

    /// An invoice for a subscription.
    pub fn bill(&self, invoice: &str, remote: &str) {
        self.state().subscribing.invoices.insert(invoice.to_owned(), remote.to_owned());
    }

    /// The next change is said to cost this.
    pub fn preview(&self, total: Money) {
        self.state().subscribing.previews.push_back(total);
    }

    /// From here on what is due at once is paid, or not.
    pub fn pays(&self, pays: bool) {
        self.state().subscribing.pays = Some(pays);
    }

    /// How many changes were asked for, each once.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.state().subscribing.changes.len()
    }

    /// The time at which a subscription that is ended is over.
    fn end(subscription: &RemoteSubscription) -> Option<Timestamp> {
        subscription.period.map(Period::start)
    }
}

fn unknown() -> PaymentProviderError {
    PaymentProviderError::Refused { code: "resource_missing".to_owned() }
}

#[async_trait]
impl SubscriptionProvider for ScriptedPayments {
    async fn put_product(&self, product: &ProductRequest) -> Result<String, PaymentProviderError> {
        self.asked(|state| {
            let id = product.known.clone().unwrap_or_else(|| format!("prod_{}", product.plan));
            state.subscribing.products.insert(id.clone(), product.clone());
            Ok(id)
        })
    }

    async fn create_price(&self, price: &PriceRequest) -> Result<String, PaymentProviderError> {
        self.asked(|state| {
            let all = &mut state.subscribing;
            if !all.products.contains_key(&price.product) {
                return Err(unknown());
            }
            let made = all.prices.entry(price.price);
            let name = format!("price_{}", price.price.raw().simple());
            let (known, name) = made.or_insert_with(|| (price.clone(), name));
            if known != price {
                return Err(PaymentProviderError::Refused { code: "idempotency_error".to_owned() });
            }
            Ok(name.clone())
        })
    }

    async fn open_subscription(
        &self,
        request: &SubscriptionRequest,
    ) -> Result<SubscriptionCheckout, PaymentProviderError> {
        self.asked(|state| {
            let id = request.subscription;
            let is_new = !state.subscribing.checkouts.contains_key(&id);
            if is_new && state.forgotten.contains(&request.customer) {
                return Err(PaymentProviderError::UnknownCustomer);
            }
            let made = state.subscribing.checkouts.entry(id);
            let (known, checkout) = made.or_insert_with(|| {
                let name = format!("cs_{}", id.raw().simple());
                let url = format!("https://pay.example/{name}");
                let open = SubscriptionCheckoutState::Open { url };
                let checkout =
                    SubscriptionCheckout { id: name, subscription: Some(id), state: open };
                (request.clone(), checkout)
            });
            if known != request {
                return Err(PaymentProviderError::Refused { code: "idempotency_error".to_owned() });
            }
            Ok(checkout.clone())
        })
    }

    async fn find_subscription_checkout(
        &self,
        checkout: &str,
    ) -> Result<Option<SubscriptionCheckout>, PaymentProviderError> {
        self.asked(|state| {
            let mut all = state.subscribing.checkouts.values().map(|(_, checkout)| checkout);
            Ok(all.find(|known| known.id == checkout).cloned())
        })
    }

    async fn close_subscription_checkout(
        &self,
        checkout: &str,
    ) -> Result<Option<SubscriptionCheckout>, PaymentProviderError> {
        self.asked(|state| {
            let mut all = state.subscribing.checkouts.values_mut().map(|(_, checkout)| checkout);
            Ok(all.find(|known| known.id == checkout).map(|known| {
                if matches!(known.state, SubscriptionCheckoutState::Open { .. }) {
                    known.state = SubscriptionCheckoutState::Expired;
                }
                known.clone()
            }))
        })
    }

    async fn find_subscription(
        &self,
        remote: &str,
    ) -> Result<Option<RemoteSubscription>, PaymentProviderError> {
        self.asked(|state| Ok(state.subscribing.subscriptions.get(remote).cloned()))
    }

    async fn subscription_of_invoice(
        &self,
        invoice: &str,
    ) -> Result<Option<String>, PaymentProviderError> {
        self.asked(|state| Ok(state.subscribing.invoices.get(invoice).cloned()))
    }

    async fn let_end(&self, remote: &str, ends: bool, _: u32) -> Result<(), PaymentProviderError> {
        self.asked(|state| {
            let subscription =
                state.subscribing.subscriptions.get_mut(remote).ok_or_else(unknown)?;
            subscription.ends_at = subscription.period.filter(|_| ends).map(Period::end);
            Ok(())
        })
    }

    async fn preview_change(&self, change: &ChangeRequest) -> Result<Money, PaymentProviderError> {
        self.asked(|state| {
            if !state.subscribing.subscriptions.contains_key(&change.remote) {
                return Err(unknown());
            }
            state.subscribing.previews.pop_front().ok_or_else(unknown)
        })
    }

    async fn change_price(&self, change: &ChangeRequest) -> Result<(), PaymentProviderError> {
        self.asked(|state| {
            let all = &mut state.subscribing;
            let known = all.changes.insert(change.quote, change.clone());
            if known.is_some_and(|known| known != *change) {
                return Err(PaymentProviderError::Refused { code: "idempotency_error".to_owned() });
            }
            let subscription = all.subscriptions.get_mut(&change.remote).ok_or_else(unknown)?;
            if all.pays.unwrap_or(true) {
                subscription.price = Some(change.price.clone());
            }
            Ok(())
        })
    }

    async fn end_now(&self, remote: &str, unpaid: bool) -> Result<(), PaymentProviderError> {
        self.asked(|state| {
            let subscription =
                state.subscribing.subscriptions.get_mut(remote).ok_or_else(unknown)?;
            if subscription.status != RemoteStatus::Canceled {
                subscription.ended_at = Self::end(subscription);
                subscription.status = RemoteStatus::Canceled;
                subscription.unpaid = unpaid;
            }
            Ok(())
        })
    }
}
