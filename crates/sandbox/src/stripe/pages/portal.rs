//! `/stripe/portal/{session}`: what a customer does about what is billed.
use std::future::{Ready, ready};

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Bytes, Data, Path},
};
use serde_json::Value;

use super::{entered, field, go_to, html, refuse};
use crate::{
    html::answer as page,
    stripe::{
        Stripe,
        facts::Facts as _,
        form::Form,
        kind::Kind,
        office::Office,
        portal::{self, Replaced, Shut},
        subscriptions::has_ended,
    },
};

/// Show the page.
pub(crate) fn show(stripe: Data<Stripe>, id: Path<String>) -> Ready<HttpResponse> {
    ready(stripe.change(|office| render(office, &id, StatusCode::OK, None)))
}

/// The page as it is now.
pub(super) fn render(
    office: &Office<'_>,
    id: &str,
    status: StatusCode,
    declined: Option<&str>,
) -> HttpResponse {
    let session = match portal::open(office, id) {
        Ok(session) => session,
        Err(shut) => return turn_away(shut),
    };
    let theirs = |one: &&Value| one["customer"] == session["customer"];
    let running = office.account.all(Kind::Subscription).filter(theirs);
    let running: Vec<Value> = running.filter(|one| !has_ended(one)).cloned().collect();
    let cards: Vec<Value> =
        office.account.all(Kind::PaymentMethod).filter(theirs).cloned().collect();
    page(status, html::portal(&session, &running, &cards, declined))
}

/// Let a subscription end with its period.
pub(crate) fn cancel(stripe: Data<Stripe>, id: Path<String>, body: Bytes) -> Ready<HttpResponse> {
    ready(end_or_go_on(&stripe, &id, &entered(&body), true))
}

/// Let a subscription go on.
pub(crate) fn resume(stripe: Data<Stripe>, id: Path<String>, body: Bytes) -> Ready<HttpResponse> {
    ready(end_or_go_on(&stripe, &id, &entered(&body), false))
}

fn end_or_go_on(stripe: &Stripe, id: &str, form: &Form, ends: bool) -> HttpResponse {
    let subscription = field(form, "subscription").unwrap_or_default();
    match stripe.change(|office| portal::end_or_go_on(office, id, subscription, ends)) {
        Ok(session) => back(&session),
        Err(shut) => turn_away(shut),
    }
}

/// Pay with another card from now on.
pub(crate) fn replace_card(
    stripe: Data<Stripe>,
    id: Path<String>,
    body: Bytes,
) -> Ready<HttpResponse> {
    let form = entered(&body);
    let number = field(&form, "card_number").unwrap_or("4242424242424242");
    ready(stripe.change(|office| match portal::replace_card(office, &id, number) {
        Ok(Replaced::Done(session)) => back(&session),
        Ok(Replaced::Approve(setup)) => go_to(&format!("/stripe/authenticate/{setup}")),
        Ok(Replaced::Declined(session, decline)) => {
            let status = StatusCode::PAYMENT_REQUIRED;
            render(office, session.text("id"), status, Some(decline.message))
        }
        Err(shut) => turn_away(shut),
    }))
}

fn back(session: &Value) -> HttpResponse {
    go_to(&format!("/stripe/portal/{}", session.text("id")))
}

fn turn_away(shut: Shut) -> HttpResponse {
    match shut {
        Shut::Unknown => refuse(StatusCode::NOT_FOUND, "There is no such page."),
        Shut::Expired => refuse(StatusCode::GONE, "This page is too old. Ask for a new one."),
        Shut::NotTheirs => refuse(StatusCode::NOT_FOUND, "There is no such subscription."),
    }
}
