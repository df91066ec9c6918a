//! `/stripe/invoice/{invoice}`: what is owed, and a form to pay it.
use std::future::{Ready, ready};

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Bytes, Data, Path},
};

use super::{entered, field, go_to, html, refuse};
use crate::{
    html::answer as page,
    stripe::{
        Stripe,
        cards::{self, Conduct},
        facts::Facts as _,
        invoices::collect::{self, Asked, Collected},
        kind::Kind,
        payment_methods::{self, conduct},
    },
};

const USUAL_CARD: &str = "4242424242424242";

fn nothing() -> HttpResponse {
    refuse(StatusCode::NOT_FOUND, "There is no such invoice.")
}

/// Show the page.
pub(crate) fn show(stripe: Data<Stripe>, path: Path<String>) -> Ready<HttpResponse> {
    let invoice = stripe.change(|office| office.get(Kind::Invoice, &path));
    ready(match invoice.filter(|invoice| !invoice.is("status", "draft")) {
        Some(invoice) => page(StatusCode::OK, html::invoice(&invoice, None)),
        None => nothing(),
    })
}

/// Pay.
pub(crate) fn pay(stripe: Data<Stripe>, path: Path<String>, body: Bytes) -> Ready<HttpResponse> {
    let form = entered(&body);
    ready(stripe.change(|office| {
        let Some(mut invoice) = office.get(Kind::Invoice, &path) else { return nothing() };
        if !invoice.is("status", "open") {
            return refuse(StatusCode::CONFLICT, "This invoice is not open.");
        }
        let declined = |message: &str, invoice: &serde_json::Value| {
            page(StatusCode::PAYMENT_REQUIRED, html::invoice(invoice, Some(message)))
        };
        let card = match cards::by_number(field(&form, "card_number").unwrap_or(USUAL_CARD)) {
            Ok(card) => card,
            Err(decline) => return declined(decline.message, &invoice),
        };
        let customer = office.get(Kind::Customer, invoice.text("customer")).unwrap_or_default();
        let mut method = payment_methods::of_card(office, card, &customer);
        office.keep(&method);
        if !matches!(conduct(&method), Conduct::Declines(_)) {
            payment_methods::give(office, &mut method, customer.text("id"));
        }
        match collect::collect(office, &mut invoice, Some(method), Asked::BySomebody) {
            Collected::Paid => {
                let text = "The invoice is paid. You can close this page.";
                page(StatusCode::OK, html::notice("Paid", text))
            }
            Collected::Declined(decline) => declined(decline.message, &invoice),
            Collected::ActionRequired => {
                go_to(&format!("/stripe/authenticate/{}", invoice.text("_payment_intent")))
            }
            Collected::NoPaymentMethod => declined("Enter a card.", &invoice),
        }
    }))
}
