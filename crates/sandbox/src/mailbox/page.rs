//! `/mailbox`: what was sent, for people and for programs.
use std::future::{Ready, ready};

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Path, Query},
};
use serde::Deserialize;
use serde_json::Value;

use super::{Mailbox, html};
use crate::html::answer;

/// Which mails are wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    to: Option<String>,
}

/// Show all mails.
pub(crate) fn list(mailbox: Data<Mailbox>) -> Ready<HttpResponse> {
    ready(answer(StatusCode::OK, html::list(&mailbox.newest(), &mailbox.url)))
}

/// Show one mail.
pub(crate) fn show(mailbox: Data<Mailbox>, id: Path<String>) -> Ready<HttpResponse> {
    ready(match mailbox.find(&id) {
        Some(message) => answer(StatusCode::OK, html::message(&message)),
        None => answer(StatusCode::NOT_FOUND, html::missing()),
    })
}

/// Hand out mails.
pub(crate) fn messages(mailbox: Data<Mailbox>, wanted: Query<Wanted>) -> Ready<HttpResponse> {
    // In a query a plus means a space unless it is encoded, which is easily forgotten.
    let to = wanted.into_inner().to.map(|to| to.replace(' ', "+"));
    let newest = mailbox.newest();
    let wanted = newest.iter().filter(|message| to.as_ref().is_none_or(|to| message.reached(to)));
    let messages: Vec<Value> = wanted.map(|message| message.json()).collect();
    ready(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(messages))
}

/// Throw all mails away.
pub(crate) fn empty(mailbox: Data<Mailbox>) -> Ready<HttpResponse> {
    mailbox.empty();
    ready(HttpResponse::NoContent().finish())
}
