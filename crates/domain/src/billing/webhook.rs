//! Messages of payment providers: the inbox.
//!
//! The body is *not* kept. Whoever acts on a message asks the provider for the object as it is
//! now, so what the body said does not matter, and no personal data stays behind with it. Its
//! hash proves what was delivered.
use crate::{billing::ProviderName, ids::WebhookId, time::Timestamp};

/// A message, as its provider sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderEvent {
    /// Who sent it.
    pub provider: ProviderName,
    /// The provider's id of it: the same message may come many times.
    pub event: String,
    /// What kind of message.
    pub kind: String,
    /// The provider's id of what it is about.
    pub object: String,
    /// Whether it is about real money.
    pub live: bool,
    /// The version of the provider's API it was written in.
    pub api_version: Option<String>,
    /// When the provider made it.
    pub created_at: Timestamp,
    /// SHA-256 of the body.
    pub body_hash: [u8; 32],
}

/// A message in the inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its identity.
    pub id: WebhookId,
    /// The message.
    pub event: ProviderEvent,
    /// When it arrived first.
    pub received_at: Timestamp,
    /// What became of it.
    pub state: WebhookState,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookState {
    /// Nothing yet.
    Received,
    /// It was dealt with.
    Handled {
        /// When.
        at: Timestamp,
        /// How.
        outcome: WebhookOutcome,
    },
}

/// How a message was dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WebhookOutcome {
    /// It changed something.
    Applied,
    /// What it tells was known.
    Unchanged,
    /// It is of a kind we do not act on, or about an object that is none of ours.
    Ignored,
}

impl WebhookOutcome {
    /// Every outcome.
    pub const ALL: [Self; 3] = [Self::Applied, Self::Unchanged, Self::Ignored];

    /// The stable name, as stored and as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Ignored => "ignored",
        }
    }
}

/// What a message is about, as far as it is acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// A checkout, of an order or of a subscription.
    Checkout,
    /// A payment that was made through a checkout.
    Payment,
    /// A subscription, or an invoice for one.
    Subscription,
}

impl Webhook {
    /// What it is about. Nothing, if messages of this kind are not acted on.
    #[must_use]
    pub fn topic(&self) -> Option<Topic> {
        match self.event.provider {
            ProviderName::Stripe => match self.event.kind.as_str() {
                "checkout.session.completed"
                | "checkout.session.async_payment_succeeded"
                | "checkout.session.expired" => Some(Topic::Checkout),
                "payment_intent.succeeded" => Some(Topic::Payment),
                "customer.subscription.created"
                | "customer.subscription.updated"
                | "customer.subscription.deleted"
                | "customer.subscription.paused"
                | "customer.subscription.resumed"
                | "customer.subscription.trial_will_end"
                | "invoice.paid"
                | "invoice.payment_succeeded"
                | "invoice.payment_failed"
                | "invoice.payment_action_required"
                | "invoice.finalized" => Some(Topic::Subscription),
                _ => None,
            },
        }
    }

    /// What messages have to be handled one after the other with: those about the same object.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("{}:{}", self.event.provider.name(), self.event.object)
    }
}
