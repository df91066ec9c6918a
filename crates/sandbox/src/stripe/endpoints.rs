//! `/v1/webhook_endpoints`. The secret is told once, when the endpoint is made.
use serde_json::{Value, json};

use super::{
    API_VERSION,
    desk::{Desk, Operation},
    error::StripeError,
};

/// Make an endpoint.
pub(crate) const CREATE: Operation = Operation {
    parameters: &["url", "enabled_events[#]", "description", "metadata[*]"],
    act: create,
};

/// Show an endpoint.
pub(crate) const FIND: Operation = Operation { parameters: &[], act: find };

/// List endpoints.
pub(crate) const LIST: Operation =
    Operation { parameters: &["limit", "starting_after"], act: list };

/// Take an endpoint away.
pub(crate) const DELETE: Operation = Operation { parameters: &[], act: delete };

fn create(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let form = desk.form;
    let url = form.url("url")?.ok_or_else(|| StripeError::missing("url"))?;
    let kinds = form.texts("enabled_events");
    if kinds.is_empty() {
        return Err(StripeError::missing("enabled_events"));
    }
    let endpoint = json!({
        "id": desk.world.ids.mint("we_1", 23), "object": "webhook_endpoint",
        "api_version": API_VERSION, "application": null, "created": desk.now,
        "description": form.text("description")?, "enabled_events": kinds, "livemode": false,
        "metadata": form.metadata("metadata")?, "secret": desk.world.ids.mint("whsec_", 32),
        "status": "enabled", "url": url,
    });
    desk.account.endpoints.add(endpoint.clone());
    Ok(endpoint)
}

fn find(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let found = desk.account.endpoints.get(desk.id).cloned();
    let found = found.ok_or_else(|| StripeError::no_such(404, "webhook endpoint", "id", desk.id));
    found.map(without_secret)
}

fn list(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let mut page = desk.account.endpoints.page(desk.form, "/v1/webhook_endpoints", |_| true)?;
    if let Some(endpoints) = page["data"].as_array_mut() {
        *endpoints = endpoints.drain(..).map(without_secret).collect();
    }
    Ok(page)
}

fn delete(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    if desk.account.endpoints.remove(desk.id) {
        return Ok(json!({ "id": desk.id, "object": "webhook_endpoint", "deleted": true }));
    }
    Err(StripeError::no_such(404, "webhook endpoint", "id", desk.id))
}

fn without_secret(mut endpoint: Value) -> Value {
    if let Some(fields) = endpoint.as_object_mut() {
        fields.remove("secret");
    }
    endpoint
}
