//! Subscriptions that rest: nothing is invoiced until they are resumed. Pausing the collection alone is a
//! field of theirs, and an update.
use serde_json::{Value, json};

use super::credit_the_rest;
use crate::stripe::{
    agenda::Step,
    calendar::boundary_after,
    desk::{Desk, Operation},
    error::StripeError,
    facts::Facts as _,
    invoices::{
        collect::{self, Asked},
        lines::{collect_pending, whole_period},
        make::{Draft, draft, finalize},
    },
    kind::Kind,
    office::Office,
};

/// Let a subscription rest.
pub(crate) const PAUSE: Operation = Operation {
    parameters: &[
        "type",
        "invoicing_behavior",
        "bill_for[unused_time_from][type]",
        "bill_for[outstanding_usage_through][type]",
    ],
    act: pause,
};

/// Let a paused subscription go on.
pub(crate) const RESUME: Operation = Operation {
    parameters: &["billing_cycle_anchor", "proration_behavior", "proration_date"],
    act: resume,
};

/// A subscription rests from now on, for this reason.
pub(crate) fn rest(office: &mut Office<'_>, subscription: &mut Value, reason: &str) {
    subscription["status"] = "paused".into();
    subscription["status_details"] = json!({
        "paused": {
            "subscription": { "type": reason }, "transitioned_at": office.now,
            "type": "subscription",
        },
    });
    office.change("customer.subscription.paused", subscription);
}

fn pause(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let mut subscription = desk.found(Kind::Subscription)?;
    let form = desk.form;
    form.word("type", &["subscription"])?;
    let name = "bill_for[unused_time_from][type]";
    let credited = form.word(name, &["now", "none"])?.unwrap_or("now");
    if !subscription.is("status", "active") {
        let message = "Only active subscriptions can be paused.";
        return Err(StripeError::state(None, message));
    }
    let mut office = desk.office();
    if credited == "now" {
        credit_the_rest(&mut office, &subscription);
    }
    rest(&mut office, &mut subscription, "pause_requested");
    Ok(subscription)
}

fn resume(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let mut subscription = desk.found(Kind::Subscription)?;
    if !subscription.is("status", "paused") {
        let message = "Only paused subscriptions can be resumed.";
        return Err(StripeError::state(None, message));
    }
    desk.form.word("billing_cycle_anchor", &["now", "unchanged"])?;
    let mut office = desk.office();
    let now = office.now;
    let price = subscription.entries("items").first().map(|item| item["price"].clone());
    let end = boundary_after(now, &price.unwrap_or_default(), now).unwrap_or(now);
    subscription["billing_cycle_anchor"] = now.into();
    for item in subscription["items"]["data"].as_array_mut().into_iter().flatten() {
        item["current_period_start"] = now.into();
        item["current_period_end"] = end.into();
    }
    let id = office.mint("in_1", 23);
    subscription["latest_invoice"] = id.as_str().into();
    subscription["_resumption"] = id.as_str().into();
    office.change("customer.subscription.updated", &subscription);
    let owner = subscription.text("id").to_owned();
    office.account.agenda.note(end, Step::EndPeriod(owner.clone()));
    let mut lines = collect_pending(&mut office, &owner, &id);
    for item in subscription.entries("items") {
        lines.push(whole_period(&office, &subscription, item, (now, end), false));
    }
    let customer = office.get(Kind::Customer, subscription.text("customer")).unwrap_or_default();
    let plan = Draft {
        customer: &customer,
        subscription: &subscription,
        reason: "subscription_update",
        currency: subscription.text("currency"),
        period: (now, now),
        lines,
    };
    let mut invoice = draft(&mut office, &id, plan);
    finalize(&mut office, &mut invoice);
    collect::collect(&mut office, &mut invoice, None, Asked::BySomebody);
    Ok(office.get(Kind::Subscription, &owner).unwrap_or_default())
}
