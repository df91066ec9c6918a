//! A payment provider that a test plays.
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use cape_domain::{
    accounts::Email,
    billing::{
        CheckoutRequest, Money, PaymentProvider, PaymentProviderError, ProviderEvent, ProviderName,
        RemoteCheckout, RemoteState, WebhookRefused,
    },
    ids::{OrderId, WorkspaceId},
    time::Timestamp,
};

use super::{digest, subscribing::Subscribing};

/// Remembers customers and checkouts as a provider does: asking twice makes one. The test plays
/// the customer with [`pay`](Self::pay) and [`expire`](Self::expire), and the provider that
/// deletes its customers with [`forget_customers`](Self::forget_customers).
#[derive(Default)]
pub struct ScriptedPayments(Mutex<State>);

#[derive(Default)]
pub(super) struct State {
    /// Under the keys that they were made with; those that were forgotten, too.
    customers: BTreeMap<(WorkspaceId, Option<String>), String>,
    pub(super) forgotten: BTreeSet<String>,
    checkouts: BTreeMap<OrderId, (CheckoutRequest, RemoteCheckout)>,
    pub(super) subscribing: Subscribing,
    failures: VecDeque<Failing>,
    calls: usize,
}

enum Failing {
    Before(PaymentProviderError),
    After(PaymentProviderError),
}

impl ScriptedPayments {
    /// The signature of a good message.
    pub const SIGNATURE: &str = "t=now,v1=good";
    /// The signature of a message that is too old.
    pub const STALE_SIGNATURE: &str = "t=old,v1=good";

    /// The body of a message of this kind about an object. It says nothing more: whoever acts
    /// on it has to ask.
    #[must_use]
    pub fn webhook_body(event: &str, kind: &str, object: &str) -> Vec<u8> {
        format!("{event} {kind} {object}").into_bytes()
    }

    /// The next request fails and does nothing. Several fail in the order of telling.
    pub fn fail_next(&self, error: PaymentProviderError) {
        self.state().failures.push_back(Failing::Before(error));
    }

    /// The next request does what was asked, but its answer is lost.
    pub fn lose_next_answer(&self) {
        let lost = PaymentProviderError::Unavailable("the answer was lost".into());
        self.state().failures.push_back(Failing::After(lost));
    }

    /// From here on no customer that was made so far is known. What was answered when they were
    /// made is still answered under the same key, as a provider does for a day.
    pub fn forget_customers(&self) {
        let mut all = self.state();
        all.forgotten = all.customers.values().cloned().collect();
    }

    /// The customer pays what the order costs. Gives the provider's id of the payment.
    ///
    /// # Panics
    ///
    /// If no checkout was opened for the order.
    pub fn pay(&self, order: OrderId) -> String {
        let price = self.request(order).price;
        self.pay_amount(order, price)
    }

    /// The customer pays this, whatever the order costs.
    ///
    /// # Panics
    ///
    /// If no checkout was opened for the order.
    pub fn pay_amount(&self, order: OrderId, amount: Money) -> String {
        let reference = format!("pi_{}", order.raw().simple());
        self.becomes(order, RemoteState::Paid { reference: reference.clone(), amount });
        reference
    }

    /// The customer does not pay in time.
    ///
    /// # Panics
    ///
    /// If no checkout was opened for the order.
    pub fn expire(&self, order: OrderId) {
        self.becomes(order, RemoteState::Expired);
    }

    /// The checkout of an order takes any state.
    ///
    /// # Panics
    ///
    /// If no checkout was opened for the order.
    pub fn becomes(&self, order: OrderId, state: RemoteState) {
        let mut all = self.state();
        all.checkouts.get_mut(&order).expect("a checkout of the order").1.state = state;
    }

    /// The checkout of an order, as the provider knows it.
    ///
    /// # Panics
    ///
    /// If no checkout was opened for the order.
    #[must_use]
    pub fn checkout(&self, order: OrderId) -> RemoteCheckout {
        self.state().checkouts.get(&order).expect("a checkout of the order").1.clone()
    }

    /// What the checkout of an order was opened with.
    ///
    /// # Panics
    ///
    /// If no checkout was opened for the order.
    #[must_use]
    pub fn request(&self, order: OrderId) -> CheckoutRequest {
        self.state().checkouts.get(&order).expect("a checkout of the order").0.clone()
    }

    /// How many checkouts there are.
    #[must_use]
    pub fn checkouts(&self) -> usize {
        self.state().checkouts.len()
    }

    /// How many customers there are that were not forgotten.
    #[must_use]
    pub fn customers(&self) -> usize {
        let all = self.state();
        all.customers.len() - all.forgotten.len()
    }

    /// How many requests were made, those that failed too. Reading messages is none.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.state().calls
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One request: it fails before or after the step, or not at all.
    pub(super) fn asked<T>(
        &self,
        step: impl FnOnce(&mut State) -> Result<T, PaymentProviderError>,
    ) -> Result<T, PaymentProviderError> {
        let mut state = self.state();
        state.calls += 1;
        match state.failures.pop_front() {
            None => step(&mut state),
            Some(Failing::Before(error)) => Err(error),
            Some(Failing::After(error)) => step(&mut state).and(Err(error)),
        }
    }
}

#[async_trait]
impl PaymentProvider for ScriptedPayments {
    fn name(&self) -> ProviderName {
        ProviderName::Stripe
    }

    async fn create_customer(
        &self,
        workspace: WorkspaceId,
        _: &Email,
        instead_of: Option<&str>,
    ) -> Result<String, PaymentProviderError> {
        self.asked(|state| {
            let number = state.customers.len() + 1;
            let made = state.customers.entry((workspace, instead_of.map(str::to_owned)));
            Ok(made.or_insert_with(|| format!("cus_{number}")).clone())
        })
    }

    async fn open_checkout(
        &self,
        request: &CheckoutRequest,
    ) -> Result<RemoteCheckout, PaymentProviderError> {
        self.asked(|state| {
            let is_new = !state.checkouts.contains_key(&request.order);
            if is_new && state.forgotten.contains(&request.customer) {
                return Err(PaymentProviderError::UnknownCustomer);
            }
            let (known, checkout) = state.checkouts.entry(request.order).or_insert_with(|| {
                let id = format!("cs_{}", request.order.raw().simple());
                let open = RemoteState::Open { url: format!("https://pay.example/{id}") };
                (request.clone(), RemoteCheckout { id, order: Some(request.order), state: open })
            });
            if known != request {
                return Err(PaymentProviderError::Refused { code: "idempotency_error".to_owned() });
            }
            Ok(checkout.clone())
        })
    }

    async fn find_checkout(
        &self,
        object: &str,
    ) -> Result<Option<RemoteCheckout>, PaymentProviderError> {
        self.asked(|state| {
            let mut all = state.checkouts.values().map(|(_, checkout)| checkout);
            Ok(all.find(|checkout| is_about(checkout, object)).cloned())
        })
    }

    fn read_webhook(
        &self,
        body: &[u8],
        signature: &str,
        now: Timestamp,
    ) -> Result<ProviderEvent, WebhookRefused> {
        match signature {
            Self::SIGNATURE => {}
            Self::STALE_SIGNATURE => return Err(WebhookRefused::Stale),
            _ => return Err(WebhookRefused::Signature),
        }
        let text = std::str::from_utf8(body).map_err(|_| WebhookRefused::Malformed)?;
        let words: Vec<_> = text.split(' ').collect();
        let [event, kind, object] = words[..] else { return Err(WebhookRefused::Malformed) };
        Ok(ProviderEvent {
            provider: ProviderName::Stripe,
            event: event.to_owned(),
            kind: kind.to_owned(),
            object: object.to_owned(),
            live: false,
            api_version: None,
            created_at: now,
            body_hash: hash(body),
        })
    }
}

fn is_about(checkout: &RemoteCheckout, object: &str) -> bool {
    match &checkout.state {
        RemoteState::Paid { reference, .. } if reference == object => true,
        RemoteState::Paid { .. }
        | RemoteState::Open { .. }
        | RemoteState::Expired
        | RemoteState::Unknown(_) => checkout.id == object,
    }
}

/// Stands in for SHA-256: other bytes, another hash.
fn hash(body: &[u8]) -> [u8; 32] {
    let mut all = [0; 32];
    for (part, salt) in all.chunks_exact_mut(8).zip(0_u8..) {
        part.copy_from_slice(&digest([&[salt], body]).to_be_bytes());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{ACME, at, dollars, id};

    const ORDER: OrderId = OrderId::new(id(10));

    fn request() -> CheckoutRequest {
        CheckoutRequest {
            order: ORDER,
            workspace: ACME,
            customer: "cus_1".to_owned(),
            description: "500 credits".to_owned(),
            price: dollars(500),
        }
    }

    #[tokio::test]
    async fn asking_twice_makes_one() {
        let payments = ScriptedPayments::default();
        let email: Email = "ada@example.com".parse().expect("an address");
        let customer = payments.create_customer(ACME, &email, None).await.expect("made");
        assert_eq!(payments.create_customer(ACME, &email, None).await.expect("known"), customer);
        let checkout = payments.open_checkout(&request()).await.expect("opened");
        assert_eq!(payments.open_checkout(&request()).await.expect("known"), checkout);
        assert_eq!((payments.customers(), payments.checkouts(), payments.calls()), (1, 1, 4));
        let dearer = CheckoutRequest { price: dollars(501), ..request() };
        let refused = payments.open_checkout(&dearer).await;
        assert!(matches!(refused, Err(PaymentProviderError::Refused { .. })), "{refused:?}");
    }

    #[tokio::test]
    async fn a_customer_that_was_forgotten_buys_nothing_more_until_another_is_made_instead() {
        let payments = ScriptedPayments::default();
        let email: Email = "ada@example.com".parse().expect("an address");
        let first = payments.create_customer(ACME, &email, None).await.expect("made");
        let opened = payments.open_checkout(&request()).await.expect("opened");
        payments.forget_customers();
        assert_eq!(payments.customers(), 0);
        assert_eq!(payments.open_checkout(&request()).await.expect("known"), opened);
        let order = OrderId::new(id(11));
        let next = CheckoutRequest { order, customer: first.clone(), ..request() };
        let refused = payments.open_checkout(&next).await;
        assert!(matches!(refused, Err(PaymentProviderError::UnknownCustomer)), "{refused:?}");
        let again = payments.create_customer(ACME, &email, None).await.expect("answered");
        assert_eq!(again, first, "the same key, the same answer");
        let second = payments.create_customer(ACME, &email, Some(&first)).await.expect("made");
        assert_ne!(second, first);
        let next = CheckoutRequest { customer: second, ..next };
        assert!(payments.open_checkout(&next).await.is_ok());
        assert_eq!((payments.customers(), payments.checkouts()), (1, 2));
    }

    #[tokio::test]
    async fn a_checkout_is_found_by_its_id_and_by_its_payment() {
        let payments = ScriptedPayments::default();
        let opened = payments.open_checkout(&request()).await.expect("opened");
        assert_eq!(payments.find_checkout("cs_none").await.expect("asked"), None);
        assert_eq!(payments.find_checkout(&opened.id).await.expect("asked"), Some(opened.clone()));
        let reference = payments.pay(ORDER);
        let paid = payments.checkout(ORDER);
        let amount = dollars(500);
        assert_eq!(paid.state, RemoteState::Paid { reference: reference.clone(), amount });
        for object in [&opened.id, &reference] {
            assert_eq!(payments.find_checkout(object).await.expect("asked"), Some(paid.clone()));
        }
        payments.expire(ORDER);
        assert_eq!(payments.checkout(ORDER).state, RemoteState::Expired);
    }

    #[tokio::test]
    async fn a_failure_does_nothing_and_a_lost_answer_hides_what_was_done() {
        let payments = ScriptedPayments::default();
        payments.fail_next(PaymentProviderError::Refused { code: "card".to_owned() });
        payments.lose_next_answer();
        assert!(payments.open_checkout(&request()).await.is_err());
        assert_eq!(payments.checkouts(), 0);
        assert!(payments.open_checkout(&request()).await.is_err());
        assert_eq!(payments.checkouts(), 1);
        assert!(payments.open_checkout(&request()).await.is_ok());
    }

    #[test]
    fn only_a_signed_message_is_read() {
        let payments = ScriptedPayments::default();
        let body = ScriptedPayments::webhook_body("evt_1", "checkout.session.completed", "cs_1");
        let read = |body: &[u8], signature| payments.read_webhook(body, signature, at(0));
        let event = read(&body, ScriptedPayments::SIGNATURE).expect("signed");
        assert_eq!((event.event.as_str(), event.object.as_str()), ("evt_1", "cs_1"));
        assert_eq!(read(&body, "v1=forged"), Err(WebhookRefused::Signature));
        assert_eq!(read(&body, ScriptedPayments::STALE_SIGNATURE), Err(WebhookRefused::Stale));
        let malformed = read(b"{}", ScriptedPayments::SIGNATURE);
        assert_eq!(malformed, Err(WebhookRefused::Malformed));
        let other = ScriptedPayments::webhook_body("evt_2", "checkout.session.completed", "cs_1");
        let other = read(&other, ScriptedPayments::SIGNATURE).expect("signed");
        assert_ne!(event.body_hash, other.body_hash);
    }
}
