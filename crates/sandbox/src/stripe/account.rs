//! All that Stripe keeps of one account. It is locked for a change and never while something is sent.
use std::{collections::HashMap, mem};

use serde_json::{Value, json};

use super::{API_VERSION, error::StripeError, form::Form, shelf::Shelf};
use crate::{ids::Ids, options::WebhookEndpoint};

/// All that Stripe keeps of one account.
#[derive(Default)]
pub(crate) struct Account {
    /// `cus_…`
    pub(crate) customers: Shelf,
    /// `cs_test_…`
    pub(crate) sessions: Shelf,
    /// What a session sells, by its id.
    pub(crate) line_items: HashMap<String, Value>,
    /// What a session hands down to its payment intent, by its id.
    pub(crate) intent_data: HashMap<String, Value>,
    /// `pi_…`
    pub(crate) intents: Shelf,
    /// `ch_…`
    pub(crate) charges: Shelf,
    /// `txn_…`
    pub(crate) balance_transactions: Shelf,
    /// `evt_…`
    pub(crate) events: Shelf,
    /// `we_…`, with their secrets.
    pub(crate) endpoints: Shelf,
    /// An endpoint that receives everything and is not listed.
    pub(crate) webhook: Option<WebhookEndpoint>,
    /// What was answered to requests with an idempotency key.
    pub(crate) answers: HashMap<String, StoredAnswer>,
    parcels: Vec<Parcel>,
}

/// What was answered to a request with an idempotency key.
pub(crate) struct StoredAnswer {
    /// Seconds since 1970.
    pub(crate) at: i64,
    /// Method and path.
    pub(crate) target: String,
    /// All parameters.
    pub(crate) form: Form,
    /// The answer's body.
    pub(crate) body: Value,
}

/// An event on its way to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parcel {
    /// Which event.
    pub(crate) event: String,
    /// What is sent, byte for byte.
    pub(crate) body: String,
    /// Where to.
    pub(crate) to: WebhookEndpoint,
}

impl Account {
    /// Records an event and prepares its deliveries.
    pub(crate) fn emit(&mut self, ids: &Ids, now: i64, kind: &str, object: &Value) {
        let receivers = self.receivers(kind);
        let id = ids.mint("evt_1", 23);
        let event = json!({
            "id": id, "object": "event", "api_version": API_VERSION, "created": now,
            "data": { "object": object }, "livemode": false, "pending_webhooks": receivers.len(),
            "request": { "id": null, "idempotency_key": null }, "type": kind,
        });
        let body = format!("{event:#}");
        self.parcels.extend(receivers.into_iter().map(|to| Parcel {
            event: id.clone(),
            body: body.clone(),
            to,
        }));
        self.events.add(event);
    }

    /// What waits to be sent; it is handed out once.
    pub(crate) fn take_parcels(&mut self) -> Vec<Parcel> {
        mem::take(&mut self.parcels)
    }

    /// Notes that an endpoint has taken an event.
    pub(crate) fn delivered(&mut self, event: &str) {
        if let Some(event) = self.events.get_mut(event) {
            let pending = event["pending_webhooks"].as_u64().unwrap_or(0);
            event["pending_webhooks"] = pending.saturating_sub(1).into();
        }
    }

    fn receivers(&self, kind: &str) -> Vec<WebhookEndpoint> {
        let listens = |endpoint: &&Value| {
            let kinds = endpoint["enabled_events"].as_array().into_iter().flatten();
            kinds.into_iter().any(|one| one == "*" || one == kind)
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let registered = self.endpoints.all().filter(listens).map(|endpoint| WebhookEndpoint {
            url: text(&endpoint["url"]),
            secret: text(&endpoint["secret"]),
        });
        self.webhook.iter().cloned().chain(registered).collect()
    }

    /// Puts an object in the place of its id, as `expand[]` asks: `payment_intent.latest_charge`.
    pub(crate) fn expand(&self, object: &mut Value, path: &str) -> Result<(), StripeError> {
        let refused = || {
            let message = format!("This property cannot be expanded ({path}).");
            StripeError::invalid("expand", message)
        };
        let (field, rest) = path.split_once('.').unwrap_or((path, ""));
        if field == "line_items" && object["object"] == "checkout.session" {
            let items = object["id"].as_str().and_then(|id| self.line_items.get(id));
            object["line_items"] = items.cloned().unwrap_or_default();
        }
        let inner = object.get_mut(field).ok_or_else(refused)?;
        if let Value::Array(items) = inner {
            return items.iter_mut().try_for_each(|item| self.expand(item, rest));
        }
        if let Some(found) = inner.as_str().map(|id| self.any(id).ok_or_else(refused)) {
            *inner = found?.clone();
        }
        if rest.is_empty() || inner.is_null() { Ok(()) } else { self.expand(inner, rest) }
    }

    fn any(&self, id: &str) -> Option<&Value> {
        let shelves = [&self.customers, &self.intents, &self.charges, &self.balance_transactions];
        shelves.into_iter().find_map(|shelf| shelf.get(id))
    }
}
