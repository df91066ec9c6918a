//! `/stripe/pay/{session}`: what the payer does.
use std::future::{Ready, ready};

use actix_web::{
    HttpResponse,
    http::{StatusCode, header::LOCATION},
    web::{Data, Path},
};
use serde_json::Value;

use super::{
    Stripe, html,
    payments::{self, Closed},
};
use crate::html::answer as page;

/// Show the page.
pub(crate) fn show(stripe: Data<Stripe>, id: Path<String>) -> Ready<HttpResponse> {
    let now = stripe.world.unix();
    ready(answer(stripe.change(|account| {
        let session = payments::open(account, now, &id)?;
        let items = account.line_items.get(id.as_str()).cloned().unwrap_or_default();
        Ok(page(StatusCode::OK, html::payment(&session, &items, false)))
    })))
}

/// Pay.
pub(crate) fn pay(stripe: Data<Stripe>, id: Path<String>) -> Ready<HttpResponse> {
    let now = stripe.world.unix();
    let paid = stripe.change(|account| payments::pay(account, &stripe.world, now, &id));
    ready(answer(paid.map(|session| {
        leave(&session, "success_url", "Paid", "The payment succeeded. You can close this page.")
    })))
}

/// Go back without paying. The session stays open.
pub(crate) fn cancel(stripe: Data<Stripe>, id: Path<String>) -> Ready<HttpResponse> {
    let now = stripe.world.unix();
    let session = stripe.change(|account| payments::open(account, now, &id));
    ready(answer(session.map(|session| {
        leave(&session, "cancel_url", "Cancelled", "Nothing was paid. You can close this page.")
    })))
}

/// Try a card that is declined.
pub(crate) fn decline(stripe: Data<Stripe>, id: Path<String>) -> Ready<HttpResponse> {
    let now = stripe.world.unix();
    ready(answer(stripe.change(|account| {
        let session = payments::decline(account, &stripe.world, now, &id)?;
        let items = account.line_items.get(id.as_str()).cloned().unwrap_or_default();
        Ok(page(StatusCode::PAYMENT_REQUIRED, html::payment(&session, &items, true)))
    })))
}

fn leave(session: &Value, url: &str, title: &str, text: &str) -> HttpResponse {
    let Some(url) = session[url].as_str() else {
        return page(StatusCode::OK, html::notice(title, text));
    };
    let url = url.replace("{CHECKOUT_SESSION_ID}", session["id"].as_str().unwrap_or_default());
    HttpResponse::SeeOther().insert_header((LOCATION, url)).finish()
}

fn answer(outcome: Result<HttpResponse, Closed>) -> HttpResponse {
    let refuse = |status, text| page(status, html::notice("Something went wrong", text));
    match outcome {
        Ok(response) => response,
        Err(Closed::Unknown) => refuse(StatusCode::NOT_FOUND, "There is no such payment."),
        Err(Closed::Paid) => refuse(StatusCode::CONFLICT, "This was paid already."),
        Err(Closed::Expired) => refuse(StatusCode::GONE, "The time to pay this has passed."),
    }
}
