//! What a change of a subscription's items comes to: what is left of the old ones is credited, the new
//! ones are charged for the rest, and where the interval changes a new period begins. Nothing is kept
//! here, so that a preview shows what the change will do.
use serde_json::Value;

use super::start::{item, period, plan};
use crate::stripe::{
    calendar::boundary_after,
    currencies::nearest,
    error::StripeError,
    facts::Facts as _,
    form::Form,
    invoices::lines::{Charge, charged, cost, line, name, share, whole_period},
    office::Office,
    prices,
};

/// How what is left of a period is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proration {
    /// Not at all.
    None,
    /// With the next invoice.
    NextInvoice,
    /// With an invoice of its own, at once.
    AtOnce,
}

impl Proration {
    /// As it is told under this name.
    pub(crate) fn read(form: &Form, name: &str) -> Result<Self, StripeError> {
        let known = ["create_prorations", "none", "always_invoice"];
        Ok(match form.word(name, &known)? {
            Some("none") => Self::None,
            Some("always_invoice") => Self::AtOnce,
            _ => Self::NextInvoice,
        })
    }
}

/// What a change comes to.
pub(crate) struct Change {
    /// The subscription as it is then.
    pub(crate) after: Value,
    /// What is charged and credited.
    pub(crate) lines: Vec<Value>,
    /// Whether that is invoiced at once.
    pub(crate) at_once: bool,
}

/// The items that a request under this name leaves a subscription with. Those that it does not name
/// stay.
pub(crate) fn items(
    office: &mut Office<'_>,
    form: &Form,
    list: &str,
    subscription: &Value,
) -> Result<Vec<Value>, StripeError> {
    let mut items = subscription.entries("items").to_vec();
    let running = period(subscription);
    for asked in form.items(list) {
        let id_name = format!("{asked}[id]");
        let described =
            form.has(&format!("{asked}[price]")) || form.has(&format!("{asked}[price_data]"));
        let price = if described { Some(prices::of_item(office, form, &asked)?) } else { None };
        if let Some(price) = &price {
            recurs(price, &format!("{asked}[price]"))?;
        }
        let quantity = form.integer(&format!("{asked}[quantity]"))?;
        if quantity.is_some_and(|quantity| quantity < 0) {
            let message = "This value must be greater than or equal to 0.";
            let name = format!("{asked}[quantity]");
            return Err(StripeError::refused(&name, "parameter_invalid_integer", message));
        }
        let deleted = form.switch(&format!("{asked}[deleted]"))? == Some(true);
        let Some(id) = form.text(&id_name)? else {
            let price = price.ok_or_else(|| StripeError::missing(&format!("{asked}[price]")))?;
            if items.iter().any(|item| item["price"]["id"] == price["id"]) {
                let message = "Cannot add multiple subscription items with the same plan";
                return Err(StripeError::invalid(&asked, message));
            }
            let owner = subscription.text("id");
            items.push(item(office, owner, &price, quantity.unwrap_or(1), running));
            continue;
        };
        let place = items.iter().position(|item| item.is("id", id));
        let place =
            place.ok_or_else(|| StripeError::no_such(400, "subscription item", &id_name, id))?;
        if deleted {
            items.remove(place);
            continue;
        }
        if let Some(price) = price {
            items[place]["plan"] = plan(&price);
            items[place]["price"] = price;
        }
        if let Some(quantity) = quantity {
            items[place]["quantity"] = quantity.into();
        }
    }
    if items.is_empty() {
        let message = "A subscription must have at least one active plan.";
        return Err(StripeError::invalid(list, message));
    }
    for item in &items {
        if !item["price"].is("currency", subscription.text("currency")) {
            let message = "The price specified has another currency than the subscription.";
            return Err(StripeError::invalid(list, message));
        }
    }
    if items.iter().any(|item| !same_interval(&item["price"], &items[0]["price"])) {
        let message = "All prices of a subscription must have the same interval.";
        return Err(StripeError::invalid(list, message));
    }
    Ok(items)
}

/// Refuses a price that is paid once.
pub(crate) fn recurs(price: &Value, name: &str) -> Result<(), StripeError> {
    if price.is("type", "recurring") {
        return Ok(());
    }
    let message = "The price specified is set to `type=one_time` but this field only accepts prices \
                   with `type=recurring`.";
    Err(StripeError::invalid(name, message))
}

fn same_interval(one: &Value, other: &Value) -> bool {
    let same = |name: &str| one["recurring"][name] == other["recurring"][name];
    same("interval") && same("interval_count")
}

/// What it comes to that a subscription has these items from this second on. `restart` begins a new
/// period then in any case.
pub(crate) fn change(
    office: &Office<'_>,
    subscription: &Value,
    items: &[Value],
    proration: Proration,
    at: i64,
    restart: bool,
) -> Change {
    let mut after = subscription.clone();
    let old = subscription.entries("items");
    let (start, end) = period(subscription);
    let trial = subscription.is("status", "trialing");
    let first = |items: &[Value]| items.first().map(|item| item["price"].clone());
    let (was, is) = (first(old).unwrap_or_default(), first(items).unwrap_or_default());
    let restart = restart || (!trial && !same_interval(&was, &is));
    let mut lines = Vec::new();
    let mut settle = |item: &Value, credit: bool| {
        let whole = if credit { charged(subscription, item) } else { cost(item) };
        let amount = share(whole, end - at, end - start);
        let amount = nearest(amount, item["price"].text("currency"));
        let (amount, words) =
            if credit { (-amount, "Unused time on") } else { (amount, "Remaining time on") };
        let description = format!("{words} {} × {}", item["quantity"], name(office, item));
        let subscription = &subscription["id"];
        let period = (at, end);
        let proration = true;
        if !trial && amount != 0 {
            let charge = Charge { subscription, item, amount, description, period, proration };
            lines.push(line(office, charge));
        }
    };
    if proration != Proration::None {
        let same = |one: &Value, others: &[Value]| {
            let is = |other: &&Value| {
                other["id"] == one["id"]
                    && other["price"]["id"] == one["price"]["id"]
                    && other["quantity"] == one["quantity"]
            };
            !restart && others.iter().any(|other| is(&other))
        };
        old.iter().filter(|item| !same(item, items)).for_each(|item| settle(item, true));
        if !restart {
            items.iter().filter(|item| !same(item, old)).for_each(|item| settle(item, false));
        }
    }
    let mut items = items.to_vec();
    for item in &mut items {
        let before = old.iter().find(|one| one["id"] == item["id"]);
        item["_charged"] = match (proration, restart) {
            (Proration::None, false) => {
                before.map_or(0, |before| charged(subscription, before)).into()
            }
            _ => Value::Null,
        };
    }
    if restart {
        let end = boundary_after(at, &is, at).unwrap_or(at);
        after["billing_cycle_anchor"] = at.into();
        for item in &mut items {
            item["current_period_start"] = at.into();
            item["current_period_end"] = end.into();
        }
        for item in &items {
            lines.push(whole_period(office, subscription, item, (at, end), false));
        }
    }
    after["items"]["total_count"] = items.len().into();
    after["items"]["data"] = items.into();
    let at_once = restart || (proration == Proration::AtOnce && !lines.is_empty());
    Change { after, lines, at_once }
}
