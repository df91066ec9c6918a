//! Checkout sessions: what one is opened with, and what one that exists means to us.
use cape_domain::billing::{CheckoutRequest, RemoteCheckout, RemoteState};

use super::{amount::from_stripe, wire::CheckoutSession};

/// Where the order stands in what Stripe keeps for us.
const ORDER: &str = "order_id";

/// The form that opens a checkout: one line, one price, made up on the spot, in Stripe's units.
pub(super) fn checkout_form(
    request: &CheckoutRequest,
    amount: i64,
    success_url: &str,
    cancel_url: &str,
) -> Vec<(&'static str, String)> {
    let order = request.order.to_string();
    let price = request.price;
    vec![
        ("mode", "payment".to_owned()),
        ("customer", request.customer.clone()),
        ("client_reference_id", order.clone()),
        ("success_url", success_url.to_owned()),
        ("cancel_url", cancel_url.to_owned()),
        ("line_items[0][quantity]", "1".to_owned()),
        ("line_items[0][price_data][currency]", price.currency().code().to_ascii_lowercase()),
        ("line_items[0][price_data][unit_amount]", amount.to_string()),
        ("line_items[0][price_data][product_data][name]", request.description.clone()),
        ("metadata[order_id]", order.clone()),
        ("metadata[workspace_id]", request.workspace.to_string()),
        ("payment_intent_data[metadata][order_id]", order),
    ]
}

impl CheckoutSession {
    /// The checkout in our words. None without an id: that is no checkout.
    pub(super) fn into_checkout(mut self) -> Option<RemoteCheckout> {
        let id = self.id.take()?;
        let order = self.metadata.as_ref().and_then(|metadata| metadata.get(ORDER)?.parse().ok());
        Some(RemoteCheckout { id, order, state: self.into_state() })
    }

    fn into_state(self) -> RemoteState {
        let status = self.status.as_deref().unwrap_or("none");
        let payment_status = self.payment_status.as_deref().unwrap_or("none");
        let told = format!("{status}, {payment_status}");
        let state = match (status, payment_status) {
            (_, "paid") => self.into_payment(),
            ("expired", _) => Some(RemoteState::Expired),
            ("open", "unpaid") => self.url.map(|url| RemoteState::Open { url }),
            _ => None,
        };
        state.unwrap_or(RemoteState::Unknown(told))
    }

    fn into_payment(self) -> Option<RemoteState> {
        let reference = self.payment_intent?.into_id()?;
        let currency = self.currency?.to_ascii_uppercase().parse().ok()?;
        let amount = from_stripe(self.amount_total?, currency)?;
        Some(RemoteState::Paid { reference, amount })
    }
}

#[cfg(test)]
mod tests {
    use cape_domain::{
        billing::{Currency, Money},
        ids::OrderId,
    };
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    fn checkout(session: &Value) -> Option<RemoteCheckout> {
        let session = serde_json::from_str::<CheckoutSession>(&session.to_string());
        session.expect("a session").into_checkout()
    }

    #[test]
    fn only_paid_is_paid_and_what_is_not_understood_is_unknown() {
        let open = RemoteState::Open { url: "https://pay".to_owned() };
        let amount = Money::from_minor(500, Currency::USD);
        let paid = RemoteState::Paid { reference: "pi_1".to_owned(), amount };
        let unknown = |told: &str| RemoteState::Unknown(told.to_owned());
        let base = json!({ "id": "cs_1", "url": "https://pay", "payment_intent": "pi_1",
                           "amount_total": 500, "currency": "usd" });
        for (status, payment_status, expected) in [
            (json!("open"), json!("unpaid"), open),
            (json!("complete"), json!("paid"), paid.clone()),
            (json!("expired"), json!("paid"), paid.clone()),
            (json!("open"), json!("paid"), paid.clone()),
            (json!("renamed"), json!("paid"), paid),
            (json!("expired"), json!("unpaid"), RemoteState::Expired),
            (json!("complete"), json!("unpaid"), unknown("complete, unpaid")),
            (
                json!("complete"),
                json!("no_payment_required"),
                unknown("complete, no_payment_required"),
            ),
            (json!("open"), json!("new"), unknown("open, new")),
            (json!(null), json!(null), unknown("none, none")),
        ] {
            let mut session = base.clone();
            session["status"] = status;
            session["payment_status"] = payment_status;
            assert_eq!(checkout(&session).expect("a checkout").state, expected, "{session}");
        }
    }

    #[test]
    fn paid_without_saying_how_much_or_how_is_unknown() {
        let base = json!({ "id": "cs_1", "status": "complete", "payment_status": "paid",
            "payment_intent": "pi_1", "amount_total": 500, "currency": "usd" });
        for (member, value) in [
            ("payment_intent", json!(null)),
            ("payment_intent", json!({ "object": "payment_intent" })),
            ("amount_total", json!(null)),
            ("currency", json!(null)),
            ("currency", json!("???")),
        ] {
            let mut session = base.clone();
            session[member] = value;
            let state = checkout(&session).expect("a checkout").state;
            assert_eq!(state, RemoteState::Unknown("complete, paid".to_owned()), "{session}");
        }
        let mut expanded = base;
        expanded["payment_intent"] = json!({ "id": "pi_2", "object": "payment_intent" });
        let state = checkout(&expanded).expect("a checkout").state;
        let amount = Money::from_minor(500, Currency::USD);
        assert_eq!(state, RemoteState::Paid { reference: "pi_2".to_owned(), amount });
    }

    #[test]
    fn the_order_is_told_by_the_metadata_alone() {
        let order = OrderId::new(Uuid::from_u128(7));
        for (metadata, expected) in [
            (json!({ "order_id": order.to_string() }), Some(order)),
            (json!({ "order_id": "6735" }), None),
            (json!({ "other": order.to_string() }), None),
            (json!({}), None),
            (json!(null), None),
        ] {
            let session = json!({ "id": "cs_1", "metadata": metadata,
                "client_reference_id": order.to_string() });
            assert_eq!(checkout(&session).expect("a checkout").order, expected, "{session}");
        }
        assert_eq!(checkout(&json!({ "status": "open" })), None, "nothing has no id");
    }
}
