//! All that Stripe keeps of one account. It is locked for a change and never while something is sent.
use std::{collections::HashMap, mem};

use serde_json::{Value, json};

use super::{
    API_VERSION,
    agenda::Agenda,
    billing::Billing,
    deliveries::{Deliveries, Signing},
    facts::Facts as _,
    faults::Faults,
    form::Form,
    kind::Kind,
    shelf::Shelf,
    version::{previous, show},
};
use crate::{ids::Ids, options::WebhookEndpoint};

/// All that Stripe keeps of one account.
pub(crate) struct Account {
    shelves: HashMap<Kind, Shelf>,
    /// `acct_…`
    pub(crate) id: String,
    /// The version of the API that it was opened with.
    pub(crate) api_version: String,
    /// An endpoint that receives everything and is not listed.
    pub(crate) webhook: Option<WebhookEndpoint>,
    /// What was answered to requests with an idempotency key.
    pub(crate) answers: HashMap<String, StoredAnswer>,
    /// The idempotency key of the request that is being served, if it has one.
    pub(crate) cause: Option<String>,
    /// What falls due.
    pub(crate) agenda: Agenda,
    /// How many seconds its time is ahead of the starter's clock.
    pub(crate) ahead: i64,
    /// How it dunns.
    pub(crate) billing: Billing,
    /// Events that are kept back.
    pub(crate) deliveries: Deliveries,
    /// How its next answers go wrong.
    pub(crate) faults: Faults,
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
    /// The answer's status.
    pub(crate) status: u16,
    /// The answer's body.
    pub(crate) body: Value,
}

/// An event on its way to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parcel {
    /// Which event.
    pub(crate) event: String,
    /// What happened.
    pub(crate) kind: String,
    /// What is sent, byte for byte.
    pub(crate) body: String,
    /// Where to.
    pub(crate) to: WebhookEndpoint,
    /// How it is signed.
    pub(crate) signing: Signing,
}

/// What was there at some moment.
pub(crate) struct Mark {
    made: HashMap<Kind, u64>,
    parcels: usize,
}

/// What an event tells.
#[derive(Clone, Copy)]
pub(crate) struct News<'a> {
    /// `customer.subscription.updated`
    pub(crate) kind: &'a str,
    /// The object as it is now.
    pub(crate) object: &'a Value,
    /// The object as it was, where the event is about a change.
    pub(crate) before: Option<&'a Value>,
    /// Fields of the event itself that are other than usual.
    pub(crate) unusual: Option<&'a Value>,
}

impl Account {
    /// An account that nothing has happened in.
    pub(crate) fn new(ids: &Ids) -> Self {
        Self {
            shelves: HashMap::new(),
            id: ids.mint("acct_1", 15),
            api_version: API_VERSION.to_owned(),
            webhook: None,
            answers: HashMap::new(),
            cause: None,
            agenda: Agenda::default(),
            ahead: 0,
            billing: Billing::default(),
            deliveries: Deliveries::default(),
            faults: Faults::default(),
            parcels: Vec::new(),
        }
    }

    /// Objects of one kind, if there are any.
    pub(crate) fn shelf(&mut self, kind: Kind) -> &mut Shelf {
        self.shelves.entry(kind).or_default()
    }

    /// Objects of one kind, the oldest first.
    pub(crate) fn all(&self, kind: Kind) -> impl Iterator<Item = &Value> {
        self.shelves.get(&kind).into_iter().flat_map(Shelf::all)
    }

    /// The object of this kind with this id.
    pub(crate) fn get(&self, kind: Kind, id: &str) -> Option<&Value> {
        self.shelves.get(&kind)?.get(id)
    }

    /// The object of this kind with this id, to be changed.
    pub(crate) fn get_mut(&mut self, kind: Kind, id: &str) -> Option<&mut Value> {
        self.shelves.get_mut(&kind)?.get_mut(id)
    }

    /// The object with this id, whatever its kind.
    pub(crate) fn any(&self, id: &str) -> Option<&Value> {
        Kind::ALL.into_iter().find_map(|kind| self.get(kind, id))
    }

    /// Keeps an object: a new one, or one as it is now.
    pub(crate) fn put(&mut self, object: &Value) {
        let Some(kind) = Kind::of(object.text("object")) else { return };
        match self.get_mut(kind, object.text("id")) {
            Some(kept) => kept.clone_from(object),
            None => self.shelf(kind).add(object.clone()),
        }
    }

    /// What is there now.
    pub(crate) fn mark(&self) -> Mark {
        let made = self.shelves.iter().map(|(kind, shelf)| (*kind, shelf.made())).collect();
        Mark { made, parcels: self.parcels.len() }
    }

    /// Takes away what was made since then, with everything that was told of it.
    pub(crate) fn take_back(&mut self, mark: &Mark) {
        for (kind, shelf) in &mut self.shelves {
            shelf.take_back(mark.made.get(kind).copied().unwrap_or_default());
        }
        self.parcels.truncate(mark.parcels);
    }

    /// Records an event and prepares its deliveries.
    pub(crate) fn emit(&mut self, ids: &Ids, now: i64, news: News<'_>) -> Value {
        let receivers = self.receivers(news.kind);
        let id = ids.mint("evt_1", 23);
        let write = |version: &str| {
            let object = show(news.object, version);
            let mut data = json!({ "object": object });
            if let Some(before) = news.before {
                data["previous_attributes"] = previous(&show(before, version), &data["object"]);
            }
            let mut event = json!({
                "id": id, "object": "event", "api_version": version, "created": now,
                "data": data, "livemode": false, "pending_webhooks": receivers.len(),
                "request": { "id": null, "idempotency_key": self.cause }, "type": news.kind,
            });
            for (name, value) in news.unusual.and_then(Value::as_object).into_iter().flatten() {
                event[name] = value.clone();
            }
            event
        };
        let parcels = receivers.iter().map(|(version, to)| Parcel {
            event: id.clone(),
            kind: news.kind.to_owned(),
            body: format!("{:#}", write(version)),
            to: to.clone(),
            signing: Signing::Usual,
        });
        self.parcels.extend(parcels);
        let event = write(&self.api_version);
        self.shelf(Kind::Event).add(event.clone());
        event
    }

    /// Prepares further deliveries of an event.
    pub(crate) fn send_again(&mut self, event: &Value, copies: usize) {
        for (_, to) in self.receivers(event.text("type")) {
            let parcel = Parcel {
                event: event.text("id").to_owned(),
                kind: event.text("type").to_owned(),
                body: format!("{event:#}"),
                to,
                signing: Signing::Usual,
            };
            self.parcels.extend(std::iter::repeat_n(parcel, copies));
        }
    }

    /// What waits to be sent; it is handed out once.
    pub(crate) fn take_parcels(&mut self) -> Vec<Parcel> {
        let parcels = mem::take(&mut self.parcels);
        self.deliveries.pass(parcels)
    }

    /// Notes that an endpoint has taken an event.
    pub(crate) fn delivered(&mut self, event: &str) {
        if let Some(event) = self.get_mut(Kind::Event, event) {
            let pending = event["pending_webhooks"].as_u64().unwrap_or(0);
            event["pending_webhooks"] = pending.saturating_sub(1).into();
        }
    }

    /// Who is told of what happened, each in a version of its own.
    fn receivers(&self, kind: &str) -> Vec<(String, WebhookEndpoint)> {
        let listens = |endpoint: &&Value| {
            let mut kinds = endpoint.entries("enabled_events").iter();
            endpoint.is("status", "enabled") && kinds.any(|one| one == "*" || one == kind)
        };
        let registered = self.all(Kind::Endpoint).filter(listens).map(|endpoint| {
            let (url, secret) = (endpoint.text("url").into(), endpoint.text("_secret").into());
            let version = endpoint.given("api_version").unwrap_or(&self.api_version);
            (version.to_owned(), WebhookEndpoint { url, secret })
        });
        let own = self.webhook.iter().cloned().map(|to| (self.api_version.clone(), to));
        own.chain(registered).collect()
    }
}
