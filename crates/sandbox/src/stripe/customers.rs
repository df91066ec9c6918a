//! `/v1/customers`.
use serde_json::{Value, json};

use super::{
    desk::{Desk, Operation},
    error::StripeError,
};

/// Make a customer.
pub(crate) const CREATE: Operation = Operation {
    parameters: &["email", "name", "description", "phone", "metadata[*]"],
    act: create,
};

/// Show a customer.
pub(crate) const FIND: Operation = Operation { parameters: &[], act: find };

/// List customers.
pub(crate) const LIST: Operation =
    Operation { parameters: &["limit", "starting_after", "email"], act: list };

fn create(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let form = desk.form;
    let email = form.text("email")?;
    if email.is_some_and(|email| !email.contains('@') || email.len() > 512) {
        let message = format!("Invalid email address: {}", email.unwrap_or_default());
        return Err(StripeError::refused("email", "email_invalid", message));
    }
    let customer = json!({
        "id": desk.world.ids.mint("cus_", 14), "object": "customer", "address": null,
        "balance": 0, "created": desk.now, "currency": null, "default_source": null,
        "delinquent": false, "description": form.text("description")?, "discount": null,
        "email": email, "invoice_prefix": desk.world.ids.mint("", 8).to_uppercase(),
        "invoice_settings": {
            "custom_fields": null, "default_payment_method": null, "footer": null,
            "rendering_options": null,
        },
        "livemode": false, "metadata": form.metadata("metadata")?, "name": form.text("name")?,
        "next_invoice_sequence": 1, "phone": form.text("phone")?, "preferred_locales": [],
        "shipping": null, "tax_exempt": "none", "test_clock": null,
    });
    desk.account.customers.add(customer.clone());
    Ok(customer)
}

fn find(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let found = desk.account.customers.get(desk.id).cloned();
    found.ok_or_else(|| StripeError::no_such(404, "customer", "id", desk.id))
}

fn list(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let email = desk.form.text("email")?;
    desk.account.customers.page(desk.form, "/v1/customers", |customer| {
        email.is_none_or(|email| customer["email"] == email)
    })
}
