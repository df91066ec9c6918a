//! Stripe's objects, as far as they are read. Every field may be missing, and unknown ones are
//! passed over.
use std::collections::HashMap;

use serde::Deserialize;

/// The code of Stripe's answer about an object that is none of ours.
pub(super) const NOT_THERE: &str = "resource_missing";

/// Any object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Object {
    pub id: Option<String>,
}

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(super) struct List<T> {
    pub data: Option<Vec<T>>,
}

/// A checkout session.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CheckoutSession {
    pub id: Option<String>,
    pub status: Option<String>,
    pub payment_status: Option<String>,
    pub url: Option<String>,
    pub payment_intent: Option<Reference>,
    pub amount_total: Option<i64>,
    pub currency: Option<String>,
    pub metadata: Option<HashMap<String, String>>,
    pub mode: Option<String>,
    pub subscription: Option<Reference>,
}

/// A subscription, of any version of the API.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Subscription {
    pub id: Option<String>,
    pub status: Option<String>,
    pub metadata: Option<HashMap<String, String>>,
    pub items: Option<List<SubscriptionItem>>,
    pub current_period_start: Option<i64>,
    pub current_period_end: Option<i64>,
    pub cancel_at_period_end: Option<bool>,
    pub cancel_at: Option<i64>,
    pub canceled_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub cancellation_details: Option<CancellationDetails>,
}

/// What a subscription is to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SubscriptionItem {
    pub id: Option<String>,
    pub price: Option<Reference>,
    pub current_period_start: Option<i64>,
    pub current_period_end: Option<i64>,
}

/// Why a subscription ended.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CancellationDetails {
    pub reason: Option<String>,
    pub comment: Option<String>,
}

/// An invoice, of any version of the API.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Invoice {
    pub parent: Option<InvoiceParent>,
    pub subscription: Option<Reference>,
    pub total: Option<i64>,
    pub currency: Option<String>,
}

/// What made an invoice necessary.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct InvoiceParent {
    pub subscription_details: Option<SubscriptionDetails>,
}

/// Which subscription made an invoice necessary.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SubscriptionDetails {
    pub subscription: Option<Reference>,
}

/// A reference to an object: its id, or, where it was expanded, all of it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Reference {
    Id(String),
    Expanded(Object),
}

impl Reference {
    pub fn into_id(self) -> Option<String> {
        match self {
            Self::Id(id) => Some(id),
            Self::Expanded(object) => object.id,
        }
    }
}

/// The body of a refusal.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Failure {
    pub error: FailureDetail,
}

/// Why something was refused.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FailureDetail {
    pub code: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub param: Option<String>,
}

impl FailureDetail {
    /// Whether the customer that a request named is none of ours, or was deleted.
    pub fn is_unknown_customer(&self) -> bool {
        self.code.as_deref() == Some(NOT_THERE) && self.param.as_deref() == Some("customer")
    }
}

/// A message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Event {
    pub id: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub data: EventData,
    pub livemode: Option<bool>,
    pub api_version: Option<String>,
    pub created: Option<i64>,
}

/// What a message is about.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct EventData {
    pub object: Object,
}
