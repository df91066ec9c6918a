//! `/stripe/pay/{session}`: what the payer does.
use std::future::{Ready, ready};

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Bytes, Data, Path},
};

use super::{entered, field, go_to, html, leave, refuse};
use crate::{
    html::answer as page,
    stripe::{
        Stripe,
        checkout::pay::{self as checkout, Closed, Entered, Outcome},
    },
};

/// Show the page.
pub(crate) fn show(stripe: Data<Stripe>, id: Path<String>) -> Ready<HttpResponse> {
    let session = stripe.change(|office| checkout::open(office.account, &id));
    ready(match session {
        Ok(session) => page(StatusCode::OK, html::payment(&session, None)),
        Err(closed) => turn_away(closed),
    })
}

/// Pay.
pub(crate) fn pay(stripe: Data<Stripe>, id: Path<String>, body: Bytes) -> Ready<HttpResponse> {
    let form = entered(&body);
    let entered = Entered { card: field(&form, "card_number"), email: field(&form, "email") };
    ready(answer(stripe.change(|office| checkout::pay(office, &id, entered))))
}

/// Go back without paying. The session stays open.
pub(crate) fn cancel(stripe: Data<Stripe>, id: Path<String>) -> Ready<HttpResponse> {
    let session = stripe.change(|office| checkout::open(office.account, &id));
    ready(match session {
        Ok(session) => {
            let text = "Nothing was paid. You can close this page.";
            leave(&session, "cancel_url", "Cancelled", text)
        }
        Err(closed) => turn_away(closed),
    })
}

/// Try a card that is declined.
pub(crate) fn decline(stripe: Data<Stripe>, id: Path<String>) -> Ready<HttpResponse> {
    ready(answer(stripe.change(|office| checkout::decline(office, &id))))
}

/// How it went.
pub(super) fn answer(outcome: Result<Outcome, Closed>) -> HttpResponse {
    match outcome {
        Ok(Outcome::Complete(session)) => {
            let text = "The payment succeeded. You can close this page.";
            leave(&session, "success_url", "Paid", text)
        }
        Ok(Outcome::Declined(session, decline)) => {
            let html = html::payment(&session, Some(decline.message));
            page(StatusCode::PAYMENT_REQUIRED, html)
        }
        Ok(Outcome::Approve(intent)) => go_to(&format!("/stripe/authenticate/{intent}")),
        Err(closed) => turn_away(closed),
    }
}

fn turn_away(closed: Closed) -> HttpResponse {
    match closed {
        Closed::Unknown => refuse(StatusCode::NOT_FOUND, "There is no such payment."),
        Closed::Paid => refuse(StatusCode::CONFLICT, "This was paid already."),
        Closed::Expired => refuse(StatusCode::GONE, "The time to pay this has passed."),
    }
}
