//! `/v1/subscriptions`: how they are shown and ended. How they begin, change and renew is in the files
//! below.
pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod outcome;
pub(crate) mod pause;
pub(crate) mod renewal;
pub(crate) mod settle;
pub(crate) mod start;
pub(crate) mod update;

use serde_json::Value;

use self::start::period;
use super::{
    currencies::nearest,
    desk::{Desk, Operation},
    error::StripeError,
    facts::Facts as _,
    invoices::{
        collect::{self, Asked},
        lines::{Charge, charged, collect_pending, line, name, pending, share},
        make::{Draft, draft, finalize},
    },
    kind::Kind,
    office::Office,
};

/// Show a subscription.
pub(crate) const FIND: Operation =
    Operation { parameters: &[], act: |desk| desk.found(Kind::Subscription) };

/// List subscriptions; without a status, those that have not ended.
pub(crate) const LIST: Operation = Operation {
    parameters: &[
        "limit",
        "starting_after",
        "ending_before",
        "customer",
        "price",
        "status",
        "created[gt]",
        "created[gte]",
        "created[lt]",
        "created[lte]",
    ],
    act: list,
};

/// End a subscription at once.
pub(crate) const CANCEL: Operation = Operation {
    parameters: &[
        "invoice_now",
        "prorate",
        "cancellation_details[comment]",
        "cancellation_details[feedback]",
    ],
    act: cancel,
};

const STATUSES: [&str; 10] = [
    "active",
    "all",
    "canceled",
    "ended",
    "incomplete",
    "incomplete_expired",
    "past_due",
    "paused",
    "trialing",
    "unpaid",
];

/// Whether nothing happens to a subscription any more.
pub(crate) fn has_ended(subscription: &Value) -> bool {
    matches!(subscription.text("status"), "canceled" | "incomplete_expired")
}

fn list(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let form = desk.form;
    let (customer, price) = (form.text("customer")?, form.text("price")?);
    let status = form.word("status", &STATUSES)?;
    let created = form.span("created")?;
    desk.page(Kind::Subscription, |one| {
        let wanted = match status {
            None => !has_ended(one),
            Some("all") => true,
            Some("ended") => has_ended(one),
            Some(status) => one.is("status", status),
        };
        let has = |price| one.entries("items").iter().any(|item| item["price"].is("id", price));
        wanted
            && customer.is_none_or(|customer| one.is("customer", customer))
            && price.is_none_or(has)
            && created.contains(&one.number("created"))
    })
}

fn cancel(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let mut subscription = desk.found(Kind::Subscription)?;
    if has_ended(&subscription) {
        let id = desk.id;
        return Err(StripeError::no_such(404, "subscription", "id", id));
    }
    let form = desk.form;
    let (prorate, invoice_now) = (form.switch("prorate")?, form.switch("invoice_now")?);
    for name in ["comment", "feedback"] {
        if let Some(value) = form.text(&format!("cancellation_details[{name}]"))? {
            subscription["cancellation_details"][name] = value.into();
        }
    }
    let mut office = desk.office();
    if prorate == Some(true) && subscription.is("status", "active") {
        credit_the_rest(&mut office, &subscription);
    }
    if invoice_now == Some(true) {
        invoice_what_waits(&mut office, &mut subscription);
    }
    Ok(end(&mut office, subscription, "cancellation_requested"))
}

/// Credits what is left of the running period, with the next invoice.
pub(crate) fn credit_the_rest(office: &mut Office<'_>, subscription: &Value) {
    let ((start, end), now) = (period(subscription), office.now);
    for item in subscription.entries("items") {
        let amount = share(charged(subscription, item), end - now, end - start);
        let amount = -nearest(amount, item["price"].text("currency"));
        let description = format!("Unused time on {} × {}", item["quantity"], name(office, item));
        let (subscription_id, period) = (&subscription["id"], (now, end));
        let charge = Charge {
            subscription: subscription_id,
            item,
            amount,
            description,
            period,
            proration: true,
        };
        let line = line(office, charge);
        let waits = pending(office, subscription.text("customer"), &line);
        office.record("invoiceitem.created", &waits);
    }
}

fn invoice_what_waits(office: &mut Office<'_>, subscription: &mut Value) {
    let id = office.mint("in_1", 23);
    let lines = collect_pending(office, subscription.text("id"), &id);
    if lines.is_empty() {
        return;
    }
    let customer = office.get(Kind::Customer, subscription.text("customer")).unwrap_or_default();
    subscription["latest_invoice"] = id.as_str().into();
    let plan = Draft {
        customer: &customer,
        subscription,
        reason: "subscription_update",
        currency: subscription.text("currency"),
        period: (office.now, office.now),
        lines,
    };
    let mut invoice = draft(office, &id, plan);
    finalize(office, &mut invoice);
    collect::collect(office, &mut invoice, None, Asked::BySomebody);
}

/// Ends a subscription now, and gives it as it is then. What it still owes is not tried again.
pub(crate) fn end(office: &mut Office<'_>, mut subscription: Value, reason: &str) -> Value {
    subscription["status"] = "canceled".into();
    subscription["ended_at"] = office.now.into();
    if subscription["canceled_at"].is_null() {
        subscription["canceled_at"] = office.now.into();
    }
    subscription["cancel_at_period_end"] = false.into();
    if subscription["cancellation_details"]["reason"].is_null() {
        subscription["cancellation_details"]["reason"] = reason.into();
    }
    let theirs = |invoice: &&Value| {
        matches!(invoice.text("status"), "open" | "draft")
            && invoice["parent"]["subscription_details"]["subscription"] == subscription["id"]
    };
    let owed: Vec<Value> = office.account.all(Kind::Invoice).filter(theirs).cloned().collect();
    for mut invoice in owed {
        invoice["auto_advance"] = false.into();
        invoice["next_payment_attempt"] = Value::Null;
        invoice["automatically_finalizes_at"] = Value::Null;
        office.change("invoice.updated", &invoice);
    }
    office.record("customer.subscription.deleted", &subscription);
    subscription
}
