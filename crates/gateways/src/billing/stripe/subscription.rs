//! Subscriptions and their checkouts: what they are asked with, and what one that exists means to us.
//!
//! Fields have moved between versions of the API; each is read wherever it has been.
use cape_domain::{
    billing::{
        Period, RemoteStatus, RemoteSubscription, SubscriptionCheckout, SubscriptionCheckoutState,
        SubscriptionRequest,
    },
    time::Timestamp,
};
use chrono::DateTime;

use super::wire::{CheckoutSession, Invoice, Subscription};

/// Where the subscription stands in what Stripe keeps for us.
const SUBSCRIPTION: &str = "subscription_id";

/// What is written beside the end of a subscription that was not paid.
pub(super) const UNPAID: &str = "unpaid";

/// The form that opens a checkout.
pub(super) fn checkout_form(
    request: &SubscriptionRequest,
    success_url: &str,
    cancel_url: &str,
) -> Vec<(&'static str, String)> {
    let subscription = request.subscription.to_string();
    vec![
        ("mode", "subscription".to_owned()),
        ("customer", request.customer.clone()),
        ("client_reference_id", subscription.clone()),
        ("success_url", success_url.to_owned()),
        ("cancel_url", cancel_url.to_owned()),
        ("line_items[0][quantity]", "1".to_owned()),
        ("line_items[0][price]", request.price.clone()),
        ("metadata[subscription_id]", subscription.clone()),
        ("metadata[workspace_id]", request.workspace.to_string()),
        ("subscription_data[metadata][subscription_id]", subscription),
    ]
}

impl CheckoutSession {
    /// The checkout of a subscription in our words. None without an id, and for any other one.
    pub(super) fn into_subscription_checkout(mut self) -> Option<SubscriptionCheckout> {
        let id = self.id.take()?;
        if self.mode.as_deref() != Some("subscription") {
            return None;
        }
        let metadata = self.metadata.take().unwrap_or_default();
        let subscription = metadata.get(SUBSCRIPTION).and_then(|id| id.parse().ok());
        Some(SubscriptionCheckout { id, subscription, state: self.into_subscription_state() })
    }

    fn into_subscription_state(self) -> SubscriptionCheckoutState {
        let status = self.status.unwrap_or_else(|| "none".to_owned());
        let remote = self.subscription.and_then(super::wire::Reference::into_id);
        match (status.as_str(), remote, self.url) {
            ("complete", Some(remote), _) => SubscriptionCheckoutState::Complete { remote },
            ("open", None, Some(url)) => SubscriptionCheckoutState::Open { url },
            ("expired", None, _) => SubscriptionCheckoutState::Expired,
            _ => SubscriptionCheckoutState::Unknown(status),
        }
    }
}

impl Subscription {
    /// The subscription in our words. None without an id: that is no subscription.
    pub(super) fn into_subscription(self) -> Option<RemoteSubscription> {
        let metadata = self.metadata.unwrap_or_default();
        let mut items = self.items.and_then(|items| items.data).unwrap_or_default().into_iter();
        // Ours have one item. One with several was changed by hand: what it costs is not known.
        let item = items.next().filter(|_| items.next().is_none());
        let (of_item, price) = match item {
            Some(item) => {
                let period = period(item.current_period_start, item.current_period_end);
                (period, item.price.and_then(super::wire::Reference::into_id))
            }
            None => (None, None),
        };
        let period = of_item.or_else(|| period(self.current_period_start, self.current_period_end));
        let at_period_end = self.cancel_at_period_end.unwrap_or(false);
        let ends_at = match self.cancel_at.and_then(instant) {
            Some(at) => Some(at),
            None => period.filter(|_| at_period_end).map(Period::end),
        };
        let details = self.cancellation_details.unwrap_or_default();
        Some(RemoteSubscription {
            id: self.id?,
            subscription: metadata.get(SUBSCRIPTION).and_then(|id| id.parse().ok()),
            status: status(self.status.as_deref().unwrap_or("none")),
            period,
            ends_at,
            ended_at: self.ended_at.or(self.canceled_at).and_then(instant),
            unpaid: details.reason.as_deref() == Some("payment_failed")
                || details.comment.as_deref() == Some(UNPAID),
            price,
        })
    }
}

impl Invoice {
    /// The id of the subscription that it is for.
    pub(super) fn into_subscription_id(self) -> Option<String> {
        let parent = self.parent.and_then(|parent| parent.subscription_details);
        let now = parent.and_then(|details| details.subscription);
        now.or(self.subscription)?.into_id()
    }
}

fn status(name: &str) -> RemoteStatus {
    match name {
        "incomplete" => RemoteStatus::Incomplete,
        "incomplete_expired" => RemoteStatus::IncompleteExpired,
        "trialing" => RemoteStatus::Trialing,
        "active" => RemoteStatus::Active,
        "past_due" => RemoteStatus::PastDue,
        "unpaid" => RemoteStatus::Unpaid,
        "paused" => RemoteStatus::Paused,
        "canceled" => RemoteStatus::Canceled,
        other => RemoteStatus::Unknown(other.to_owned()),
    }
}

fn period(start: Option<i64>, end: Option<i64>) -> Option<Period> {
    Period::new(instant(start?)?, instant(end?)?).ok()
}

fn instant(seconds: i64) -> Option<Timestamp> {
    DateTime::from_timestamp_secs(seconds)
}

#[cfg(test)]
mod tests {
    use cape_domain::ids::SubscriptionId;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    fn read(subscription: &Value) -> RemoteSubscription {
        let read = serde_json::from_str::<Subscription>(&subscription.to_string());
        read.expect("readable").into_subscription().expect("a subscription")
    }

    fn at(seconds: i64) -> Timestamp {
        instant(seconds).expect("an instant")
    }

    fn months() -> Period {
        Period::new(at(1_000), at(2_000)).expect("sound")
    }

    /// As of API 2025-03-31 and later: the period is the item's.
    fn later() -> Value {
        json!({ "id": "sub_1", "object": "subscription", "status": "active",
            "metadata": { "subscription_id": SubscriptionId::new(Uuid::from_u128(7)).to_string() },
            "items": { "data": [{ "id": "si_1", "price": { "id": "price_1" },
                "current_period_start": 1_000, "current_period_end": 2_000 }] } })
    }

    #[test]
    fn the_period_is_read_in_both_of_its_places() {
        let before = json!({ "id": "sub_1", "object": "subscription", "status": "active",
            "metadata": { "subscription_id": SubscriptionId::new(Uuid::from_u128(7)).to_string() },
            "current_period_start": 1_000, "current_period_end": 2_000,
            "items": { "data": [{ "id": "si_1", "price": { "id": "price_1" } }] } });
        let expected = RemoteSubscription {
            id: "sub_1".to_owned(),
            subscription: Some(SubscriptionId::new(Uuid::from_u128(7))),
            status: RemoteStatus::Active,
            period: Some(months()),
            ends_at: None,
            ended_at: None,
            unpaid: false,
            price: Some("price_1".to_owned()),
        };
        assert_eq!(read(&later()), expected);
        assert_eq!(read(&before), expected);
    }

    #[test]
    fn every_status_is_known_and_another_one_survives() {
        for word in [
            "incomplete",
            "incomplete_expired",
            "trialing",
            "active",
            "past_due",
            "unpaid",
            "paused",
            "canceled",
        ] {
            let known = !matches!(status(word), RemoteStatus::Unknown(_));
            assert!(known && status(word).name() == word, "{word}");
        }
        assert_eq!(status("frozen"), RemoteStatus::Unknown("frozen".to_owned()));
        let mut nameless = later();
        nameless["status"] = Value::Null;
        assert_eq!(read(&nameless).status, RemoteStatus::Unknown("none".to_owned()));
    }

    #[test]
    fn an_end_is_the_periods_or_the_one_that_is_said() {
        let mut ending = later();
        ending["cancel_at_period_end"] = json!(true);
        assert_eq!(read(&ending).ends_at, Some(at(2_000)));
        ending["cancel_at"] = json!(1_500);
        assert_eq!(read(&ending).ends_at, Some(at(1_500)));
        let mut over = later();
        over["canceled_at"] = json!(1_100);
        assert_eq!(read(&over).ended_at, Some(at(1_100)));
        over["ended_at"] = json!(1_200);
        assert_eq!((read(&over).ended_at, read(&over).unpaid), (Some(at(1_200)), false));
        for details in [json!({ "reason": "payment_failed" }), json!({ "comment": "unpaid" })] {
            over["cancellation_details"] = details;
            assert!(read(&over).unpaid);
        }
    }

    #[test]
    fn what_is_missing_or_twice_is_not_guessed() {
        let mut twice = later();
        let item = twice["items"]["data"][0].clone();
        twice["items"]["data"].as_array_mut().expect("items").push(item);
        assert_eq!((read(&twice).price, read(&twice).period), (None, None));
        let bare = read(&json!({ "id": "sub_1" }));
        assert_eq!((bare.period, bare.price, bare.subscription), (None, None, None));
        let mut backwards = later();
        backwards["items"]["data"][0]["current_period_end"] = json!(900);
        assert_eq!(read(&backwards).period, None);
        let nameless = serde_json::from_str::<Subscription>("{}").expect("readable");
        assert_eq!(nameless.into_subscription(), None);
    }

    #[test]
    fn an_invoice_tells_its_subscription_in_both_of_its_places() {
        for (invoice, expected) in [
            (json!({ "subscription": "sub_1" }), Some("sub_1")),
            (json!({ "subscription": { "id": "sub_2" } }), Some("sub_2")),
            (
                json!({ "parent": { "subscription_details": { "subscription": "sub_3" } } }),
                Some("sub_3"),
            ),
            (json!({ "parent": { "subscription_details": null } }), None),
            (json!({ "parent": null, "subscription": null }), None),
        ] {
            let read: Invoice = serde_json::from_str(&invoice.to_string()).expect("readable");
            assert_eq!(read.into_subscription_id().as_deref(), expected, "{invoice}");
        }
    }

    #[test]
    fn a_checkout_stands_where_stripe_says_or_nowhere() {
        use SubscriptionCheckoutState as S;
        let open = S::Open { url: "https://pay".to_owned() };
        let complete = S::Complete { remote: "sub_1".to_owned() };
        let unknown = |word: &str| S::Unknown(word.to_owned());
        for (status, subscription, expected) in [
            ("open", Value::Null, open),
            ("complete", json!("sub_1"), complete.clone()),
            ("complete", json!({ "id": "sub_1" }), complete),
            ("complete", Value::Null, unknown("complete")),
            ("expired", Value::Null, S::Expired),
            // Somebody may have paid it.
            ("expired", json!("sub_1"), unknown("expired")),
            ("frozen", Value::Null, unknown("frozen")),
        ] {
            let session = json!({ "id": "cs_1", "mode": "subscription", "url": "https://pay",
                "status": status, "subscription": subscription });
            let read: CheckoutSession = serde_json::from_value(session).expect("readable");
            assert_eq!(
                read.into_subscription_checkout().expect("ours").state,
                expected,
                "{status}"
            );
        }
        for mode in [json!("payment"), json!("setup"), Value::Null] {
            let session = json!({ "id": "cs_1", "mode": mode, "status": "open" });
            let read: CheckoutSession = serde_json::from_value(session).expect("readable");
            assert_eq!(read.into_subscription_checkout(), None, "{mode}");
        }
    }
}
