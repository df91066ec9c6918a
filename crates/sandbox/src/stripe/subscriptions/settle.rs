//! What a change comes to is charged: at once or with the next invoice, and where it is not paid, the change
//! is made all the same, refused, or waits.
use serde_json::{Value, json};

use super::{
    change::Change,
    start::{PATIENCE, period},
};
use crate::stripe::{
    agenda::Step,
    charging::{Taken, foresee},
    error::StripeError,
    facts::Facts as _,
    invoices::{
        self,
        collect::{self, Asked, Collected},
        lines::{collect_pending, pending},
        make::{Draft, draft, finalize},
    },
    kind::Kind,
    office::Office,
};

/// Makes a change, and collects what it comes to.
pub(crate) fn settle(
    office: &mut Office<'_>,
    before: &Value,
    change: Change,
    behavior: &str,
) -> Result<Value, StripeError> {
    let Change { mut after, lines, at_once } = change;
    let id = after.text("id").to_owned();
    let customer = office.get(Kind::Customer, after.text("customer")).unwrap_or_default();
    if !at_once {
        for line in &lines {
            let item = pending(office, customer.text("id"), line);
            office.record("invoiceitem.created", &item);
        }
        office.change("customer.subscription.updated", &after);
        return Ok(after);
    }
    let number = office.mint("in_1", 23);
    let waiting = collect_pending(office, &id, &number);
    let lines: Vec<Value> = waiting.into_iter().chain(lines).collect();
    let total: i64 = lines.iter().map(|line| line.number("amount")).sum();
    if behavior == "error_if_incomplete" && total + customer.number("balance").min(0) > 0 {
        would_pay(office, &after)?;
    }
    after["latest_invoice"] = number.as_str().into();
    let plan = Draft {
        customer: &customer,
        subscription: &after,
        reason: "subscription_update",
        currency: after.text("currency"),
        period: (office.now, office.now),
        lines,
    };
    let waits = behavior == "pending_if_incomplete";
    if waits {
        let mut held = before.clone();
        held["_change"] = json!({ "invoice": number, "after": after });
        office.keep(&held);
    } else {
        commit(office, &after);
    }
    let mut invoice = draft(office, &number, plan);
    finalize(office, &mut invoice);
    if behavior == "default_incomplete" && invoice.number("amount_remaining") > 0 {
        return Ok(office.get(Kind::Subscription, &id).unwrap_or_default());
    }
    let asked = if waits { Asked::BySomebody } else { Asked::BySchedule };
    let collected = collect::collect(office, &mut invoice, None, asked);
    let mut kept = office.get(Kind::Subscription, &id).unwrap_or_default();
    if waits && collected != Collected::Paid {
        let until = office.now + PATIENCE;
        kept["latest_invoice"] = number.into();
        kept["pending_update"] = json!({
            "billing_cycle_anchor": null, "discount": null, "discounts": null,
            "expires_at": until, "metadata": null,
            "subscription_items": kept["_change"]["after"]["items"]["data"], "trial_end": null,
            "trial_from_plan": null,
        });
        office.change("customer.subscription.updated", &kept);
        office.account.agenda.note(until, Step::ExpireChange(id));
    }
    Ok(kept)
}

/// Refuses a change whose payment would not succeed, before anything is changed.
fn would_pay(office: &Office<'_>, after: &Value) -> Result<(), StripeError> {
    let asked = json!({
        "customer": after["customer"],
        "parent": { "subscription_details": { "subscription": after["id"] } },
    });
    let own = after.given("default_payment_method");
    let method = match own {
        Some(id) => office.get(Kind::PaymentMethod, id),
        None => collect::method_for(office, &asked),
    };
    let method = method.ok_or_else(invoices::no_payment_method)?;
    match foresee(&method) {
        Taken::Paid => Ok(()),
        Taken::Declined(decline) => Err(StripeError::declined(decline, None)),
        Taken::ActionRequired => Err(StripeError::requires_action(&Value::Null)),
    }
}

/// Keeps a subscription as it is after a change, and tells of it.
fn commit(office: &mut Office<'_>, after: &Value) {
    office.change("customer.subscription.updated", after);
    let (_, end) = period(after);
    office.account.agenda.note(end, Step::EndPeriod(after.text("id").to_owned()));
}

/// What a change waited for was paid: it is made.
pub(crate) fn apply_pending(office: &mut Office<'_>, held: &Value) {
    let mut after = held["_change"]["after"].clone();
    // What was changed by others meanwhile stays.
    for name in ["metadata", "cancel_at_period_end", "cancel_at", "canceled_at"] {
        after[name] = held[name].clone();
    }
    after["pending_update"] = Value::Null;
    after["_change"] = Value::Null;
    let waited = !held["pending_update"].is_null();
    commit(office, &after);
    if waited {
        office.tell("customer.subscription.pending_update_applied", &after);
    }
}

/// What a change waits for does not come: it is forgotten.
pub(crate) fn forget_pending(office: &mut Office<'_>, mut held: Value) {
    held["_change"] = Value::Null;
    held["pending_update"] = Value::Null;
    office.change("customer.subscription.pending_update_expired", &held);
}
