//! `/_sandbox/stripe`: what Stripe's own staff, its customers' banks or bad luck would do. JSON, without a
//! key; no vendor has anything like it.
use std::future::{Ready, ready};

use actix_web::{
    HttpResponse,
    web::{Bytes, Data, Path, ServiceConfig, delete, get, post, scope},
};
use serde_json::{Value, json};

use super::{
    Stripe,
    account::News,
    cards::Conduct,
    deliveries::{MOST_COPIES, Order, Signing},
    disputes::{self, Verdict},
    facts::Facts as _,
    kind::Kind,
    office::Office,
    version::is_version,
};

/// The longest that time goes on in one step: ten years.
const LONGEST_ADVANCE: i64 = 10 * 366 * 24 * 60 * 60;

/// Mounts the controls.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(
        scope("/_sandbox/stripe")
            .route("/clock", get().to(|stripe: Data<Stripe>| ready(show_clock(&stripe))))
            .route("/clock", post().to(advance))
            .route("/billing", get().to(show_billing))
            .route("/billing", post().to(set_billing))
            .route("/cards", post().to(set_card))
            .route("/disputes", post().to(open_dispute))
            .route("/disputes/{id}", post().to(decide_dispute))
            .route("/events", post().to(send_event))
            .route("/events/{id}/resend", post().to(resend))
            .route("/deliveries", get().to(show_deliveries))
            .route("/deliveries", post().to(set_deliveries))
            .route("/deliveries", delete().to(lose_deliveries))
            .route("/deliveries/release", post().to(release))
            .route("/faults", get().to(show_faults))
            .route("/faults", post().to(add_fault))
            .route("/faults", delete().to(clear_faults)),
    );
}

type Told = Result<Value, String>;

/// What was told, an empty object where nothing was; or why it cannot be read.
fn read(body: &Bytes) -> Told {
    if body.is_empty() {
        return Ok(json!({}));
    }
    let told: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    if told.is_object() { Ok(told) } else { Err("it is no JSON object".into()) }
}

fn answer(told: Told) -> HttpResponse {
    match told {
        Ok(body) => HttpResponse::Ok().json(body),
        Err(reason) => HttpResponse::BadRequest().json(json!({ "error": reason })),
    }
}

/// Does what is told, on what is kept.
fn act(
    stripe: &Stripe,
    body: &Bytes,
    act: impl FnOnce(&mut Office<'_>, &Value) -> Told,
) -> Ready<HttpResponse> {
    let told = read(body);
    ready(answer(told.and_then(|told| stripe.change(|office| act(office, &told)))))
}

fn show_clock(stripe: &Stripe) -> HttpResponse {
    answer(stripe.change(|office| Ok(clock(office))))
}

fn clock(office: &Office<'_>) -> Value {
    json!({ "now": office.now, "ahead_seconds": office.account.ahead })
}

/// Lets time go on. What falls due on the way happens in its order.
fn advance(stripe: Data<Stripe>, body: Bytes) -> Ready<HttpResponse> {
    let moved = read(&body).and_then(|told| {
        stripe.change(|office| {
            let by = match (told.get("advance_seconds"), told.get("to")) {
                (None, None) => Some(0),
                (Some(by), None) => by.as_i64(),
                (None, Some(to)) => to.as_i64().and_then(|to| to.checked_sub(office.now)),
                (Some(_), Some(_)) => None,
            };
            let by = by.filter(|by| (0..=LONGEST_ADVANCE).contains(by));
            office.account.ahead +=
                by.ok_or("advance_seconds or to: at most ten years, never back")?;
            Ok::<(), String>(())
        })
    });
    ready(match moved {
        Ok(()) => show_clock(&stripe),
        Err(reason) => answer(Err(reason)),
    })
}

fn show_billing(stripe: Data<Stripe>) -> Ready<HttpResponse> {
    ready(answer(stripe.change(|office| Ok(billing(office)))))
}

fn billing(office: &Office<'_>) -> Value {
    let mut shown = office.account.billing.show();
    shown["api_version"] = office.account.api_version.as_str().into();
    shown["account"] = office.account.id.as_str().into();
    shown
}

fn set_billing(stripe: Data<Stripe>, body: Bytes) -> Ready<HttpResponse> {
    act(&stripe, &body, |office, told| {
        if let Some(version) = told.get("api_version") {
            let version = version.as_str().filter(|version| is_version(version));
            version.ok_or("api_version is none")?.clone_into(&mut office.account.api_version);
        }
        office.account.billing.set(told)?;
        Ok(billing(office))
    })
}

/// Lets a card act in another way from now on.
fn set_card(stripe: Data<Stripe>, body: Bytes) -> Ready<HttpResponse> {
    act(&stripe, &body, |office, told| {
        let outcome = told.text("outcome");
        if Conduct::named(outcome).is_none() {
            return Err(format!("`outcome` is one of {}", Conduct::names()));
        }
        let asked = (told.given("payment_method"), told.given("customer"));
        let fits = |method: &&Value| match asked {
            (Some(id), _) => method.is("id", id),
            (None, Some(customer)) => method.is("customer", customer),
            (None, None) => false,
        };
        let methods: Vec<Value> =
            office.account.all(Kind::PaymentMethod).filter(fits).cloned().collect();
        if methods.is_empty() {
            return Err("there is no such payment method or customer with one".into());
        }
        let ids: Vec<Value> = methods.iter().map(|method| method["id"].clone()).collect();
        for mut method in methods {
            method["_conduct"] = outcome.into();
            method["_authenticated"] = Value::Null;
            office.keep(&method);
        }
        Ok(json!({ "payment_methods": ids, "outcome": outcome }))
    })
}

fn open_dispute(stripe: Data<Stripe>, body: Bytes) -> Ready<HttpResponse> {
    act(&stripe, &body, |office, told| {
        let intent = office.account.get(Kind::Intent, told.text("payment_intent"));
        let charge =
            intent.map_or_else(|| told.text("charge"), |intent| intent.text("latest_charge"));
        let charge = office.get(Kind::Charge, charge).filter(|charge| charge.holds("paid"));
        let charge = charge.ok_or("there is no such charge that was paid")?;
        if charge.holds("disputed") {
            return Err("that charge is disputed already".into());
        }
        let whole = charge.number("amount");
        let amount = told.get("amount").map_or(Some(whole), Value::as_i64);
        let amount = amount.filter(|amount| (1..=whole).contains(amount));
        let amount = amount.ok_or("`amount` is not within the charge")?;
        let reason = told.given("reason").unwrap_or("fraudulent");
        Ok(disputes::open(office, &charge, amount, reason))
    })
}

fn decide_dispute(stripe: Data<Stripe>, id: Path<String>, body: Bytes) -> Ready<HttpResponse> {
    act(&stripe, &body, |office, told| {
        let verdict = match told.text("status") {
            "won" => Verdict::Won,
            "lost" => Verdict::Lost,
            _ => return Err("`status` is won or lost".into()),
        };
        let dispute = office.get(Kind::Dispute, &id).ok_or("there is no such dispute")?;
        disputes::decide(office, &dispute, verdict).ok_or("it was decided before".into())
    })
}

/// Sends any event, signed as all are: of a foreign object, of the wrong mode, of an unknown kind.
fn send_event(stripe: Data<Stripe>, body: Bytes) -> Ready<HttpResponse> {
    act(&stripe, &body, |office, told| {
        let kind = told.given("type").ok_or("`type` is missing")?;
        let object = &told["object"];
        if !object.is_object() {
            return Err("`object` is no object".into());
        }
        let mut unusual = told.clone();
        if let Some(fields) = unusual.as_object_mut() {
            fields.remove("type");
            fields.remove("object");
        }
        let news = News { kind, object, before: None, unusual: Some(&unusual) };
        Ok(office.account.emit(&office.world.ids, office.now, news))
    })
}

fn resend(stripe: Data<Stripe>, id: Path<String>, body: Bytes) -> Ready<HttpResponse> {
    act(&stripe, &body, |office, told| {
        let event = office.get(Kind::Event, &id).ok_or("there is no such event")?;
        office.account.send_again(&event, copies(told)?);
        Ok(event)
    })
}

/// How many copies are asked for.
fn copies(told: &Value) -> Result<usize, String> {
    let asked = told.get("copies").map_or(Some(1), Value::as_u64);
    let asked = asked.and_then(|copies| usize::try_from(copies).ok());
    let asked = asked.filter(|copies| (1..=MOST_COPIES).contains(copies));
    asked.ok_or(format!("`copies` is no number from 1 to {MOST_COPIES}"))
}

fn show_deliveries(stripe: Data<Stripe>) -> Ready<HttpResponse> {
    ready(answer(stripe.change(|office| Ok(office.account.deliveries.show()))))
}

fn set_deliveries(stripe: Data<Stripe>, body: Bytes) -> Ready<HttpResponse> {
    act(&stripe, &body, |office, told| {
        let deliveries = &mut office.account.deliveries;
        if let Some(hold) = told.get("hold") {
            deliveries.hold = hold.as_bool().ok_or("`hold` is no boolean")?;
        }
        if let Some(signature) = told.get("signature") {
            let signing = signature.as_str().and_then(Signing::named);
            deliveries.signing =
                signing.ok_or("`signature` is usual, wrong, stale, rolled or v0")?;
        }
        if told.get("copies").is_some() {
            deliveries.copies = copies(told)?;
        }
        Ok(deliveries.show())
    })
}

fn lose_deliveries(stripe: Data<Stripe>) -> Ready<HttpResponse> {
    ready(answer(stripe.change(|office| Ok(json!({ "lost": office.account.deliveries.lose() })))))
}

/// Lets go what was held. New events are still held, where they were.
fn release(stripe: Data<Stripe>, body: Bytes) -> Ready<HttpResponse> {
    let released = read(&body).and_then(|told| {
        let order = match (told.given("order").unwrap_or("made"), &told["seed"]) {
            ("made", _) => Order::Made,
            ("reversed", _) => Order::Reversed,
            ("shuffled", seed) => Order::Shuffled(seed.as_u64().unwrap_or(1)),
            _ => return Err("`order` is made, reversed or shuffled".into()),
        };
        let copies = copies(&told)?;
        Ok(stripe.change(|office| office.account.deliveries.release(order, copies)))
    });
    ready(answer(released.map(|parcels| {
        let events: Vec<&str> = parcels.iter().map(|parcel| parcel.event.as_str()).collect();
        let shown = json!({ "released": events });
        stripe.courier.send_in_turn(parcels);
        shown
    })))
}

fn show_faults(stripe: Data<Stripe>) -> Ready<HttpResponse> {
    ready(answer(stripe.change(|office| Ok(office.account.faults.show()))))
}

fn add_fault(stripe: Data<Stripe>, body: Bytes) -> Ready<HttpResponse> {
    act(&stripe, &body, |office, told| {
        office.account.faults.add(told)?;
        Ok(office.account.faults.show())
    })
}

fn clear_faults(stripe: Data<Stripe>) -> Ready<HttpResponse> {
    ready(answer(stripe.change(|office| {
        office.account.faults.clear();
        Ok(office.account.faults.show())
    })))
}
