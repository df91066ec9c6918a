//! `/v1/payment_methods`: cards, and whose they are.
use serde_json::{Value, json};

use super::{
    cards::{Card, Conduct, by_number, by_token},
    desk::{Desk, Operation},
    error::StripeError,
    facts::Facts as _,
    form::Form,
    kind::Kind,
    office::Office,
};

const MONTH: i64 = 12;
const YEAR: i64 = 2034;

/// Make a payment method of a card.
pub(crate) const CREATE: Operation = Operation {
    parameters: &[
        "type",
        "card[number]",
        "card[exp_month]",
        "card[exp_year]",
        "card[cvc]",
        "card[token]",
        "billing_details[email]",
        "billing_details[name]",
        "billing_details[phone]",
        "metadata[*]",
    ],
    act: create,
};

/// Show a payment method.
pub(crate) const FIND: Operation =
    Operation { parameters: &[], act: |desk| desk.found(Kind::PaymentMethod) };

/// Change what is noted beside a payment method.
pub(crate) const UPDATE: Operation = Operation {
    parameters: &[
        "billing_details[email]",
        "billing_details[name]",
        "billing_details[phone]",
        "card[exp_month]",
        "card[exp_year]",
        "metadata",
        "metadata[*]",
    ],
    act: update,
};

/// List a customer's payment methods.
pub(crate) const LIST: Operation = Operation {
    parameters: &["limit", "starting_after", "ending_before", "customer", "type"],
    act: |desk| {
        let form = desk.form;
        let customer = form.required("customer")?;
        list(desk, customer)
    },
};

/// List the payment methods of the customer in the path.
pub(crate) const OF_CUSTOMER: Operation = Operation {
    parameters: &["limit", "starting_after", "ending_before", "type"],
    act: |desk| {
        let id = desk.id;
        list(desk, id)
    },
};

/// Give a payment method to a customer.
pub(crate) const ATTACH: Operation = Operation { parameters: &["customer"], act: attach };

/// Take a payment method from its customer, for good.
pub(crate) const DETACH: Operation = Operation { parameters: &[], act: detach };

/// What a payment method does when it is charged now.
pub(crate) fn conduct(method: &Value) -> Conduct {
    let told = method.given("_conduct").and_then(Conduct::named);
    let own = || by_number(method.text("_number")).map(|card| card.conduct);
    let conduct = told.map_or_else(own, Ok).unwrap_or(Conduct::Pays);
    let shown = method.holds("_authenticated");
    if conduct == Conduct::AuthenticatesOnce && shown { Conduct::Pays } else { conduct }
}

/// A payment method of this card. It is not kept yet.
pub(crate) fn of_card(office: &Office<'_>, card: Card, payer: &Value) -> Value {
    json!({
        "id": office.mint("pm_1", 23), "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {
            "address": {
                "city": null, "country": "ZA", "line1": null, "line2": null,
                "postal_code": null, "state": null,
            },
            "email": payer["email"], "name": payer["name"], "phone": payer["phone"],
            "tax_id": null,
        },
        "card": card.show(MONTH, YEAR), "created": office.now, "customer": null,
        "customer_account": null, "livemode": false, "metadata": {}, "type": "card",
        "_number": card.number,
    })
}

/// The payment method with this id: one that is kept, or a new one of a test card's token.
pub(crate) fn named(office: &mut Office<'_>, param: &str, id: &str) -> Result<Value, StripeError> {
    if let Some(card) = by_token(id) {
        let method = of_card(office, card, &Value::Null);
        office.keep(&method);
        return Ok(method);
    }
    let found = office.get(Kind::PaymentMethod, id);
    found.ok_or_else(|| StripeError::no_such(400, Kind::PaymentMethod.noun(), param, id))
}

/// Gives a payment method to a customer, and tells of it.
pub(crate) fn give(office: &mut Office<'_>, method: &mut Value, customer: &str) {
    method["customer"] = customer.into();
    method["allow_redisplay"] = "limited".into();
    office.record("payment_method.attached", method);
}

/// The payment method that a customer can be charged with, by this id.
pub(crate) fn of_customer(
    office: &mut Office<'_>,
    param: &str,
    id: &str,
    customer: &str,
) -> Result<Value, StripeError> {
    let mut method = named(office, param, id)?;
    if method["customer"].is_null() && by_token(id).is_some() {
        give(office, &mut method, customer);
    }
    if !method.is("customer", customer) {
        let message = format!(
            "The customer does not have a payment method with the ID {id}. The payment method \
             must be attached to the customer."
        );
        return Err(StripeError::refused(param, "resource_missing", message));
    }
    Ok(method)
}

fn create(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let form = desk.form;
    form.required("type")?;
    form.word("type", &["card"])?;
    let card = match form.text("card[token]")? {
        Some(token) => by_token(&token.replacen("tok_", "pm_card_", 1))
            .ok_or_else(|| StripeError::no_such(400, "token", "card[token]", token))?,
        None => by_number(form.required("card[number]")?)
            .map_err(|decline| StripeError::declined(decline, None))?,
    };
    let mut office = desk.office();
    let mut method = of_card(&office, card, &Value::Null);
    fill(&mut method, form)?;
    office.keep(&method);
    Ok(method)
}

fn fill(method: &mut Value, form: &Form) -> Result<(), StripeError> {
    for name in ["email", "name", "phone"] {
        if let Some(value) = form.text(&format!("billing_details[{name}]"))? {
            method["billing_details"][name] = value.into();
        }
    }
    for (name, range) in [("exp_month", 1..=12), ("exp_year", 2000..=2100)] {
        let param = format!("card[{name}]");
        let Some(value) = form.integer(&param)? else { continue };
        if !range.contains(&value) {
            let (code, message) = match name {
                "exp_month" => ("invalid_expiry_month", "Your card's expiration month is invalid."),
                _ => ("invalid_expiry_year", "Your card's expiration year is invalid."),
            };
            return Err(StripeError::refused(&param, code, message));
        }
        method["card"][name] = value.into();
    }
    method["metadata"] = form.merged("metadata", &method["metadata"])?;
    Ok(())
}

fn update(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let mut method = desk.found(Kind::PaymentMethod)?;
    if method["customer"].is_null() {
        let message = "You must save this PaymentMethod to a customer before you can update it.";
        return Err(StripeError::state(None, message));
    }
    fill(&mut method, desk.form)?;
    desk.office().change("payment_method.updated", &method);
    Ok(method)
}

fn list(desk: &mut Desk<'_>, customer: &str) -> Result<Value, StripeError> {
    desk.form.word("type", &["card"])?;
    let param = if desk.id.is_empty() { "customer" } else { "id" };
    desk.office().customer(param, customer)?;
    desk.page(Kind::PaymentMethod, |method| method.is("customer", customer))
}

fn attach(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let form = desk.form;
    let (id, customer) = (desk.id, form.required("customer")?);
    let mut office = desk.office();
    office.customer("customer", customer)?;
    let mut method = named(&mut office, "payment_method", id)?;
    if let Conduct::Declines(decline) = conduct(&method) {
        return Err(StripeError::declined(decline, None));
    }
    if method.holds("_detached") {
        let message = "The payment method you provided was previously used or detached. It can \
                       not be used again.";
        return Err(StripeError::state(None, message));
    }
    match method["customer"].as_str() {
        Some(owner) if owner == customer => {}
        Some(_) => {
            let message =
                "The payment method you provided has already been attached to a customer.";
            return Err(StripeError::state(None, message));
        }
        None => give(&mut office, &mut method, customer),
    }
    Ok(method)
}

fn detach(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let mut method = desk.found(Kind::PaymentMethod)?;
    if method["customer"].is_null() {
        let message = "The payment method you provided is not attached to a customer so detachment \
                       is impossible.";
        return Err(StripeError::state(None, message));
    }
    take_away(&mut desk.office(), &mut method);
    Ok(method)
}

/// Takes a payment method from its customer, and from everything that would charge it.
pub(crate) fn take_away(office: &mut Office<'_>, method: &mut Value) {
    let (id, owner) = (method["id"].clone(), method.text("customer").to_owned());
    if let Some(mut customer) = office.get(Kind::Customer, &owner)
        && customer["invoice_settings"]["default_payment_method"] == id
    {
        customer["invoice_settings"]["default_payment_method"] = Value::Null;
        office.change("customer.updated", &customer);
    }
    let charges = |one: &&Value| one["default_payment_method"] == id;
    let running: Vec<Value> =
        office.account.all(Kind::Subscription).filter(charges).cloned().collect();
    for mut subscription in running {
        subscription["default_payment_method"] = Value::Null;
        office.change("customer.subscription.updated", &subscription);
    }
    method["customer"] = Value::Null;
    method["_detached"] = true.into();
    office.change("payment_method.detached", method);
}
