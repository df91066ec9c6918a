//! Taking money: a payment intent tries a card, and a charge tells how that went. What the money is for,
//! and what follows from having it, is *not* known here.
use serde_json::{Value, json};

use super::{
    cards::{Conduct, Decline, NOT_AUTHENTICATED},
    disputes,
    facts::Facts as _,
    kind::Kind,
    office::Office,
    payment_methods::conduct,
};

/// How a try went.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Taken {
    /// The money is there.
    Paid,
    /// It was declined.
    Declined(Decline),
    /// Whoever pays has to approve it first, on the page of the intent.
    ActionRequired,
}

/// What an intent is made for.
pub(crate) struct Purpose<'a> {
    /// In minor units.
    pub(crate) amount: i64,
    /// In lower case.
    pub(crate) currency: &'a str,
    /// `cus_…`, or nothing.
    pub(crate) customer: &'a Value,
    /// For the customer, or nothing.
    pub(crate) description: &'a Value,
    /// The caller's own.
    pub(crate) metadata: &'a Value,
}

/// A new intent. It is not kept yet.
pub(crate) fn intent(office: &Office<'_>, purpose: &Purpose<'_>) -> Value {
    let id = office.mint("pi_3", 23);
    let metadata = purpose.metadata.as_object().cloned().unwrap_or_default();
    json!({
        "id": id, "object": "payment_intent", "amount": purpose.amount,
        "amount_capturable": 0, "amount_details": { "tip": {} }, "amount_received": 0,
        "application": null, "application_fee_amount": null, "automatic_payment_methods": null,
        "canceled_at": null, "cancellation_reason": null, "capture_method": "automatic_async",
        "client_secret": format!("{id}_secret_{}", office.mint("", 24)),
        "confirmation_method": "automatic", "created": office.now, "currency": purpose.currency,
        "customer": purpose.customer, "customer_account": null,
        "description": purpose.description, "excluded_payment_method_types": null,
        "last_payment_error": null, "latest_charge": null, "livemode": false,
        "metadata": metadata, "next_action": null, "on_behalf_of": null, "payment_method": null,
        "payment_method_configuration_details": null, "payment_method_options": {},
        "payment_method_types": ["card"], "processing": null, "receipt_email": null,
        "review": null, "setup_future_usage": null, "shipping": null, "source": null,
        "statement_descriptor": null, "statement_descriptor_suffix": null,
        "status": "requires_payment_method", "transfer_data": null, "transfer_group": null,
        "_invoice": null,
    })
}

/// Whether a try with this payment method will succeed.
pub(crate) fn foresee(method: &Value) -> Taken {
    match conduct(method) {
        Conduct::Pays | Conduct::Disputes(_) | Conduct::RefusesRefunds => Taken::Paid,
        Conduct::Declines(decline) | Conduct::FailsWhenCharged(decline) => Taken::Declined(decline),
        Conduct::AuthenticatesAlways | Conduct::AuthenticatesOnce => Taken::ActionRequired,
    }
}

/// Tries to take what an intent is about from a payment method.
pub(crate) fn take(office: &mut Office<'_>, intent: &mut Value, method: &Value) -> Taken {
    intent["payment_method"] = method["id"].clone();
    let taken = foresee(method);
    match taken {
        Taken::Paid => succeed(office, intent, method),
        Taken::Declined(decline) => {
            let charge = charge(office, intent, method, Some(decline));
            intent["latest_charge"] = charge["id"].clone();
            office.record("charge.failed", &charge);
            fail(office, intent, method, decline);
        }
        Taken::ActionRequired => {
            let id = intent.text("id");
            let url = format!("{}/stripe/authenticate/{id}", office.world.base_url);
            intent["status"] = "requires_action".into();
            intent["next_action"] = json!({
                "type": "redirect_to_url",
                "redirect_to_url": { "return_url": null, "url": url },
            });
            office.record("payment_intent.requires_action", intent);
        }
    }
    taken
}

/// What an intent waits for was approved: the money is taken.
pub(crate) fn approve(office: &mut Office<'_>, intent: &mut Value) {
    let method = office.get(Kind::PaymentMethod, intent.text("payment_method"));
    let mut method = method.unwrap_or_default();
    method["_authenticated"] = true.into();
    office.keep(&method);
    succeed(office, intent, &method);
}

/// What an intent waits for was refused: it needs another payment method.
pub(crate) fn refuse(office: &mut Office<'_>, intent: &mut Value) -> Decline {
    let method = office.get(Kind::PaymentMethod, intent.text("payment_method"));
    fail(office, intent, &method.unwrap_or_default(), NOT_AUTHENTICATED);
    NOT_AUTHENTICATED
}

fn succeed(office: &mut Office<'_>, intent: &mut Value, method: &Value) {
    let mut charge = charge(office, intent, method, None);
    let transaction = transaction(office, &charge, "charge", charge.number("amount"));
    charge["balance_transaction"] = transaction["id"].clone();
    intent["status"] = "succeeded".into();
    intent["amount_received"] = intent["amount"].clone();
    intent["latest_charge"] = charge["id"].clone();
    intent["last_payment_error"] = Value::Null;
    intent["next_action"] = Value::Null;
    office.keep(&transaction);
    office.keep(&charge);
    office.record("payment_intent.succeeded", intent);
    office.tell("charge.succeeded", &charge);
    if let Conduct::Disputes(reason) = conduct(method) {
        disputes::open(office, &charge, charge.number("amount"), reason);
    }
}

fn fail(office: &mut Office<'_>, intent: &mut Value, method: &Value, decline: Decline) {
    intent["status"] = "requires_payment_method".into();
    intent["payment_method"] = Value::Null;
    intent["next_action"] = Value::Null;
    let page = decline.code.replace('_', "-");
    intent["last_payment_error"] = json!({
        "type": "card_error", "code": decline.code, "decline_code": decline.reason,
        "charge": intent["latest_charge"],
        "doc_url": format!("https://stripe.com/docs/error-codes/{page}"),
        "message": decline.message, "payment_method": method,
    });
    office.record("payment_intent.payment_failed", intent);
}

/// A movement of the account's money. A charge loses 2.9 % (rounded) and 30 minor units to Stripe.
pub(crate) fn transaction(office: &Office<'_>, of: &Value, kind: &str, amount: i64) -> Value {
    let fee = match kind {
        "charge" => ((amount * 29 + 500) / 1000 + 30).min(amount),
        "dispute" => 1500,
        _ => 0,
    };
    let detail = json!({
        "amount": fee, "application": null, "currency": of["currency"],
        "description": "Stripe processing fees", "type": "stripe_fee",
    });
    let details = if fee == 0 { Vec::new() } else { vec![detail] };
    json!({
        "id": office.mint("txn_3", 23), "object": "balance_transaction", "amount": amount,
        "available_on": office.now, "balance_type": "payments", "created": office.now,
        "currency": of["currency"], "description": of["description"], "exchange_rate": null,
        "fee": fee, "fee_details": details, "net": amount - fee,
        "reporting_category": kind, "source": of["id"], "status": "available",
        "type": if kind == "dispute" { "adjustment" } else { kind },
    })
}

fn charge(office: &Office<'_>, intent: &Value, method: &Value, decline: Option<Decline>) -> Value {
    let (paid, card) = (decline.is_none(), &method["card"]);
    let amount = &intent["amount"];
    let nothing = json!(0);
    let outcome = match decline {
        None => json!({
            "advice_code": null, "network_advice_code": null, "network_decline_code": null,
            "network_status": "approved_by_network", "reason": null, "risk_level": "normal",
            "risk_score": 10, "seller_message": "Payment complete.", "type": "authorized",
        }),
        Some(decline) => json!({
            "advice_code": "try_again_later", "network_advice_code": null,
            "network_decline_code": null, "network_status": "declined_by_network",
            "reason": decline.reason, "risk_level": "normal", "risk_score": 10,
            "seller_message": "The bank did not return any further details with this decline.",
            "type": "issuer_declined",
        }),
    };
    let authenticated = method.holds("_authenticated").then(|| {
        json!({
            "authentication_flow": "challenge", "electronic_commerce_indicator": "05",
            "exemption_indicator": null, "result": "authenticated", "result_reason": null,
            "transaction_id": null, "version": "2.2.0",
        })
    });
    json!({
        "id": office.mint("ch_3", 23), "object": "charge", "amount": amount,
        "amount_captured": if paid { amount } else { &nothing }, "amount_refunded": 0,
        "application": null, "application_fee": null, "application_fee_amount": null,
        "balance_transaction": null, "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "SANDBOX", "captured": paid, "created": office.now,
        "currency": intent["currency"], "customer": intent["customer"],
        "description": intent["description"], "disputed": false,
        "failure_balance_transaction": null,
        "failure_code": decline.map(|decline| decline.code),
        "failure_message": decline.map(|decline| decline.message), "fraud_details": {},
        "livemode": false, "metadata": intent["metadata"], "on_behalf_of": null,
        "outcome": outcome, "paid": paid, "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": {
            "type": "card",
            "card": {
                "amount_authorized": if paid { amount } else { &Value::Null },
                "authorization_code": null, "brand": card["brand"], "checks": card["checks"],
                "country": card["country"], "exp_month": card["exp_month"],
                "exp_year": card["exp_year"],
                "extended_authorization": { "status": "disabled" },
                "fingerprint": card["fingerprint"], "funding": card["funding"],
                "incremental_authorization": { "status": "unavailable" }, "installments": null,
                "last4": card["last4"], "mandate": null,
                "multicapture": { "status": "unavailable" }, "network": card["display_brand"],
                "network_token": { "used": false }, "network_transaction_id": null,
                "overcapture": {
                    "maximum_amount_capturable": amount, "status": "unavailable",
                },
                "regulated_status": "unregulated", "three_d_secure": authenticated,
                "wallet": null,
            },
        },
        "receipt_email": null, "receipt_number": null, "receipt_url": null, "refunded": false,
        "review": null, "shipping": null, "source": null, "source_transfer": null,
        "statement_descriptor": null, "statement_descriptor_suffix": null,
        "status": if paid { "succeeded" } else { "failed" }, "transfer_data": null,
        "transfer_group": null, "_invoice": intent["_invoice"],
    })
}
