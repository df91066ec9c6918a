//! What we ask of those who take money.
use async_trait::async_trait;

use crate::{
    accounts::Email,
    billing::{Money, ProviderEvent, ProviderName, SubscriptionProvider},
    ids::{OrderId, WorkspaceId},
    store::BoxError,
    time::Timestamp,
};

/// Takes money. Every write carries a key, so that asking twice does it once.
#[async_trait]
pub trait PaymentProvider: SubscriptionProvider {
    /// Who it is.
    fn name(&self) -> ProviderName;

    /// Makes a customer. Gives the provider's id. The idempotency key is the workspace,
    /// together with the customer that this one is made `instead_of`, where the provider does
    /// not know that one any more.
    ///
    /// # Errors
    ///
    /// See [`PaymentProviderError`].
    async fn create_customer(
        &self,
        workspace: WorkspaceId,
        email: &Email,
        instead_of: Option<&str>,
    ) -> Result<String, PaymentProviderError>;

    /// Opens a checkout; the order and its customer are the idempotency key, so asking again
    /// gives the same one.
    ///
    /// # Errors
    ///
    /// See [`PaymentProviderError`].
    async fn open_checkout(
        &self,
        request: &CheckoutRequest,
    ) -> Result<RemoteCheckout, PaymentProviderError>;

    /// The checkout that a message is about, as it is now: given the id of the checkout, or of
    /// the payment made through it. Nothing, if the object is none of ours.
    ///
    /// # Errors
    ///
    /// See [`PaymentProviderError`].
    async fn find_checkout(
        &self,
        object: &str,
    ) -> Result<Option<RemoteCheckout>, PaymentProviderError>;

    /// Reads a message after checking that it was signed, over the raw bytes, at most five
    /// minutes before or after `now`.
    ///
    /// # Errors
    ///
    /// See [`WebhookRefused`].
    fn read_webhook(
        &self,
        body: &[u8],
        signature: &str,
        now: Timestamp,
    ) -> Result<ProviderEvent, WebhookRefused>;
}

/// What a checkout is opened for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckoutRequest {
    /// The order.
    pub order: OrderId,
    /// The tenant that buys.
    pub workspace: WorkspaceId,
    /// The provider's id of the customer.
    pub customer: String,
    /// What stands on the payment page.
    pub description: String,
    /// What it costs.
    pub price: Money,
}

/// A checkout, as the provider knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteCheckout {
    /// The provider's id of it.
    pub id: String,
    /// The order it was opened for. None, if we did not open it.
    pub order: Option<OrderId>,
    /// Where it stands.
    pub state: RemoteState,
}

/// Where a checkout stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteState {
    /// It can be paid.
    Open {
        /// Where.
        url: String,
    },
    /// It was paid.
    Paid {
        /// The provider's id of the payment.
        reference: String,
        /// How much.
        amount: Money,
    },
    /// It can no longer be paid.
    Expired,
    /// A state that we do not know. Nothing is concluded from it.
    Unknown(String),
}

/// Why a provider did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum PaymentProviderError {
    /// It refused, and would again: nothing was done.
    #[error("the payment provider refused: {code}")]
    Refused {
        /// Its own word for the reason.
        code: String,
    },
    /// It does not know the customer, any more or at all: nothing was done.
    #[error("the payment provider does not know the customer")]
    UnknownCustomer,
    /// It did not answer, or not so that it can be read. Whether it was done is not known.
    #[error("the payment provider is not available")]
    Unavailable(#[source] BoxError),
}

impl PaymentProviderError {
    /// Whether nothing was done, and asking for the same again would not change that.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::UnknownCustomer => true,
            Self::Unavailable(_) => false,
        }
    }
}

/// Why a message is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookRefused {
    /// It was not signed with our secret.
    #[error("the signature is not right")]
    Signature,
    /// It was signed too long ago, or in the future.
    #[error("the signature is too old, or from the future")]
    Stale,
    /// It is signed, but no message.
    #[error("the message cannot be read")]
    Malformed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_answered_is_a_refusal() {
        let refused = PaymentProviderError::Refused { code: "card_declined".to_owned() };
        assert!(refused.is_refusal());
        assert!(PaymentProviderError::UnknownCustomer.is_refusal());
        assert!(!PaymentProviderError::Unavailable("no answer".into()).is_refusal());
    }
}
