//! What a session sells.
use serde_json::{Value, json};

use super::check_total;
use crate::stripe::{
    error::StripeError, facts::Facts as _, form::Form, kind::Kind, office::Office, prices,
};

/// What a session sells.
pub(crate) struct Sold {
    /// The list as it is shown.
    pub(crate) list: Value,
    /// Prices, and how many of each.
    pub(crate) items: Value,
    /// In lower case.
    pub(crate) currency: String,
    /// In minor units.
    pub(crate) total: i64,
}

impl Sold {
    /// A session that only keeps a card sells nothing.
    pub(crate) fn nothing(currency: Option<String>) -> Self {
        let (list, items) = (Value::Null, Value::Null);
        Self { list, items, currency: currency.unwrap_or_default(), total: 0 }
    }
}

/// What a request sells.
pub(crate) fn line_items(
    office: &mut Office<'_>,
    form: &Form,
    session: &str,
    mode: &str,
) -> Result<Sold, StripeError> {
    let (mut shown, mut items) = (Vec::new(), Vec::new());
    let (mut currency, mut total) = (String::new(), 0_i64);
    let mut recurs = false;
    for name in form.items("line_items") {
        let price = prices::of_item(office, form, &name)?;
        let price_currency = price.text("currency");
        if !currency.is_empty() && currency != price_currency {
            let message = "All line items must have the same currency";
            let param = format!("{name}[price_data][currency]");
            return Err(StripeError::invalid(&param, message));
        }
        if price.is("type", "recurring") && mode == "payment" {
            let message = "You specified `payment` mode but passed a recurring price. Either switch \
                           to `subscription` mode or use only one-time prices.";
            return Err(StripeError::invalid(&name, message));
        }
        recurs |= price.is("type", "recurring");
        let quantity_name = format!("{name}[quantity]");
        let quantity =
            form.integer(&quantity_name)?.ok_or_else(|| StripeError::missing(&quantity_name))?;
        if quantity < 1 {
            let message = "This value must be greater than or equal to 1.";
            return Err(StripeError::refused(&quantity_name, "parameter_invalid_integer", message));
        }
        let amount = price.number("unit_amount").checked_mul(quantity).unwrap_or(i64::MAX);
        total = total.saturating_add(amount);
        let product = office.get(Kind::Product, price.text("product")).unwrap_or_default();
        shown.push(json!({
            "id": office.mint("li_1", 23), "object": "item", "adjustable_quantity": null,
            "amount_discount": 0, "amount_subtotal": amount, "amount_tax": 0,
            "amount_total": amount, "currency": price_currency, "description": product["name"],
            "metadata": product["metadata"], "price": price, "quantity": quantity,
        }));
        items.push(json!({ "price": price, "quantity": quantity }));
        price_currency.clone_into(&mut currency);
    }
    if shown.is_empty() {
        return Err(StripeError::missing("line_items"));
    }
    if mode == "subscription" && !recurs {
        let message = "You must provide at least one recurring price in `subscription` mode when \
                       using prices.";
        return Err(StripeError::invalid("mode", message));
    }
    check_total(total, mode)?;
    let url = format!("/v1/checkout/sessions/{session}/line_items");
    let list = json!({ "object": "list", "data": shown, "has_more": false, "url": url });
    Ok(Sold { list, items: items.into(), currency, total })
}
