//! What time does: periods and trials end, drafts become final, invoices are tried again, and what
//! nobody finished runs out. Each step sees for itself whether it still holds.
use serde_json::Value;

use super::{end, has_ended, outcome::voided, pause::rest, start::period};
use crate::stripe::{
    agenda::Step,
    calendar::boundary_after,
    checkout,
    facts::Facts as _,
    invoices::{
        collect::{self, Asked, method_for, void},
        lines::{collect_pending, whole_period},
        make::{Draft, draft, draft_that_waits, finalize},
    },
    kind::Kind,
    office::Office,
};

/// Does what fell due at the office's second.
pub(crate) fn step(office: &mut Office<'_>, step: &Step) {
    match step {
        Step::ExpireSession(id) => checkout::expire_if_due(office, id),
        Step::ExpireSubscription(id) => expire_subscription(office, id),
        Step::ExpireChange(id) => expire_change(office, id),
        Step::WarnOfTrialEnd(id) => warn(office, id),
        Step::EndPeriod(id) => end_period(office, id),
        Step::Cancel(id) => cancel(office, id),
        Step::ResumeCollection(id) => resume_collection(office, id),
        Step::Finalize(id) => finalize_due(office, id),
        Step::Retry(id) => retry(office, id),
    }
}

fn running(office: &Office<'_>, id: &str) -> Option<Value> {
    office.get(Kind::Subscription, id).filter(|subscription| !has_ended(subscription))
}

fn expire_subscription(office: &mut Office<'_>, id: &str) {
    let Some(subscription) = running(office, id) else { return };
    if !subscription.is("status", "incomplete") {
        return;
    }
    let invoice = office.get(Kind::Invoice, subscription.text("latest_invoice"));
    let Some(mut invoice) = invoice else { return };
    void(office, &mut invoice);
    voided(office, &invoice);
}

fn expire_change(office: &mut Office<'_>, id: &str) {
    let Some(subscription) = running(office, id) else { return };
    if subscription["pending_update"]["expires_at"] != office.now {
        return;
    }
    let number = subscription["_change"].text("invoice").to_owned();
    let Some(mut invoice) = office.get(Kind::Invoice, &number) else { return };
    void(office, &mut invoice);
    voided(office, &invoice);
}

fn warn(office: &mut Office<'_>, id: &str) {
    let Some(subscription) = running(office, id) else { return };
    let left = subscription.number("trial_end") - office.now;
    if subscription.is("status", "trialing") && (1..=3 * 24 * 60 * 60).contains(&left) {
        office.tell("customer.subscription.trial_will_end", &subscription);
    }
}

fn cancel(office: &mut Office<'_>, id: &str) {
    let Some(subscription) = running(office, id) else { return };
    if subscription["cancel_at"] == office.now {
        end(office, subscription, "cancellation_requested");
    }
}

fn resume_collection(office: &mut Office<'_>, id: &str) {
    let Some(mut subscription) = running(office, id) else { return };
    if subscription["pause_collection"]["resumes_at"] == office.now {
        subscription["pause_collection"] = Value::Null;
        office.change("customer.subscription.updated", &subscription);
    }
}

fn end_period(office: &mut Office<'_>, id: &str) {
    let Some(mut subscription) = running(office, id) else { return };
    let (started, ended) = period(&subscription);
    let status = subscription.text("status").to_owned();
    if ended != office.now || matches!(status.as_str(), "incomplete" | "paused") {
        return;
    }
    if subscription["cancel_at"].as_i64().is_some_and(|at| at <= office.now) {
        end(office, subscription, "cancellation_requested");
        return;
    }
    if status == "trialing" && !end_trial(office, &mut subscription) {
        return;
    }
    let price = subscription.entries("items").first().map(|item| item["price"].clone());
    let anchor = subscription.number("billing_cycle_anchor");
    let Some(next) = boundary_after(anchor, &price.unwrap_or_default(), ended) else { return };
    for item in subscription["items"]["data"].as_array_mut().into_iter().flatten() {
        item["current_period_start"] = ended.into();
        item["current_period_end"] = next.into();
        item["_charged"] = Value::Null;
    }
    office.account.agenda.note(next, Step::EndPeriod(id.to_owned()));
    let number = office.mint("in_1", 23);
    subscription["latest_invoice"] = number.as_str().into();
    office.change("customer.subscription.updated", &subscription);
    let mut lines = collect_pending(office, id, &number);
    for item in subscription.entries("items") {
        lines.push(whole_period(office, &subscription, item, (ended, next), false));
    }
    let customer = office.get(Kind::Customer, subscription.text("customer")).unwrap_or_default();
    let plan = Draft {
        customer: &customer,
        subscription: &subscription,
        reason: "subscription_cycle",
        currency: subscription.text("currency"),
        period: (started, ended),
        lines,
    };
    match (status.as_str(), subscription["pause_collection"].text("behavior")) {
        // Nobody collects what follows on what is unpaid.
        ("unpaid", _) | (_, "keep_as_draft") => {
            let mut invoice = draft(office, &number, plan);
            invoice["auto_advance"] = false.into();
            office.change("invoice.updated", &invoice);
        }
        (_, "void") => {
            let mut invoice = draft(office, &number, plan);
            finalize(office, &mut invoice);
            void(office, &mut invoice);
        }
        (_, "mark_uncollectible") => {
            let mut invoice = draft(office, &number, plan);
            finalize(office, &mut invoice);
            invoice["status"] = "uncollectible".into();
            invoice["status_transitions"]["marked_uncollectible_at"] = office.now.into();
            office.record("invoice.marked_uncollectible", &invoice);
        }
        _ => draft_that_waits(office, &number, plan),
    }
}

/// Whether a subscription whose trial is over goes on.
fn end_trial(office: &mut Office<'_>, subscription: &mut Value) -> bool {
    subscription["status"] = "active".into();
    let asked = serde_json::json!({
        "customer": subscription["customer"],
        "parent": { "subscription_details": { "subscription": subscription["id"] } },
    });
    if method_for(office, &asked).is_some() {
        return true;
    }
    match subscription["trial_settings"]["end_behavior"].text("missing_payment_method") {
        "cancel" => {
            end(office, subscription.clone(), "payment_failed");
            false
        }
        "pause" => {
            rest(office, subscription, "trial_end_without_payment_method");
            false
        }
        _ => true,
    }
}

fn finalize_due(office: &mut Office<'_>, id: &str) {
    let Some(mut invoice) = office.get(Kind::Invoice, id) else { return };
    if !invoice.is("status", "draft") || invoice["automatically_finalizes_at"] != office.now {
        return;
    }
    finalize(office, &mut invoice);
    collect::collect(office, &mut invoice, None, Asked::BySchedule);
}

fn retry(office: &mut Office<'_>, id: &str) {
    let Some(mut invoice) = office.get(Kind::Invoice, id) else { return };
    if invoice.is("status", "open") && invoice["next_payment_attempt"] == office.now {
        collect::collect(office, &mut invoice, None, Asked::BySchedule);
    }
}
