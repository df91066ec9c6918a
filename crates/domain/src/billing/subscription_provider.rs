//! What we ask of those who take money again and again.
use async_trait::async_trait;

use crate::{
    billing::{Money, PaymentProviderError, PlanCode, PriceInterval, RemoteSubscription},
    ids::{PriceId, QuoteId, SubscriptionId, WorkspaceId},
    time::Timestamp,
};

/// Sells subscriptions. Every write carries a key, so that asking twice does it once.
#[async_trait]
pub trait SubscriptionProvider: Send + Sync {
    /// Makes a plan known, or tells what it is called now. Gives the provider's id. The idempotency
    /// key is the plan with its version.
    ///
    /// # Errors
    ///
    /// See [`PaymentProviderError`].
    async fn put_product(&self, product: &ProductRequest) -> Result<String, PaymentProviderError>;

    /// Makes a price known. Gives the provider's id. The idempotency key is the price.
    ///
    /// # Errors
    ///
    /// See [`PaymentProviderError`].
    async fn create_price(&self, price: &PriceRequest) -> Result<String, PaymentProviderError>;

    /// Opens a checkout; the subscription and its customer are the idempotency key, so asking again
    /// gives the same one.
    ///
    /// # Errors
    ///
    /// See [`PaymentProviderError`].
    async fn open_subscription(
        &self,
        request: &SubscriptionRequest,
    ) -> Result<SubscriptionCheckout, PaymentProviderError>;

    /// The checkout with this id, as it is now. Nothing, if it is none of ours.
    ///
    /// # Errors
    ///
    /// See [`PaymentProviderError`].
    async fn find_subscription_checkout(
        &self,
        checkout: &str,
    ) -> Result<Option<SubscriptionCheckout>, PaymentProviderError>;

    /// Sees to it that nobody pays through a checkout any more, and tells what became of it: it
    /// may have been paid a moment ago.
    ///
    /// # Errors
    ///
    /// See [`PaymentProviderError`].
    async fn close_subscription_checkout(
        &self,
        checkout: &str,
    ) -> Result<Option<SubscriptionCheckout>, PaymentProviderError>;

    /// The subscription with this id, as it is now. Nothing, if there is none.
    ///
    /// # Errors
    ///
    /// See [`PaymentProviderError`].
    async fn find_subscription(
        &self,
        remote: &str,
    ) -> Result<Option<RemoteSubscription>, PaymentProviderError>;

    /// The id of the subscription that an invoice is for. Nothing, if it is for none.
    ///
    /// # Errors
    ///
    /// See [`PaymentProviderError`].
    async fn subscription_of_invoice(
        &self,
        invoice: &str,
    ) -> Result<Option<String>, PaymentProviderError>;

    /// Lets a subscription end with its period, or go on after all. The idempotency key is the
    /// subscription with what was asked and this number, which is another one for each time.
    ///
    /// # Errors
    ///
    /// See [`PaymentProviderError`].
    async fn let_end(
        &self,
        remote: &str,
        ends: bool,
        number: u32,
    ) -> Result<(), PaymentProviderError>;

    /// What a change would be charged at once, all in all; less than zero where it is credited.
    ///
    /// # Errors
    ///
    /// See [`PaymentProviderError`].
    async fn preview_change(&self, change: &ChangeRequest) -> Result<Money, PaymentProviderError>;

    /// Changes the price of a subscription, if what is due at once is paid at once: otherwise it
    /// stays as it is. The idempotency key is the quote.
    ///
    /// # Errors
    ///
    /// See [`PaymentProviderError`].
    async fn change_price(&self, change: &ChangeRequest) -> Result<(), PaymentProviderError>;

    /// Ends a subscription at once: because it was not paid, or because somebody wants it. One that
    /// is over already stays so.
    ///
    /// # Errors
    ///
    /// See [`PaymentProviderError`].
    async fn end_now(&self, remote: &str, unpaid: bool) -> Result<(), PaymentProviderError>;
}

/// A plan, for a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductRequest {
    /// The plan.
    pub plan: PlanCode,
    /// Which version of it.
    pub version: u32,
    /// What customers call it.
    pub name: String,
    /// Whether it is sold.
    pub active: bool,
    /// The provider's id of it, if it knows it already.
    pub known: Option<String>,
}

/// A price, for a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceRequest {
    /// The price.
    pub price: PriceId,
    /// The provider's id of the plan.
    pub product: String,
    /// How often it is paid.
    pub interval: PriceInterval,
    /// How much.
    pub amount: Money,
}

/// A change of a subscription's price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRequest {
    /// What was said about it.
    pub quote: QuoteId,
    /// The provider's id of the subscription.
    pub remote: String,
    /// The provider's id of the new price.
    pub price: String,
    /// From when on the new price counts.
    pub at: Timestamp,
}

/// What a checkout is opened for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionRequest {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The tenant that subscribes.
    pub workspace: WorkspaceId,
    /// The provider's id of the customer.
    pub customer: String,
    /// The provider's id of the price.
    pub price: String,
}

/// A checkout of a subscription, as the provider knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionCheckout {
    /// The provider's id of it.
    pub id: String,
    /// The subscription it was opened for. None, if we did not open it.
    pub subscription: Option<SubscriptionId>,
    /// Where it stands.
    pub state: SubscriptionCheckoutState,
}

/// Where a checkout of a subscription stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscriptionCheckoutState {
    /// It can be paid.
    Open {
        /// Where.
        url: String,
    },
    /// It was gone through; the subscription tells whether it was paid.
    Complete {
        /// The provider's id of the subscription.
        remote: String,
    },
    /// It can no longer be paid.
    Expired,
    /// A state that we do not know. Nothing is concluded from it.
    Unknown(String),
}
