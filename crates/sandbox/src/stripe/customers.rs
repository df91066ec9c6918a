//! `/v1/customers`. That one was made is told to nobody; that it was changed or deleted is.
use serde_json::{Value, json};

use super::{
    desk::{Desk, Operation},
    error::StripeError,
    facts::Facts as _,
    form::Form,
    kind::Kind,
    office::Office,
    payment_methods, subscriptions,
};

const TEXTS: [&str; 4] = ["email", "name", "description", "phone"];

/// Make a customer.
pub(crate) const CREATE: Operation = Operation {
    parameters: &[
        "email",
        "name",
        "description",
        "phone",
        "payment_method",
        "invoice_settings[default_payment_method]",
        "metadata[*]",
    ],
    act: create,
};

/// Show a customer.
pub(crate) const FIND: Operation =
    Operation { parameters: &[], act: |desk| desk.found(Kind::Customer) };

/// Change a customer.
pub(crate) const UPDATE: Operation = Operation {
    parameters: &[
        "email",
        "name",
        "description",
        "phone",
        "balance",
        "invoice_settings[default_payment_method]",
        "metadata",
        "metadata[*]",
    ],
    act: update,
};

/// List customers.
pub(crate) const LIST: Operation =
    Operation { parameters: &["limit", "starting_after", "ending_before", "email"], act: list };

/// Delete a customer, whose subscriptions end.
pub(crate) const DELETE: Operation = Operation { parameters: &[], act: delete };

impl Office<'_> {
    /// The customer with this id, who was not deleted.
    pub(crate) fn customer(&self, param: &str, id: &str) -> Result<Value, StripeError> {
        let found = self.get(Kind::Customer, id).filter(|customer| !customer.holds("deleted"));
        let status = if param == "id" { 404 } else { 400 };
        found.ok_or_else(|| StripeError::no_such(status, "customer", param, id))
    }

    /// A customer without anything. It is not kept yet.
    pub(crate) fn new_customer(&self) -> Value {
        json!({
            "id": self.mint("cus_", 14), "object": "customer", "address": null, "balance": 0,
            "created": self.now, "currency": null, "customer_account": null,
            "default_source": null, "delinquent": false, "description": null, "discount": null,
            "email": null, "invoice_prefix": self.mint("", 8).to_uppercase(),
            "invoice_settings": {
                "custom_fields": null, "default_payment_method": null, "footer": null,
                "rendering_options": null,
            },
            "livemode": false, "metadata": {}, "name": null, "next_invoice_sequence": 1,
            "phone": null, "preferred_locales": [], "shipping": null, "tax_exempt": "none",
            "test_clock": null,
        })
    }
}

fn fill(customer: &mut Value, form: &Form) -> Result<(), StripeError> {
    let email = form.given("email").filter(|email| !email.is_empty());
    if email.is_some_and(|email| !email.contains('@') || email.len() > 512) {
        let message = format!("Invalid email address: {}", email.unwrap_or_default());
        return Err(StripeError::refused("email", "email_invalid", message));
    }
    for name in TEXTS {
        if let Some(value) = form.given(name) {
            customer[name] = if value.is_empty() { Value::Null } else { value.into() };
        }
    }
    customer["metadata"] = form.merged("metadata", &customer["metadata"])?;
    Ok(())
}

fn create(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let form = desk.form;
    for name in TEXTS {
        form.text(name)?;
    }
    let mut office = desk.office();
    let mut customer = office.new_customer();
    fill(&mut customer, form)?;
    let id = customer.text("id").to_owned();
    let given = form.text("payment_method")?;
    if let Some(method) = given {
        let mut method = payment_methods::named(&mut office, "payment_method", method)?;
        payment_methods::give(&mut office, &mut method, &id);
        let default = form.text("invoice_settings[default_payment_method]")?;
        if default.is_some_and(|default| given == Some(default) || method.is("id", default)) {
            customer["invoice_settings"]["default_payment_method"] = method["id"].clone();
        }
    }
    office.keep(&customer);
    Ok(customer)
}

fn update(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let (form, id) = (desk.form, desk.id);
    let mut office = desk.office();
    let mut customer = office.customer("id", id)?;
    fill(&mut customer, form)?;
    if let Some(balance) = form.integer("balance")? {
        customer["balance"] = balance.into();
    }
    let name = "invoice_settings[default_payment_method]";
    match form.given(name) {
        None => {}
        Some("") => customer["invoice_settings"]["default_payment_method"] = Value::Null,
        Some(method) => {
            let method = payment_methods::of_customer(&mut office, name, method, id)?;
            customer["invoice_settings"]["default_payment_method"] = method["id"].clone();
        }
    }
    office.change("customer.updated", &customer);
    Ok(customer)
}

fn list(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let email = desk.form.text("email")?;
    desk.page(Kind::Customer, |customer| {
        !customer.holds("deleted") && email.is_none_or(|email| customer.is("email", email))
    })
}

fn delete(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let id = desk.id;
    let mut office = desk.office();
    let customer = office.customer("id", id)?;
    let theirs = |one: &&Value| one.is("customer", id) && !subscriptions::has_ended(one);
    let running: Vec<Value> =
        office.account.all(Kind::Subscription).filter(theirs).cloned().collect();
    for subscription in running {
        subscriptions::end(&mut office, subscription, "cancellation_requested");
    }
    let theirs = |one: &&Value| one.is("customer", id);
    let methods: Vec<Value> =
        office.account.all(Kind::PaymentMethod).filter(theirs).cloned().collect();
    for mut method in methods {
        payment_methods::take_away(&mut office, &mut method);
    }
    office.tell("customer.deleted", &customer);
    let gone = json!({ "id": id, "object": "customer", "deleted": true });
    office.keep(&gone);
    Ok(gone)
}
