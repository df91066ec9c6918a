//! What people do: pay, approve what their bank asks, pay what is owed, look after their billing.
mod authenticate;
mod html;
mod invoice;
mod pay;
mod portal;

use actix_web::{
    HttpResponse,
    http::{StatusCode, header::LOCATION},
    web::{Bytes, ServiceConfig, get, post, scope},
};
use serde_json::Value;

use super::{facts::Facts as _, form::Form};
use crate::html::answer as page;

/// Mounts the pages.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(
            scope("/stripe/pay")
                .route("/{id}", get().to(pay::show))
                .route("/{id}", post().to(pay::pay))
                .route("/{id}/cancel", post().to(pay::cancel))
                .route("/{id}/decline", post().to(pay::decline)),
        )
        .service(
            scope("/stripe/authenticate")
                .route("/{id}", get().to(authenticate::show))
                .route("/{id}/approve", post().to(authenticate::approve))
                .route("/{id}/refuse", post().to(authenticate::refuse)),
        )
        .service(
            scope("/stripe/invoice")
                .route("/{id}", get().to(invoice::show))
                .route("/{id}/pdf", get().to(invoice::show))
                .route("/{id}", post().to(invoice::pay)),
        )
        .service(
            scope("/stripe/portal")
                .route("/{id}", get().to(portal::show))
                .route("/{id}/cancel", post().to(portal::cancel))
                .route("/{id}/resume", post().to(portal::resume))
                .route("/{id}/payment_method", post().to(portal::replace_card)),
        );
}

/// What was entered; nothing where it cannot be read.
fn entered(body: &Bytes) -> Form {
    let text = std::str::from_utf8(body).unwrap_or_default();
    Form::parse(text).unwrap_or_default()
}

/// A field that somebody filled in.
fn field<'a>(form: &'a Form, name: &str) -> Option<&'a str> {
    form.given(name).map(str::trim).filter(|text| !text.is_empty())
}

fn go_to(url: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, url)).finish()
}

fn refuse(status: StatusCode, text: &str) -> HttpResponse {
    page(status, html::notice("Something went wrong", text))
}

/// Where a session sends its payer, or a page that says how it went.
fn leave(session: &Value, url: &str, title: &str, text: &str) -> HttpResponse {
    let Some(url) = session[url].as_str() else {
        return page(StatusCode::OK, html::notice(title, text));
    };
    go_to(&url.replace("{CHECKOUT_SESSION_ID}", session.text("id")))
}
