//! `/v1/events`.
use serde_json::Value;

use super::{
    desk::{Desk, Operation},
    error::StripeError,
};

/// Show an event.
pub(crate) const FIND: Operation = Operation { parameters: &[], act: find };

/// List events.
pub(crate) const LIST: Operation = Operation {
    parameters: &[
        "limit",
        "starting_after",
        "type",
        "types[#]",
        "created[gt]",
        "created[gte]",
        "created[lt]",
        "created[lte]",
    ],
    act: list,
};

fn find(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let found = desk.account.events.get(desk.id).cloned();
    found.ok_or_else(|| StripeError::no_such(404, "event", "id", desk.id))
}

fn list(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let form = desk.form;
    let mut kinds = form.texts("types");
    kinds.extend(form.text("type")?);
    let after = form.integer("created[gt]")?.unwrap_or(i64::MIN);
    let from = form.integer("created[gte]")?.unwrap_or(i64::MIN);
    let before = form.integer("created[lt]")?.unwrap_or(i64::MAX);
    let until = form.integer("created[lte]")?.unwrap_or(i64::MAX);
    desk.account.events.page(form, "/v1/events", |event| {
        let created = event["created"].as_i64().unwrap_or_default();
        let in_time = created > after && created >= from && created < before && created <= until;
        in_time && (kinds.is_empty() || kinds.iter().any(|kind| event["type"] == *kind))
    })
}
