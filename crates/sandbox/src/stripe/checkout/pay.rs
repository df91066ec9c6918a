//! Paying a session: the card that is entered is tried first, and what was bought is only made when the
//! money, or in a trial the card, is there.
use serde_json::{Value, json};

use crate::stripe::{
    account::Account,
    cards::{self, Conduct, Decline},
    charging::{self, Purpose, Taken, foresee},
    facts::Facts as _,
    invoices::{collect, make::finalize},
    kind::Kind,
    office::Office,
    payment_methods::{self, conduct},
    setups,
    subscriptions::start::{Sale, first_invoice, start},
};

const DAY: i64 = 24 * 60 * 60;
/// The card of somebody who enters none.
const USUAL_CARD: &str = "4242424242424242";

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

/// What somebody entered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Entered<'a> {
    /// The number of a card.
    pub(crate) card: Option<&'a str>,
    /// An address, where the session has none.
    pub(crate) email: Option<&'a str>,
}

/// How a try went.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// The session is complete.
    Complete(Value),
    /// The session stays open.
    Declined(Value, Decline),
    /// Whoever pays has to approve this intent first.
    Approve(String),
}

/// The session, if it can be paid.
pub(crate) fn open(account: &Account, id: &str) -> Result<Value, Closed> {
    let session = account.get(Kind::Session, id).ok_or(Closed::Unknown)?;
    match session.text("status") {
        "open" => Ok(session.clone()),
        "expired" => Err(Closed::Expired),
        _ => Err(Closed::Paid),
    }
}

/// Tries to pay a session.
pub(crate) fn pay(
    office: &mut Office<'_>,
    id: &str,
    entered: Entered<'_>,
) -> Result<Outcome, Closed> {
    let mut session = open(office.account, id)?;
    let optional = session.is("payment_method_collection", "if_required");
    if session.number("amount_total") == 0 && optional && entered.card.is_none() {
        return Ok(complete(office, session, None, None));
    }
    let card = match cards::by_number(entered.card.unwrap_or(USUAL_CARD)) {
        Ok(card) => card,
        Err(decline) => return Ok(Outcome::Declined(session, decline)),
    };
    let payer = payer(office, &session, entered);
    let mut method = payment_methods::of_card(office, card, &payer);
    method["billing_details"]["address"] = payer["address"].clone();
    office.keep(&method);
    session["_method"] = method["id"].clone();
    session["_payer"] = payer;
    if session.number("amount_total") == 0 {
        return Ok(set_up(office, session, method));
    }
    let mut intent = intent_of(office, &session);
    if foresee(&method) == Taken::Paid {
        prepare(office, &mut session, &mut intent);
    }
    let taken = charging::take(office, &mut intent, &method);
    session["payment_intent"] = intent["id"].clone();
    Ok(match taken {
        Taken::Paid => complete(office, session, Some(method), Some(&intent)),
        Taken::Declined(decline) => {
            office.keep(&session);
            Outcome::Declined(session, decline)
        }
        Taken::ActionRequired => {
            office.keep(&session);
            Outcome::Approve(intent.text("id").to_owned())
        }
    })
}

/// What a session's intent waited for was approved.
pub(crate) fn approve(
    office: &mut Office<'_>,
    id: &str,
    intent: &mut Value,
) -> Result<Outcome, Closed> {
    let mut session = open(office.account, id)?;
    if intent.is("object", "setup_intent") {
        setups::succeed(office, intent);
    } else {
        prepare(office, &mut session, intent);
        charging::approve(office, intent);
    }
    let method = office.get(Kind::PaymentMethod, session.text("_method"));
    let paid = intent.is("object", "payment_intent").then_some(&*intent);
    Ok(complete(office, session, method, paid))
}

/// A card that is declined without anybody entering it.
pub(crate) fn decline(office: &mut Office<'_>, id: &str) -> Result<Outcome, Closed> {
    pay(office, id, Entered { card: Some("4000000000000002"), email: None })
}

fn set_up(office: &mut Office<'_>, mut session: Value, method: Value) -> Outcome {
    let mut setup = setups::setup(office, &session["customer"], &method);
    setup["_session"] = session["id"].clone();
    if session.is("mode", "setup") {
        session["setup_intent"] = setup["id"].clone();
    }
    match conduct(&method) {
        Conduct::Declines(decline) => {
            setups::fail(office, &mut setup, decline);
            Outcome::Declined(session, decline)
        }
        Conduct::AuthenticatesAlways | Conduct::AuthenticatesOnce => {
            setups::ask(office, &mut setup);
            office.keep(&session);
            Outcome::Approve(setup.text("id").to_owned())
        }
        _ => {
            setups::succeed(office, &mut setup);
            complete(office, session, Some(method), None)
        }
    }
}

/// The intent of an earlier try, or a new one.
fn intent_of(office: &mut Office<'_>, session: &Value) -> Value {
    let earlier = session.given("payment_intent");
    if let Some(intent) = earlier.and_then(|id| office.get(Kind::Intent, id)) {
        return intent;
    }
    let data = &session["_intent_data"];
    let subscribes = session.is("mode", "subscription");
    let description =
        if subscribes { json!("Subscription creation") } else { data["description"].clone() };
    let mut intent = charging::intent(
        office,
        &Purpose {
            amount: session.number("amount_total"),
            currency: session.text("currency"),
            customer: &session["customer"],
            description: &description,
            metadata: &data["metadata"],
        },
    );
    intent["_session"] = session["id"].clone();
    intent["setup_future_usage"] =
        if subscribes { "off_session".into() } else { data["setup_future_usage"].clone() };
    if subscribes {
        office.record("payment_intent.created", &intent);
    }
    intent
}

/// Makes the customer that a subscription needs, now that it will be paid.
fn prepare(office: &mut Office<'_>, session: &mut Value, intent: &mut Value) {
    if session.is("mode", "subscription") {
        ensure_customer(office, session);
        intent["customer"] = session["customer"].clone();
    }
}

fn ensure_customer(office: &mut Office<'_>, session: &mut Value) {
    if !session["customer"].is_null() {
        return;
    }
    let mut customer = office.new_customer();
    for name in ["email", "name"] {
        customer[name] = session["_payer"][name].clone();
    }
    session["customer"] = customer["id"].clone();
    office.record("customer.created", &customer);
}

fn complete(
    office: &mut Office<'_>,
    mut session: Value,
    method: Option<Value>,
    intent: Option<&Value>,
) -> Outcome {
    if session["_payer"].is_null() {
        session["_payer"] = payer(office, &session, Entered::default());
    }
    if session.is("mode", "subscription") {
        subscribe(office, &mut session, method, intent);
    } else if let Some(mut method) = method
        && (session.is("mode", "setup")
            || session["_intent_data"]["setup_future_usage"].is_string())
        && let Some(customer) = session["customer"].as_str()
    {
        payment_methods::give(office, &mut method, customer);
    }
    let free = intent.is_none();
    session["status"] = "complete".into();
    session["payment_status"] = if free { "no_payment_required" } else { "paid" }.into();
    session["customer_details"] = session["_payer"].clone();
    session["url"] = Value::Null;
    office.record("checkout.session.completed", &session);
    Outcome::Complete(session)
}

fn subscribe(
    office: &mut Office<'_>,
    session: &mut Value,
    method: Option<Value>,
    intent: Option<&Value>,
) {
    ensure_customer(office, session);
    let customer = session.text("customer").to_owned();
    let paid_with = method.map_or(Value::Null, |mut method| {
        payment_methods::give(office, &mut method, &customer);
        method["id"].clone()
    });
    let sold = session.entries("_items").iter();
    let (recurring, once): (Vec<Value>, Vec<Value>) =
        sold.cloned().partition(|item| item["price"].is("type", "recurring"));
    let items = recurring.iter().map(|item| (item["price"].clone(), item.number("quantity")));
    let items = items.collect();
    let data = session["_subscription_data"].clone();
    let sale = Sale {
        customer: &customer,
        items,
        trial_end: match data["trial_days"].as_i64() {
            Some(days) => Some(office.now + days * DAY),
            None => data["trial_end"].as_i64(),
        },
        method: paid_with,
        metadata: data["metadata"].clone(),
        description: data["description"].clone(),
        without_method: data.text("without_method"),
        mode: data.text("mode"),
        save_method: "off",
    };
    let subscription = start(office, sale);
    let mut invoice = first_invoice(office, &subscription, &once);
    if let Some(intent) = intent {
        invoice["_payment_intent"] = intent["id"].clone();
        for (kind, id) in
            [(Kind::Intent, intent.text("id")), (Kind::Charge, intent.text("latest_charge"))]
        {
            if let Some(kept) = office.account.get_mut(kind, id) {
                kept["_invoice"] = invoice["id"].clone();
            }
        }
    }
    finalize(office, &mut invoice);
    collect::paid(office, &mut invoice, intent.unwrap_or(&Value::Null));
    session["subscription"] = subscription["id"].clone();
    session["invoice"] = invoice["id"].clone();
    // The intent is the invoice's.
    session["payment_intent"] = Value::Null;
}

fn payer(office: &Office<'_>, session: &Value, entered: Entered<'_>) -> Value {
    let customer = office.account.get(Kind::Customer, session.text("customer"));
    let customer = customer.cloned().unwrap_or_default();
    let told = [customer.given("email"), session.given("customer_email"), entered.email];
    let email = told.into_iter().flatten().next().unwrap_or("payer@example.com");
    json!({
        "address": {
            "city": null, "country": "ZA", "line1": null, "line2": null, "postal_code": null,
            "state": null,
        },
        "business_name": null, "email": email, "individual_name": null,
        "name": customer.given("name").unwrap_or("Sandbox Payer"), "phone": null,
        "tax_exempt": "none", "tax_ids": [],
    })
}
