//! `/v1/events`.
use serde_json::Value;

use super::{
    desk::{Desk, Operation},
    error::StripeError,
    facts::Facts as _,
    kind::Kind,
};

/// Show an event.
pub(crate) const FIND: Operation =
    Operation { parameters: &[], act: |desk| desk.found(Kind::Event) };

/// List events.
pub(crate) const LIST: Operation = Operation {
    parameters: &[
        "limit",
        "starting_after",
        "ending_before",
        "type",
        "types[#]",
        "delivery_success",
        "created[gt]",
        "created[gte]",
        "created[lt]",
        "created[lte]",
    ],
    act: list,
};

fn list(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let form = desk.form;
    let mut kinds = form.texts("types");
    kinds.extend(form.text("type")?);
    let (created, delivered) = (form.span("created")?, form.switch("delivery_success")?);
    let is = |event: &Value, kind: &str| match kind.strip_suffix('*') {
        Some(start) => event.text("type").starts_with(start),
        None => event.is("type", kind),
    };
    desk.page(Kind::Event, |event| {
        created.contains(&event.number("created"))
            && delivered.is_none_or(|done| done == (event.number("pending_webhooks") == 0))
            && (kinds.is_empty() || kinds.iter().any(|kind| is(event, kind)))
    })
}
