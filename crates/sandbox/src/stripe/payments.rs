//! What money moved: payment intents, charges, balance transactions. They are made when a session's
//! page is used, never over the API.
use serde_json::{Value, json};

use super::{
    account::Account,
    checkout::expire,
    desk::{Desk, Operation},
    error::StripeError,
};
use crate::world::World;

/// Show a payment intent.
pub(crate) const FIND_INTENT: Operation = Operation {
    parameters: &[],
    act: |desk| found(desk.account.intents.get(desk.id), "payment_intent", desk),
};

/// Show a charge.
pub(crate) const FIND_CHARGE: Operation = Operation {
    parameters: &[],
    act: |desk| found(desk.account.charges.get(desk.id), "charge", desk),
};

/// Show a balance transaction.
pub(crate) const FIND_BALANCE: Operation = Operation {
    parameters: &[],
    act: |desk| found(desk.account.balance_transactions.get(desk.id), "balance transaction", desk),
};

fn found(object: Option<&Value>, kind: &str, desk: &Desk<'_>) -> Result<Value, StripeError> {
    object.cloned().ok_or_else(|| StripeError::no_such(404, kind, "id", desk.id))
}

/// Why a session is not open for a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// There is no such session.
    Unknown,
    /// It was paid before.
    Paid,
    /// Its time has passed.
    Expired,
}

/// The session, if it can be paid.
pub(crate) fn open(account: &mut Account, now: i64, id: &str) -> Result<Value, Closed> {
    let session = account.sessions.get_mut(id).ok_or(Closed::Unknown)?;
    expire(session, now);
    match session["status"].as_str() {
        Some("open") => Ok(session.clone()),
        Some("expired") => Err(Closed::Expired),
        _ => Err(Closed::Paid),
    }
}

/// Pays a session: its intent succeeds with a charge, and three events tell of it. Gives the session
/// as it is then.
pub(crate) fn pay(
    account: &mut Account,
    world: &World,
    now: i64,
    id: &str,
) -> Result<Value, Closed> {
    let mut session = open(account, now, id)?;
    let customer = session["customer"].as_str().and_then(|id| account.customers.get(id));
    let payer = payer(&session, customer);
    let mut intent = intent_of(account, world, now, &session);
    let method = world.ids.mint("pm_1", 23);
    let mut transaction = balance_transaction(world, now, &intent);
    let charge = charge(world, now, &intent, &transaction, &payer, &method);
    intent["status"] = "succeeded".into();
    intent["amount_received"] = intent["amount"].clone();
    intent["latest_charge"] = charge["id"].clone();
    intent["last_payment_error"] = Value::Null;
    intent["payment_method"] = method.into();
    session["status"] = "complete".into();
    session["payment_status"] = "paid".into();
    session["payment_intent"] = intent["id"].clone();
    session["customer_details"] = payer;
    session["url"] = Value::Null;
    transaction["source"] = charge["id"].clone();
    account.balance_transactions.add(transaction);
    account.charges.add(charge.clone());
    keep(account, &intent, &session);
    account.emit(&world.ids, now, "payment_intent.succeeded", &intent);
    account.emit(&world.ids, now, "charge.succeeded", &charge);
    account.emit(&world.ids, now, "checkout.session.completed", &session);
    Ok(session)
}

/// Lets the card of a session be declined: the session stays open.
pub(crate) fn decline(
    account: &mut Account,
    world: &World,
    now: i64,
    id: &str,
) -> Result<Value, Closed> {
    let mut session = open(account, now, id)?;
    let mut intent = intent_of(account, world, now, &session);
    intent["status"] = "requires_payment_method".into();
    intent["last_payment_error"] = json!({
        "type": "card_error", "code": "card_declined", "decline_code": "generic_decline",
        "doc_url": "https://stripe.com/docs/error-codes/card-declined",
        "message": "Your card was declined.",
    });
    session["payment_intent"] = intent["id"].clone();
    keep(account, &intent, &session);
    account.emit(&world.ids, now, "payment_intent.payment_failed", &intent);
    Ok(session)
}

/// The intent of an earlier try, or a new one.
fn intent_of(account: &Account, world: &World, now: i64, session: &Value) -> Value {
    let earlier = session["payment_intent"].as_str().and_then(|id| account.intents.get(id));
    if let Some(intent) = earlier {
        return intent.clone();
    }
    let handed_down = session["id"].as_str().and_then(|id| account.intent_data.get(id));
    let handed_down = handed_down.cloned().unwrap_or_default();
    let id = world.ids.mint("pi_3", 23);
    json!({
        "id": id, "object": "payment_intent", "amount": session["amount_total"],
        "amount_capturable": 0, "amount_details": { "tip": {} }, "amount_received": 0,
        "application": null, "application_fee_amount": null, "automatic_payment_methods": null,
        "canceled_at": null, "cancellation_reason": null, "capture_method": "automatic_async",
        "client_secret": format!("{id}_secret_{}", world.ids.mint("", 24)),
        "confirmation_method": "automatic", "created": now, "currency": session["currency"],
        "customer": session["customer"], "description": handed_down["description"],
        "last_payment_error": null, "latest_charge": null, "livemode": false,
        "metadata": handed_down["metadata"], "next_action": null, "on_behalf_of": null,
        "payment_method": null, "payment_method_options": {}, "payment_method_types": ["card"],
        "processing": null, "receipt_email": null, "review": null, "setup_future_usage": null,
        "shipping": null, "source": null, "statement_descriptor": null,
        "statement_descriptor_suffix": null, "status": "requires_payment_method",
        "transfer_data": null, "transfer_group": null,
    })
}

fn keep(account: &mut Account, intent: &Value, session: &Value) {
    let id = |object: &Value| object["id"].as_str().unwrap_or_default().to_owned();
    match account.intents.get_mut(&id(intent)) {
        Some(kept) => kept.clone_from(intent),
        None => account.intents.add(intent.clone()),
    }
    if let Some(kept) = account.sessions.get_mut(&id(session)) {
        kept.clone_from(session);
    }
}

fn payer(session: &Value, customer: Option<&Value>) -> Value {
    let customer = customer.cloned().unwrap_or_default();
    let email = [&customer["email"], &session["customer_email"]];
    let email = email.into_iter().find_map(Value::as_str).unwrap_or("payer@example.com");
    json!({
        "address": {
            "city": null, "country": "ZA", "line1": null, "line2": null, "postal_code": null,
            "state": null,
        },
        "business_name": null, "email": email, "individual_name": null,
        "name": customer["name"].as_str().unwrap_or("Sandbox Payer"), "phone": null,
        "tax_exempt": "none", "tax_ids": [],
    })
}

/// The account's share: what was paid, without Stripe's 2.9 % (rounded) and 30 minor units.
fn balance_transaction(world: &World, now: i64, intent: &Value) -> Value {
    let amount = intent["amount"].as_i64().unwrap_or_default();
    let fee = ((amount * 29 + 500) / 1000 + 30).min(amount);
    json!({
        "id": world.ids.mint("txn_3", 23), "object": "balance_transaction", "amount": amount,
        "available_on": now, "balance_type": "payments", "created": now,
        "currency": intent["currency"], "description": intent["description"],
        "exchange_rate": null, "fee": fee,
        "fee_details": [{
            "amount": fee, "application": null, "currency": intent["currency"],
            "description": "Stripe processing fees", "type": "stripe_fee",
        }],
        "net": amount - fee, "reporting_category": "charge", "source": null,
        "status": "available", "type": "charge",
    })
}

fn charge(
    world: &World,
    now: i64,
    intent: &Value,
    transaction: &Value,
    payer: &Value,
    method: &str,
) -> Value {
    json!({
        "id": world.ids.mint("ch_3", 23), "object": "charge", "amount": intent["amount"],
        "amount_captured": intent["amount"], "amount_refunded": 0, "application": null,
        "application_fee": null, "application_fee_amount": null,
        "balance_transaction": transaction["id"],
        "billing_details": {
            "address": payer["address"], "email": payer["email"], "name": payer["name"],
            "phone": null, "tax_id": null,
        },
        "calculated_statement_descriptor": "SANDBOX", "captured": true, "created": now,
        "currency": intent["currency"], "customer": intent["customer"],
        "description": intent["description"], "disputed": false, "failure_code": null,
        "failure_message": null, "fraud_details": {}, "livemode": false,
        "metadata": intent["metadata"], "on_behalf_of": null,
        "outcome": {
            "network_status": "approved_by_network", "reason": null, "risk_level": "normal",
            "risk_score": 10, "seller_message": "Payment complete.", "type": "authorized",
        },
        "paid": true, "payment_intent": intent["id"], "payment_method": method,
        "payment_method_details": {
            "type": "card",
            "card": {
                "amount_authorized": intent["amount"], "brand": "visa", "country": "US",
                "exp_month": 12, "exp_year": 2034, "funding": "credit", "last4": "4242",
                "network": "visa", "three_d_secure": null, "wallet": null,
            },
        },
        "receipt_email": null, "receipt_number": null, "receipt_url": null, "refunded": false,
        "review": null, "shipping": null, "source_transfer": null, "statement_descriptor": null,
        "statement_descriptor_suffix": null, "status": "succeeded", "transfer_data": null,
        "transfer_group": null,
    })
}
