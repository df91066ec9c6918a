//! Stripe: a thin client that reads tolerantly, because a field that is missing must not lose a
//! charge that was made.
//!
//! What is bought and what is granted for it is *not* known here.
mod amount;
mod checkout;
mod subscribing;
mod subscription;
mod transport;
mod webhook;
mod wire;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use cape_domain::{
    accounts::Email,
    billing::{
        CheckoutRequest, PaymentProvider, PaymentProviderError, ProviderEvent, ProviderName,
        RemoteCheckout, WebhookRefused,
    },
    ids::WorkspaceId,
    secret::Secret,
    store::BoxError,
    time::Timestamp,
};

use self::{checkout::checkout_form, transport::Transport, webhook::WebhookReader};

/// The version of the API that this gateway is written against. Events come in the version of
/// their endpoint, whatever that is.
pub const API_VERSION: &str = "2026-10-28.endive";

/// How Stripe is reached. `Default` has the real Stripe's address and times, and no secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StripeOptions {
    /// Where it is, without `/v1`.
    pub base_url: String,
    /// The secret key, `sk_…`.
    pub secret_key: Secret,
    /// The secrets of the webhook endpoint, `whsec_…`: two while one is being replaced.
    pub webhook_secrets: Vec<Secret>,
    /// Where customers land after they paid.
    pub success_url: String,
    /// Where customers land when they change their mind.
    pub cancel_url: String,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long a request may take, with its repetitions.
    pub timeout: Duration,
    /// The wait before the first repetition; it doubles.
    pub backoff: Duration,
}

impl Default for StripeOptions {
    fn default() -> Self {
        Self {
            base_url: "https://api.stripe.com".to_owned(),
            secret_key: Secret::new(""),
            webhook_secrets: Vec::new(),
            success_url: String::new(),
            cancel_url: String::new(),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            backoff: Duration::from_millis(500),
        }
    }
}

/// Options that Stripe cannot be reached with.
#[derive(Debug, thiserror::Error)]
pub enum InvalidStripeOptions {
    /// The secret key is empty, or cannot stand in a header.
    #[error("the secret key of Stripe is not usable")]
    SecretKey,
    /// A webhook secret is empty: everybody could sign with it.
    #[error("a webhook secret of Stripe is empty")]
    WebhookSecret,
    /// The base URL is none.
    #[error("the base URL of Stripe is not usable")]
    BaseUrl,
    /// The HTTP client cannot be built.
    #[error("the HTTP client cannot be built")]
    Client(#[source] BoxError),
}

/// Takes money through Stripe Checkout.
pub struct StripeGateway {
    transport: Transport,
    webhooks: WebhookReader,
    success_url: String,
    cancel_url: String,
}

impl StripeGateway {
    /// A gateway. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// See [`InvalidStripeOptions`].
    pub fn new(options: StripeOptions) -> Result<Self, InvalidStripeOptions> {
        Ok(Self {
            transport: Transport::new(&options)?,
            webhooks: WebhookReader::new(options.webhook_secrets)?,
            success_url: options.success_url,
            cancel_url: options.cancel_url,
        })
    }
}

impl fmt::Debug for StripeGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripeGateway").field("transport", &self.transport).finish_non_exhaustive()
    }
}

#[async_trait]
impl PaymentProvider for StripeGateway {
    fn name(&self) -> ProviderName {
        ProviderName::Stripe
    }

    async fn create_customer(
        &self,
        workspace: WorkspaceId,
        email: &Email,
        instead_of: Option<&str>,
    ) -> Result<String, PaymentProviderError> {
        let form = [
            ("email", email.as_str().to_owned()),
            ("metadata[workspace_id]", workspace.to_string()),
        ];
        // Under the key of the forgotten one Stripe would answer with that one, for a day.
        let key = match instead_of {
            None => format!("customer:{workspace}"),
            Some(forgotten) => format!("customer:{workspace}:{forgotten}"),
        };
        let customer: wire::Object = self.transport.post("/v1/customers", &form, &key).await?;
        customer.id.ok_or_else(|| transport::unreadable("a customer without an id"))
    }

    async fn open_checkout(
        &self,
        request: &CheckoutRequest,
    ) -> Result<RemoteCheckout, PaymentProviderError> {
        let uncountable = |_| PaymentProviderError::Refused { code: "amount".to_owned() };
        let amount = amount::to_stripe(request.price).map_err(uncountable)?;
        let form = checkout_form(request, amount, &self.success_url, &self.cancel_url);
        // A refusal is remembered under its key, too: another customer needs another one.
        let key = format!("checkout:{}:{}", request.order, request.customer);
        let session: wire::CheckoutSession =
            self.transport.post("/v1/checkout/sessions", &form, &key).await?;
        session.into_checkout().ok_or_else(|| transport::unreadable("a checkout without an id"))
    }

    async fn find_checkout(
        &self,
        object: &str,
    ) -> Result<Option<RemoteCheckout>, PaymentProviderError> {
        let Some(session) = self.find_session(object).await? else { return Ok(None) };
        let checkout = session
            .into_checkout()
            .ok_or_else(|| transport::unreadable("a checkout without an id"))?;
        Ok(Some(checkout).filter(|checkout| checkout.order.is_some()))
    }

    fn read_webhook(
        &self,
        body: &[u8],
        signature: &str,
        now: Timestamp,
    ) -> Result<ProviderEvent, WebhookRefused> {
        self.webhooks.read(body, signature, now)
    }
}

impl StripeGateway {
    /// The checkout session with this id, or the one that this payment intent was made through.
    async fn find_session(
        &self,
        object: &str,
    ) -> Result<Option<wire::CheckoutSession>, PaymentProviderError> {
        let plain = object.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let found = match object.split_once('_') {
            Some(("cs", _)) if plain => {
                let path = format!("/v1/checkout/sessions/{object}");
                self.transport.get(&path, &[]).await.map(Some)
            }
            Some(("pi", _)) if plain => self.find_session_of_payment(object).await,
            Some(_) | None => Ok(None),
        };
        match found {
            Err(PaymentProviderError::Refused { code }) if code == wire::NOT_THERE => Ok(None),
            found => found,
        }
    }

    async fn find_session_of_payment(
        &self,
        payment_intent: &str,
    ) -> Result<Option<wire::CheckoutSession>, PaymentProviderError> {
        let query = [("payment_intent", payment_intent), ("limit", "1")];
        let list: wire::List<wire::CheckoutSession> =
            self.transport.get("/v1/checkout/sessions", &query).await?;
        let sessions = list.data.ok_or_else(|| transport::unreadable("a list without data"))?;
        Ok(sessions.into_iter().next())
    }
}
