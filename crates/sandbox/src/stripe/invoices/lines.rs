//! What an invoice charges for: whole periods, and the parts of one that a change leaves over.
use serde_json::{Value, json};

use crate::stripe::{facts::Facts as _, kind::Kind, office::Office};

/// What a line is about.
pub(crate) struct Charge<'a> {
    /// The subscription's id.
    pub(crate) subscription: &'a Value,
    /// The item, with its price and quantity.
    pub(crate) item: &'a Value,
    /// In minor units; less than 0 for a credit.
    pub(crate) amount: i64,
    /// For the customer.
    pub(crate) description: String,
    /// From when, until when.
    pub(crate) period: (i64, i64),
    /// Whether it is for a part of a period, because of a change.
    pub(crate) proration: bool,
}

/// What an item costs for a period, in minor units.
pub(crate) fn cost(item: &Value) -> i64 {
    item["price"].number("unit_amount").saturating_mul(item.number("quantity"))
}

/// What was really charged for an item, for a whole period: what it cost when it was charged last, in
/// a subscription that is flexible, and what it costs in a classic one.
pub(crate) fn charged(subscription: &Value, item: &Value) -> i64 {
    let noted = item["_charged"].as_i64();
    let noted = noted.filter(|_| subscription["billing_mode"].is("type", "flexible"));
    noted.unwrap_or_else(|| cost(item))
}

/// The share of an amount for the rest of a period, to the nearest minor unit.
pub(crate) fn share(amount: i64, left: i64, whole: i64) -> i64 {
    let whole = i128::from(whole.max(1));
    let left = i128::from(left).clamp(0, whole);
    let share = (i128::from(amount) * left * 2 + whole) / (whole * 2);
    i64::try_from(share).unwrap_or(i64::MAX)
}

/// What an item is called.
pub(crate) fn name(office: &Office<'_>, item: &Value) -> String {
    let product = office.account.get(Kind::Product, item["price"].text("product"));
    product.map_or("Subscription", |product| product.text("name")).to_owned()
}

/// A line for a whole period, or for a trial, which costs nothing.
pub(crate) fn whole_period(
    office: &Office<'_>,
    subscription: &Value,
    item: &Value,
    period: (i64, i64),
    trial: bool,
) -> Value {
    let name = name(office, item);
    let recurring = &item["price"]["recurring"];
    let description = if trial {
        format!("Trial period for {name}")
    } else {
        format!("{} × {name} (per {})", item["quantity"], recurring.text("interval"))
    };
    let amount = if trial { 0 } else { cost(item) };
    let subscription = &subscription["id"];
    line(office, Charge { subscription, item, amount, description, period, proration: false })
}

/// A line. It names no invoice yet.
pub(crate) fn line(office: &Office<'_>, charge: Charge<'_>) -> Value {
    let item = charge.item;
    let price = &item["price"];
    let details = json!({
        "invoice_item": null, "proration": charge.proration,
        "proration_details": { "credited_items": null },
        "subscription": charge.subscription, "subscription_item": item["id"],
    });
    json!({
        "id": office.mint("il_1", 23), "object": "line_item", "amount": charge.amount,
        "currency": price["currency"], "description": charge.description,
        "discount_amounts": [], "discountable": !charge.proration, "discounts": [],
        "invoice": null, "livemode": false, "metadata": {},
        "parent": {
            "invoice_item_details": null, "subscription_item_details": details,
            "type": "subscription_item_details",
        },
        "period": { "end": charge.period.1, "start": charge.period.0 },
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": { "price": price["id"], "product": price["product"] },
            "type": "price_details", "unit_amount_decimal": price["unit_amount_decimal"],
        },
        "quantity": item["quantity"], "quantity_decimal": item["quantity"].to_string(),
        "subscription": charge.subscription, "subtotal": charge.amount, "taxes": [],
        "_price": price,
    })
}

/// A line that waits for the next invoice.
pub(crate) fn pending(office: &Office<'_>, customer: &str, line: &Value) -> Value {
    let details = &line["parent"]["subscription_item_details"];
    json!({
        "id": office.mint("ii_1", 23), "object": "invoiceitem", "amount": line["amount"],
        "currency": line["currency"], "customer": customer, "customer_account": null,
        "date": office.now, "description": line["description"], "discountable": false,
        "discounts": [], "invoice": null, "livemode": false, "metadata": {},
        "net_amount": line["amount"],
        "parent": {
            "subscription_details": {
                "subscription": details["subscription"],
                "subscription_item": details["subscription_item"],
            },
            "type": "subscription_details",
        },
        "period": line["period"], "pricing": line["pricing"], "proration": true,
        "proration_details": { "credited_items": null, "discount_amounts": [] },
        "quantity": line["quantity"], "quantity_decimal": line["quantity_decimal"],
        "tax_rates": [], "test_clock": null, "_line": line, "_price": line["_price"],
    })
}

/// Hands out the lines that wait for the next invoice of a subscription, as lines of this one.
pub(crate) fn collect_pending(
    office: &mut Office<'_>,
    subscription: &str,
    invoice: &str,
) -> Vec<Value> {
    let waits = waiting(office, subscription);
    waits
        .into_iter()
        .map(|mut item| {
            item["invoice"] = invoice.into();
            office.keep(&item);
            from_pending(&item)
        })
        .collect()
}

/// The lines that wait for the next invoice of a subscription.
pub(crate) fn show_pending(office: &Office<'_>, subscription: &str) -> Vec<Value> {
    waiting(office, subscription).iter().map(from_pending).collect()
}

fn waiting(office: &Office<'_>, subscription: &str) -> Vec<Value> {
    let theirs = |item: &&Value| {
        item["invoice"].is_null()
            && item["parent"]["subscription_details"].is("subscription", subscription)
    };
    office.account.all(Kind::InvoiceItem).filter(theirs).cloned().collect()
}

fn from_pending(item: &Value) -> Value {
    let mut line = item["_line"].clone();
    line["parent"]["subscription_item_details"]["invoice_item"] = item["id"].clone();
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_to_the_nearest_minor_unit() {
        for (amount, left, whole, expected) in [
            (1000, 1, 3, 333),
            (1000, 2, 3, 667),
            (5, 1, 2, 3),
            (1000, 0, 30, 0),
            (1000, 40, 30, 1000),
            (1000, -1, 30, 0),
            (99_999_999, 2_678_399, 2_678_400, 99_999_962),
        ] {
            assert_eq!(share(amount, left, whole), expected, "{amount} {left}/{whole}");
        }
    }
}
