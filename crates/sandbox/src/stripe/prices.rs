//! `/v1/prices`. A price's amount never changes; it is only shown or hidden.
use serde_json::{Value, json};

use super::{
    currencies::can_be_paid,
    desk::{Desk, Operation},
    error::StripeError,
    facts::Facts as _,
    form::Form,
    kind::Kind,
    office::Office,
    products,
};

/// The most that a price or a payment may be, in minor units.
pub(crate) const LARGEST_AMOUNT: i64 = 99_999_999;
const INTERVALS: [&str; 4] = ["day", "week", "month", "year"];

/// Make a price.
pub(crate) const CREATE: Operation = Operation {
    parameters: &[
        "currency",
        "unit_amount",
        "unit_amount_decimal",
        "product",
        "product_data[name]",
        "product_data[metadata][*]",
        "recurring[interval]",
        "recurring[interval_count]",
        "recurring[usage_type]",
        "lookup_key",
        "transfer_lookup_key",
        "nickname",
        "active",
        "tax_behavior",
        "billing_scheme",
        "metadata[*]",
    ],
    act: create,
};

/// Change a price.
pub(crate) const UPDATE: Operation = Operation {
    parameters: &[
        "active",
        "lookup_key",
        "transfer_lookup_key",
        "nickname",
        "tax_behavior",
        "metadata",
        "metadata[*]",
    ],
    act: update,
};

/// Show a price.
pub(crate) const FIND: Operation =
    Operation { parameters: &[], act: |desk| desk.found(Kind::Price) };

/// List prices.
pub(crate) const LIST: Operation = Operation {
    parameters: &[
        "limit",
        "starting_after",
        "ending_before",
        "active",
        "currency",
        "product",
        "type",
        "lookup_keys[#]",
        "recurring[interval]",
    ],
    act: list,
};

fn create(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let form = desk.form;
    let mut office = desk.office();
    let product = match form.text("product")? {
        Some(id) if office.account.get(Kind::Product, id).is_none() => {
            return Err(StripeError::no_such(400, "product", "product", id));
        }
        Some(id) => id.to_owned(),
        None if form.has("product_data") => {
            let product = products::read_inline(&mut office, form, "product_data")?;
            let id = product.text("id").to_owned();
            let price = read(&mut office, form, "", &id)?;
            claim_key(&mut office, form, &price)?;
            office.record("product.created", &product);
            office.record("price.created", &price);
            return Ok(price);
        }
        None => return Err(StripeError::missing("product")),
    };
    let price = read(&mut office, form, "", &product)?;
    claim_key(&mut office, form, &price)?;
    office.record("price.created", &price);
    Ok(price)
}

/// A lookup key is one price's: it is refused, or taken from the other one.
fn claim_key(office: &mut Office<'_>, form: &Form, price: &Value) -> Result<(), StripeError> {
    let Some(key) = price.given("lookup_key") else { return Ok(()) };
    let other = office.account.all(Kind::Price);
    let other =
        other.into_iter().find(|other| other.is("lookup_key", key) && other["id"] != price["id"]);
    let Some(mut other) = other.cloned() else { return Ok(()) };
    if form.switch("transfer_lookup_key")? != Some(true) {
        let message = format!("A price (`{}`) already uses that lookup key.", other.text("id"));
        return Err(StripeError::invalid("lookup_key", message));
    }
    other["lookup_key"] = Value::Null;
    office.change("price.updated", &other);
    Ok(())
}

/// A price as a request describes it under this name, which may be empty. It is not kept yet.
pub(crate) fn read(
    office: &mut Office<'_>,
    form: &Form,
    prefix: &str,
    product: &str,
) -> Result<Value, StripeError> {
    let name = |field: &str| match (prefix, field.split_once('[')) {
        ("", _) => field.to_owned(),
        (prefix, None) => format!("{prefix}[{field}]"),
        (prefix, Some((outer, inner))) => format!("{prefix}[{outer}][{inner}"),
    };
    let currency_name = name("currency");
    let currency = form.currency(&currency_name)?;
    let currency = currency.ok_or_else(|| StripeError::missing(&currency_name))?;
    let amount_name = name("unit_amount");
    let amount = match form.integer(&amount_name)? {
        Some(amount) => amount,
        None => form
            .integer(&name("unit_amount_decimal"))?
            .ok_or_else(|| StripeError::missing(&amount_name))?,
    };
    if amount < 0 {
        let message = "This value must be greater than or equal to 0.";
        return Err(StripeError::refused(&amount_name, "parameter_invalid_integer", message));
    }
    if amount > LARGEST_AMOUNT {
        let message = format!("Amount must be no more than {LARGEST_AMOUNT}");
        return Err(StripeError::refused(&amount_name, "amount_too_large", message));
    }
    if !can_be_paid(amount, &currency) {
        let message = format!("Invalid amount: {amount} cannot be paid in {currency}");
        return Err(StripeError::refused(&amount_name, "invalid_charge_amount", message));
    }
    form.word(&name("billing_scheme"), &["per_unit"])?;
    form.word(&name("recurring[usage_type]"), &["licensed"])?;
    let interval = form.word(&name("recurring[interval]"), &INTERVALS)?;
    let count = form.integer(&name("recurring[interval_count]"))?.unwrap_or(1);
    let longest = match interval {
        Some("year") => 3,
        Some("month") => 36,
        Some("week") => 156,
        _ => 1095,
    };
    if !(1..=longest).contains(&count) {
        let message = "Recurring interval must be at least 1 and at most three years.";
        return Err(StripeError::invalid(&name("recurring[interval_count]"), message));
    }
    let recurring = interval.map(|interval| {
        json!({
            "interval": interval, "interval_count": count, "meter": null,
            "trial_period_days": null, "usage_type": "licensed",
        })
    });
    let key = if prefix.is_empty() { form.text("lookup_key")? } else { None };
    let active = if prefix.is_empty() { form.switch("active")? } else { None };
    let nickname = if prefix.is_empty() { form.text("nickname")? } else { None };
    let tax = form.word(&name("tax_behavior"), &["exclusive", "inclusive", "unspecified"])?;
    Ok(json!({
        "id": office.mint("price_1", 23), "object": "price", "active": active.unwrap_or(true),
        "billing_scheme": "per_unit", "created": office.now, "currency": currency,
        "custom_unit_amount": null, "livemode": false, "lookup_key": key,
        "metadata": form.metadata(&name("metadata"))?, "nickname": nickname, "product": product,
        "recurring": recurring, "tax_behavior": tax.unwrap_or("unspecified"), "tiers_mode": null,
        "transform_quantity": null,
        "type": if interval.is_some() { "recurring" } else { "one_time" },
        "unit_amount": amount, "unit_amount_decimal": amount.to_string(),
    }))
}

/// The price that an item of a list names or describes. One that is described is made, hidden from
/// lists, with its product where that is described too.
pub(crate) fn of_item(
    office: &mut Office<'_>,
    form: &Form,
    item: &str,
) -> Result<Value, StripeError> {
    let name = format!("{item}[price]");
    if let Some(id) = form.text(&name)? {
        let price = office.get(Kind::Price, id);
        let price = price.ok_or_else(|| StripeError::no_such(400, "price", &name, id))?;
        if !price.holds("active") {
            let message = "The price specified is inactive. This field only accepts active prices.";
            return Err(StripeError::invalid(&name, message));
        }
        return Ok(price);
    }
    let data = format!("{item}[price_data]");
    if !form.has(&data) {
        return Err(StripeError::missing(&name));
    }
    let product_name = format!("{data}[product]");
    let product = if let Some(id) = form.text(&product_name)? {
        let product = office.get(Kind::Product, id);
        product.ok_or_else(|| StripeError::no_such(400, "product", &product_name, id))?
    } else {
        let mut product = products::read_inline(office, form, &format!("{data}[product_data]"))?;
        product["active"] = false.into();
        product
    };
    let mut price = read(office, form, &data, product.text("id"))?;
    price["active"] = false.into();
    office.keep(&product);
    office.keep(&price);
    Ok(price)
}

fn update(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let mut price = desk.found(Kind::Price)?;
    let form = desk.form;
    if let Some(active) = form.switch("active")? {
        price["active"] = active.into();
    }
    for name in ["lookup_key", "nickname"] {
        if let Some(value) = form.given(name) {
            price[name] = if value.is_empty() { Value::Null } else { value.into() };
        }
    }
    if let Some(tax) = form.word("tax_behavior", &["exclusive", "inclusive", "unspecified"])? {
        price["tax_behavior"] = tax.into();
    }
    price["metadata"] = form.merged("metadata", &price["metadata"])?;
    let mut office = desk.office();
    claim_key(&mut office, form, &price)?;
    office.change("price.updated", &price);
    Ok(price)
}

fn list(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let form = desk.form;
    let (active, keys) = (form.switch("active")?, form.texts("lookup_keys"));
    let (currency, product) = (form.currency("currency")?, form.text("product")?);
    let kind = form.word("type", &["one_time", "recurring"])?;
    let interval = form.word("recurring[interval]", &INTERVALS)?;
    desk.page(Kind::Price, |price| {
        active.is_none_or(|active| price["active"] == active)
            && currency.as_ref().is_none_or(|currency| price.is("currency", currency))
            && product.is_none_or(|product| price.is("product", product))
            && kind.is_none_or(|kind| price.is("type", kind))
            && interval.is_none_or(|interval| price["recurring"].is("interval", interval))
            && (keys.is_empty() || keys.contains(&price.text("lookup_key")))
    })
}
