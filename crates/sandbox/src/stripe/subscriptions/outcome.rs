//! What becomes of a subscription when an invoice of it was paid, was not, or will never be.
use serde_json::Value;

use super::end;
use crate::stripe::{
    billing::LastResort, facts::Facts as _, kind::Kind, office::Office, subscriptions::settle,
};

fn subscription_of(office: &Office<'_>, invoice: &Value) -> Option<Value> {
    let id = invoice["parent"]["subscription_details"].text("subscription");
    office.get(Kind::Subscription, id)
}

/// An invoice was paid: what waited for that happens.
pub(crate) fn paid(office: &mut Office<'_>, invoice: &Value) {
    let Some(subscription) = subscription_of(office, invoice) else { return };
    if subscription["_change"].is("invoice", invoice.text("id")) {
        settle::apply_pending(office, &subscription);
        return;
    }
    let mut subscription = subscription;
    let of_resumption = subscription["_resumption"] == invoice["id"];
    match subscription.text("status") {
        "incomplete" => {
            subscription["status"] = "active".into();
            keep_method(office, &mut subscription, invoice);
        }
        "past_due" | "unpaid" if !owes(office, &subscription) => {
            subscription["status"] = "active".into();
        }
        "paused" if of_resumption => {
            subscription["status"] = "active".into();
            subscription["_resumption"] = Value::Null;
            subscription["status_details"] = Value::Null;
            office.change("customer.subscription.resumed", &subscription);
            return;
        }
        _ => return,
    }
    office.change("customer.subscription.updated", &subscription);
}

/// The payment method that paid first stays with the subscription, where that was asked for.
fn keep_method(office: &Office<'_>, subscription: &mut Value, invoice: &Value) {
    let asked =
        subscription["payment_settings"].is("save_default_payment_method", "on_subscription");
    let intent = office.account.get(Kind::Intent, invoice.text("_payment_intent"));
    if let Some(method) = intent.map(|intent| intent["payment_method"].clone())
        && asked
        && subscription["default_payment_method"].is_null()
    {
        subscription["default_payment_method"] = method;
    }
}

/// Whether an invoice was tried and is not paid.
fn owes(office: &Office<'_>, subscription: &Value) -> bool {
    let mut invoices = office.account.all(Kind::Invoice);
    invoices.any(|invoice| {
        invoice.is("status", "open")
            && invoice.holds("attempted")
            && invoice["parent"]["subscription_details"]["subscription"] == subscription["id"]
    })
}

/// An invoice was not paid, and perhaps never will be.
pub(crate) fn failed(office: &mut Office<'_>, invoice: &Value, last: bool) {
    let Some(mut subscription) = subscription_of(office, invoice) else { return };
    let waits = subscription["_change"].is("invoice", invoice.text("id"));
    let runs = matches!(subscription.text("status"), "active" | "trialing" | "past_due");
    if waits || !runs || invoice.is("billing_reason", "subscription_create") {
        return;
    }
    subscription["status"] = "past_due".into();
    if !last {
        office.change("customer.subscription.updated", &subscription);
        return;
    }
    match office.account.billing.last_resort {
        LastResort::Cancel => {
            office.change("customer.subscription.updated", &subscription);
            end(office, subscription, "payment_failed");
        }
        LastResort::Unpaid => {
            subscription["status"] = "unpaid".into();
            office.change("customer.subscription.updated", &subscription);
        }
        LastResort::PastDue => office.change("customer.subscription.updated", &subscription),
    }
}

/// An invoice will never be paid: what waited for that does not happen.
pub(crate) fn voided(office: &mut Office<'_>, invoice: &Value) {
    let Some(mut subscription) = subscription_of(office, invoice) else { return };
    if subscription["_change"].is("invoice", invoice.text("id")) {
        settle::forget_pending(office, subscription);
        return;
    }
    match subscription.text("status") {
        "incomplete" => {
            subscription["status"] = "incomplete_expired".into();
            subscription["ended_at"] = office.now.into();
            office.change("customer.subscription.updated", &subscription);
        }
        "past_due" if !owes(office, &subscription) => {
            subscription["status"] = "active".into();
            office.change("customer.subscription.updated", &subscription);
        }
        _ => {}
    }
}
