//! `/stripe/authenticate/{intent}`: what the bank asks the owner of a card (3-D Secure).
use std::future::{Ready, ready};

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use serde_json::Value;

use super::{go_to, html, pay, portal, refuse as turn_away};
use crate::{
    html::answer as page,
    stripe::{
        Stripe,
        cards::NOT_AUTHENTICATED,
        charging,
        checkout::pay::{self as checkout, Outcome},
        facts::Facts as _,
        invoices::collect,
        kind::Kind,
        office::Office,
        portal as billing, setups,
    },
};

/// The intent that waits to be approved.
fn waiting(office: &Office<'_>, id: &str) -> Option<Value> {
    let found = office.get(Kind::Intent, id).or_else(|| office.get(Kind::SetupIntent, id));
    found.filter(|intent| intent.is("status", "requires_action"))
}

fn nothing_waits() -> HttpResponse {
    turn_away(StatusCode::NOT_FOUND, "There is nothing to approve.")
}

/// Show the page.
pub(crate) fn show(stripe: Data<Stripe>, id: Path<String>) -> Ready<HttpResponse> {
    let intent = stripe.change(|office| waiting(office, &id));
    ready(match intent {
        Some(intent) => page(StatusCode::OK, html::authentication(&intent)),
        None => nothing_waits(),
    })
}

/// It is me.
pub(crate) fn approve(stripe: Data<Stripe>, id: Path<String>) -> Ready<HttpResponse> {
    ready(stripe.change(|office| {
        let Some(mut intent) = waiting(office, &id) else { return nothing_waits() };
        if let Some(invoice) = intent.given("_invoice") {
            let invoice = office.get(Kind::Invoice, invoice);
            let Some(mut invoice) = invoice else { return nothing_waits() };
            charging::approve(office, &mut intent);
            collect::paid(office, &mut invoice, &intent);
            return go_to(&format!("/stripe/invoice/{}", invoice.text("id")));
        }
        if let Some(session) = intent.given("_portal").map(str::to_owned) {
            billing::adopt(office, &mut intent);
            return go_to(&format!("/stripe/portal/{session}"));
        }
        let session = intent.text("_session").to_owned();
        pay::answer(checkout::approve(office, &session, &mut intent))
    }))
}

/// It is not me.
pub(crate) fn refuse(stripe: Data<Stripe>, id: Path<String>) -> Ready<HttpResponse> {
    ready(stripe.change(|office| {
        let Some(mut intent) = waiting(office, &id) else { return nothing_waits() };
        if intent.is("object", "setup_intent") {
            setups::fail(office, &mut intent, NOT_AUTHENTICATED);
        } else {
            charging::refuse(office, &mut intent);
        }
        let message = NOT_AUTHENTICATED.message;
        if let Some(invoice) = office.get(Kind::Invoice, intent.text("_invoice")) {
            office.tell("invoice.payment_failed", &invoice);
            let html = html::invoice(&invoice, Some(message));
            return page(StatusCode::PAYMENT_REQUIRED, html);
        }
        if let Some(session) = intent.given("_portal") {
            let status = StatusCode::PAYMENT_REQUIRED;
            return portal::render(office, session, status, Some(message));
        }
        let session = checkout::open(office.account, intent.text("_session"));
        pay::answer(session.map(|session| Outcome::Declined(session, NOT_AUTHENTICATED)))
    }))
}
