//! `/v1/webhook_endpoints`. The secret is told once, when the endpoint is made. Its events come in the
//! version that it names, or in the account's.
use serde_json::{Value, json};

use super::{
    desk::{Desk, Operation},
    error::StripeError,
    form::Form,
    kind::Kind,
    version::is_version,
};

/// Make an endpoint.
pub(crate) const CREATE: Operation = Operation {
    parameters: &["url", "enabled_events[#]", "api_version", "description", "metadata[*]"],
    act: create,
};

/// Show an endpoint.
pub(crate) const FIND: Operation =
    Operation { parameters: &[], act: |desk| desk.found(Kind::Endpoint) };

/// Change an endpoint.
pub(crate) const UPDATE: Operation = Operation {
    parameters: &["url", "enabled_events[#]", "disabled", "description", "metadata", "metadata[*]"],
    act: update,
};

/// List endpoints.
pub(crate) const LIST: Operation = Operation {
    parameters: &["limit", "starting_after", "ending_before"],
    act: |desk| desk.page(Kind::Endpoint, |_| true),
};

/// Take an endpoint away.
pub(crate) const DELETE: Operation = Operation { parameters: &[], act: delete };

fn create(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let form = desk.form;
    let url = form.url("url")?.ok_or_else(|| StripeError::missing("url"))?;
    let kinds = form.texts("enabled_events");
    if kinds.is_empty() {
        return Err(StripeError::missing("enabled_events"));
    }
    let version = form.text("api_version")?;
    if let Some(version) = version.filter(|version| !is_version(version)) {
        let message = format!("Invalid Stripe API version: {version}");
        return Err(StripeError::invalid("api_version", message));
    }
    let secret = desk.world.ids.mint("whsec_", 32);
    let mut endpoint = json!({
        "id": desk.world.ids.mint("we_1", 23), "object": "webhook_endpoint",
        "api_version": version, "application": null, "created": desk.now,
        "description": form.text("description")?, "enabled_events": kinds, "livemode": false,
        "metadata": form.metadata("metadata")?, "status": "enabled", "url": url,
        "_secret": secret,
    });
    desk.account.put(&endpoint);
    endpoint["secret"] = secret.into();
    Ok(endpoint)
}

fn update(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let mut endpoint = desk.found(Kind::Endpoint)?;
    let form: &Form = desk.form;
    if let Some(url) = form.url("url")? {
        endpoint["url"] = url.into();
    }
    let kinds = form.texts("enabled_events");
    if !kinds.is_empty() {
        endpoint["enabled_events"] = kinds.into();
    }
    if let Some(disabled) = form.switch("disabled")? {
        endpoint["status"] = if disabled { "disabled" } else { "enabled" }.into();
    }
    if let Some(description) = form.given("description") {
        endpoint["description"] = description.into();
    }
    endpoint["metadata"] = form.merged("metadata", &endpoint["metadata"])?;
    desk.account.put(&endpoint);
    Ok(endpoint)
}

fn delete(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    desk.found(Kind::Endpoint)?;
    desk.account.shelf(Kind::Endpoint).remove(desk.id);
    Ok(json!({ "id": desk.id, "object": "webhook_endpoint", "deleted": true }))
}
