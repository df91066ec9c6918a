//! `POST /v1/invoices/create_preview`: what a subscription will be asked for next, or what a change of it
//! would come to. Nothing is kept.
use serde_json::{Value, json};

use super::{
    lines::{show_pending, whole_period},
    make::{Draft, compose},
};
use crate::stripe::{
    calendar::boundary_after,
    desk::{Desk, Operation},
    error::StripeError,
    facts::Facts as _,
    kind::Kind,
    subscriptions::{
        change::{self, Proration},
        create::trial_end,
        has_ended,
        start::period,
    },
};

/// Show what will be asked for.
pub(crate) const PREVIEW: Operation = Operation {
    parameters: &[
        "customer",
        "currency",
        "subscription",
        "preview_mode",
        "subscription_details[items][#][id]",
        "subscription_details[items][#][price]",
        "subscription_details[items][#][quantity]",
        "subscription_details[items][#][deleted]",
        "subscription_details[items][#][price_data][currency]",
        "subscription_details[items][#][price_data][unit_amount]",
        "subscription_details[items][#][price_data][product]",
        "subscription_details[items][#][price_data][recurring][interval]",
        "subscription_details[items][#][price_data][recurring][interval_count]",
        "subscription_details[billing_cycle_anchor]",
        "subscription_details[cancel_at_period_end]",
        "subscription_details[cancel_now]",
        "subscription_details[proration_behavior]",
        "subscription_details[proration_date]",
        "subscription_details[trial_end]",
    ],
    act: preview,
};

const ITEMS: &str = "subscription_details[items]";

fn preview(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let form = desk.form;
    let Some(id) = form.text("subscription")? else { return of_nothing_yet(desk) };
    let mut office = desk.office();
    let subscription = office.get(Kind::Subscription, id);
    let subscription = subscription
        .ok_or_else(|| StripeError::no_such(400, "subscription", "subscription", id))?;
    let asked = form.text("customer")?;
    if asked.is_some_and(|customer| !subscription.is("customer", customer)) {
        let message = "The subscription is not the customer's.";
        return Err(StripeError::invalid("subscription", message));
    }
    let ends = form.switch("subscription_details[cancel_at_period_end]")?;
    let ends = ends.unwrap_or_else(|| {
        let (_, end) = period(&subscription);
        subscription["cancel_at"].as_i64().is_some_and(|at| at <= end)
    });
    let changes = form.has(ITEMS);
    if has_ended(&subscription) || (ends && !changes) {
        let message = "No upcoming invoices for customer.";
        return Err(StripeError::state(Some("invoice_upcoming_none"), message));
    }
    let customer = office.customer("customer", subscription.text("customer"))?;
    let proration = Proration::read(form, "subscription_details[proration_behavior]")?;
    let date = form.integer("subscription_details[proration_date]")?;
    let (start, end) = period(&subscription);
    if date.is_some_and(|date| !(start..=end).contains(&date)) {
        let message = "Invalid proration date: it must be within the current period.";
        return Err(StripeError::invalid("subscription_details[proration_date]", message));
    }
    let anchor = form.word("subscription_details[billing_cycle_anchor]", &["now", "unchanged"])?;
    let trial_over = form.text("subscription_details[trial_end]")? == Some("now")
        && subscription.is("status", "trialing");
    let restart = anchor == Some("now") || trial_over;
    let items = change::items(&mut office, form, ITEMS, &subscription)?;
    let at = if restart { office.now } else { date.unwrap_or(office.now) };
    let change = change::change(&office, &subscription, &items, proration, at, restart);
    let mut lines = show_pending(&office, id);
    lines.extend(change.lines);
    let mut reason = "subscription_update";
    if !change.at_once {
        reason = "upcoming";
        let (_, end) = period(&change.after);
        let price = change.after.entries("items").first().map(|item| item["price"].clone());
        let anchor = change.after.number("billing_cycle_anchor");
        let next = boundary_after(anchor, &price.unwrap_or_default(), end).unwrap_or(end);
        for item in change.after.entries("items") {
            lines.push(whole_period(&office, &change.after, item, (end, next), false));
        }
    }
    let (from, until) = if change.at_once { (at, at) } else { (start, end) };
    let number = office.mint("upcoming_in_1", 23);
    let plan = Draft {
        customer: &customer,
        subscription: &change.after,
        reason,
        currency: subscription.text("currency"),
        period: (from, until),
        lines,
    };
    let mut invoice = compose(&office, &number, plan);
    if changes {
        let details = &mut invoice["parent"]["subscription_details"];
        details["subscription_proration_date"] = json!(at);
    }
    invoice["next_payment_attempt"] = until.into();
    Ok(invoice)
}

/// What a subscription that does not exist yet would be asked for first.
fn of_nothing_yet(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let form = desk.form;
    let mut office = desk.office();
    let customer = office.customer("customer", form.required("customer")?)?;
    if !form.has(ITEMS) {
        let message = "No upcoming invoices for customer.";
        return Err(StripeError::state(Some("invoice_upcoming_none"), message));
    }
    let trial = trial_end(form, "subscription_details", office.now)?;
    let mut lines = Vec::new();
    let mut currency = String::new();
    for item in form.items(ITEMS) {
        let price = crate::stripe::prices::of_item(&mut office, form, &item)?;
        change::recurs(&price, &format!("{item}[price]"))?;
        let quantity = form.integer(&format!("{item}[quantity]"))?.unwrap_or(1);
        let now = office.now;
        let end = trial.or_else(|| boundary_after(now, &price, now)).unwrap_or(now);
        let item = json!({ "id": null, "price": price, "quantity": quantity });
        lines.push(whole_period(&office, &Value::Null, &item, (now, end), trial.is_some()));
        price.text("currency").clone_into(&mut currency);
    }
    let number = office.mint("upcoming_in_1", 23);
    let plan = Draft {
        customer: &customer,
        subscription: &Value::Null,
        reason: "upcoming",
        currency: &currency,
        period: (office.now, office.now),
        lines,
    };
    Ok(compose(&office, &number, plan))
}
