//! `/v1/checkout/sessions` in mode `payment`. How a session is paid is the page's.
use serde_json::{Value, json};

use super::{
    desk::{Desk, Operation},
    error::StripeError,
    form::Form,
};

const SHORTEST_LIFE_SECONDS: i64 = 30 * 60;
const LONGEST_LIFE_SECONDS: i64 = 24 * 60 * 60;
const LARGEST_AMOUNT: i64 = 99_999_999;
/// What a new session has no value for, or never has one here.
const EMPTY: [&str; 27] = [
    "after_expiration",
    "allow_promotion_codes",
    "billing_address_collection",
    "client_secret",
    "collected_information",
    "consent",
    "consent_collection",
    "currency_conversion",
    "customer_creation",
    "customer_details",
    "invoice",
    "invoice_creation",
    "locale",
    "origin_context",
    "payment_intent",
    "payment_link",
    "payment_method_configuration_details",
    "permissions",
    "recovered_from",
    "saved_payment_method_options",
    "setup_intent",
    "shipping_address_collection",
    "shipping_cost",
    "submit_type",
    "subscription",
    "wallet_options",
    "presentment_details",
];

/// Make a session.
pub(crate) const CREATE: Operation = Operation {
    parameters: &[
        "mode",
        "ui_mode",
        "line_items[#][quantity]",
        "line_items[#][price_data][currency]",
        "line_items[#][price_data][unit_amount]",
        "line_items[#][price_data][product_data][name]",
        "line_items[#][price_data][product_data][description]",
        "line_items[#][price_data][product_data][metadata][*]",
        "metadata[*]",
        "client_reference_id",
        "customer",
        "customer_email",
        "payment_method_types[#]",
        "payment_intent_data[metadata][*]",
        "payment_intent_data[description]",
        "success_url",
        "cancel_url",
        "expires_at",
    ],
    act: create,
};

/// Show a session.
pub(crate) const FIND: Operation = Operation { parameters: &[], act: find };

/// List sessions.
pub(crate) const LIST: Operation = Operation {
    parameters: &["limit", "starting_after", "customer", "payment_intent", "status"],
    act: list,
};

fn create(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let form = desk.form;
    one_of("mode", form.required("mode")?, &["payment"])?;
    one_of("ui_mode", form.text("ui_mode")?.unwrap_or("hosted_page"), &["hosted_page"])?;
    for kind in form.texts("payment_method_types") {
        one_of("payment_method_types", kind, &["card"])?;
    }
    let customer = form.text("customer")?;
    let known = customer.is_none_or(|id| desk.account.customers.get(id).is_some());
    if !known {
        let id = customer.unwrap_or_default();
        return Err(StripeError::no_such(400, "customer", "customer", id));
    }
    if customer.is_some() && form.text("customer_email")?.is_some() {
        let message = "You may only specify one of these parameters: customer, customer_email.";
        return Err(StripeError::invalid("customer_email", message));
    }
    let reference = form.text("client_reference_id")?;
    if reference.is_some_and(|reference| reference.len() > 200) {
        let message = "Invalid string: must be at most 200 characters";
        return Err(StripeError::invalid("client_reference_id", message));
    }
    let id = desk.world.ids.mint("cs_test_a1", 32);
    let (items, currency, total) = line_items(desk, &id)?;
    let session = session(desk, &id, &currency, total)?;
    let intent_data = json!({
        "metadata": form.metadata("payment_intent_data[metadata]")?,
        "description": form.text("payment_intent_data[description]")?,
    });
    desk.account.line_items.insert(id.clone(), items);
    desk.account.intent_data.insert(id, intent_data);
    desk.account.sessions.add(session.clone());
    Ok(session)
}

fn one_of(name: &str, value: &str, known: &[&str]) -> Result<(), StripeError> {
    if known.contains(&value) {
        return Ok(());
    }
    Err(StripeError::invalid(name, format!("Invalid {name}: must be {}", known.join(" or "))))
}

fn session(desk: &Desk<'_>, id: &str, currency: &str, total: i64) -> Result<Value, StripeError> {
    let (form, now) = (desk.form, desk.now);
    let expires_at = form.integer("expires_at")?.unwrap_or(now + LONGEST_LIFE_SECONDS);
    if !(SHORTEST_LIFE_SECONDS..=LONGEST_LIFE_SECONDS).contains(&(expires_at - now)) {
        let message = "The `expires_at` timestamp must be at least 30 minutes and at most 24 \
                       hours from Checkout Session creation.";
        return Err(StripeError::invalid("expires_at", message));
    }
    let mut session = json!({
        "id": id, "object": "checkout.session", "adaptive_pricing": { "enabled": false },
        "amount_subtotal": total, "amount_total": total,
        "automatic_tax": { "enabled": false, "liability": null, "provider": null, "status": null },
        "cancel_url": form.url("cancel_url")?,
        "client_reference_id": form.text("client_reference_id")?, "created": now,
        "currency": currency, "custom_fields": [],
        "custom_text": {
            "after_submit": null, "shipping_address": null, "submit": null,
            "terms_of_service_acceptance": null,
        },
        "customer": form.text("customer")?, "customer_email": form.text("customer_email")?,
        "discounts": [], "expires_at": expires_at, "livemode": false,
        "metadata": form.metadata("metadata")?, "mode": "payment",
        "payment_method_collection": "if_required", "payment_method_options": {},
        "payment_method_types": ["card"], "payment_status": "unpaid",
        "phone_number_collection": { "enabled": false }, "shipping_options": [],
        "status": "open", "success_url": form.url("success_url")?,
        "total_details": { "amount_discount": 0, "amount_shipping": 0, "amount_tax": 0 },
        "ui_mode": "hosted_page", "url": format!("{}/stripe/pay/{id}", desk.world.base_url),
    });
    for name in EMPTY {
        session[name] = Value::Null;
    }
    Ok(session)
}

/// The list of what is sold, its currency and its total in minor units.
fn line_items(desk: &Desk<'_>, session: &str) -> Result<(Value, String, i64), StripeError> {
    let form = desk.form;
    let (mut sold, mut currency, mut total) = (Vec::new(), String::new(), 0_i64);
    for name in form.items("line_items") {
        let price = format!("{name}[price_data]");
        let item_currency = read_currency(form, &format!("{price}[currency]"))?;
        if !currency.is_empty() && currency != item_currency {
            let message = "All line items must have the same currency";
            return Err(StripeError::invalid(&format!("{price}[currency]"), message));
        }
        let unit_name = format!("{price}[unit_amount]");
        let unit = form.integer(&unit_name)?.ok_or_else(|| StripeError::missing(&unit_name))?;
        let quantity_name = format!("{name}[quantity]");
        let quantity =
            form.integer(&quantity_name)?.ok_or_else(|| StripeError::missing(&quantity_name))?;
        for (name, number, least) in [(&unit_name, unit, 0), (&quantity_name, quantity, 1)] {
            if number < least {
                let message = format!("This value must be greater than or equal to {least}.");
                return Err(StripeError::refused(name, "parameter_invalid_integer", message));
            }
        }
        let amount = unit.checked_mul(quantity).unwrap_or(i64::MAX);
        total = total.saturating_add(amount);
        let description = form.required(&format!("{price}[product_data][name]"))?;
        sold.push(json!({
            "id": desk.world.ids.mint("li_1", 23), "object": "item", "amount_discount": 0,
            "amount_subtotal": amount, "amount_tax": 0, "amount_total": amount,
            "currency": item_currency, "description": description,
            "metadata": form.metadata(&format!("{price}[product_data][metadata]"))?,
            "price": { "object": "price", "currency": item_currency, "unit_amount": unit },
            "quantity": quantity,
        }));
        currency = item_currency;
    }
    if sold.is_empty() {
        return Err(StripeError::missing("line_items"));
    }
    if !(1..=LARGEST_AMOUNT).contains(&total) {
        let code = if total < 1 { "amount_too_small" } else { "amount_too_large" };
        let message = format!("The total must be between 1 and {LARGEST_AMOUNT}");
        return Err(StripeError::refused("line_items", code, message));
    }
    let url = format!("/v1/checkout/sessions/{session}/line_items");
    let list = json!({ "object": "list", "data": sold, "has_more": false, "url": url });
    Ok((list, currency, total))
}

fn read_currency(form: &Form, name: &str) -> Result<String, StripeError> {
    let currency = form.required(name)?.to_ascii_lowercase();
    if currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Ok(currency);
    }
    Err(StripeError::invalid(name, format!("Invalid currency: {currency}")))
}

/// Closes a session that is past its time. Everybody who looks at one does this first.
pub(crate) fn expire(session: &mut Value, now: i64) {
    if session["status"] == "open" && session["expires_at"].as_i64().is_none_or(|at| at <= now) {
        session["status"] = "expired".into();
        session["url"] = Value::Null;
    }
}

fn find(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let missing = || StripeError::no_such(404, "checkout.session", "id", desk.id);
    let session = desk.account.sessions.get_mut(desk.id).ok_or_else(missing)?;
    expire(session, desk.now);
    Ok(session.clone())
}

fn list(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    desk.account.sessions.all_mut().for_each(|session| expire(session, desk.now));
    let form = desk.form;
    let mut asked = Vec::new();
    for name in ["customer", "payment_intent", "status"] {
        asked.extend(form.text(name)?.map(|value| (name, value)));
    }
    desk.account.sessions.page(form, "/v1/checkout/sessions", |session| {
        asked.iter().all(|(name, value)| session[*name] == *value)
    })
}
