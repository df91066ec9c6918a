//! `POST /v1/subscriptions/{id}`.
use serde_json::{Value, json};

use super::{
    change::{self, Proration},
    create::BEHAVIORS,
    has_ended,
    settle::settle,
    start::period,
};
use crate::stripe::{
    agenda::Step,
    desk::{Desk, Operation},
    error::StripeError,
    facts::Facts as _,
    form::Form,
    kind::Kind,
    office::Office,
    payment_methods,
};

/// Change a subscription.
pub(crate) const UPDATE: Operation = Operation {
    parameters: &[
        "items[#][id]",
        "items[#][price]",
        "items[#][quantity]",
        "items[#][deleted]",
        "items[#][price_data][currency]",
        "items[#][price_data][unit_amount]",
        "items[#][price_data][product]",
        "items[#][price_data][recurring][interval]",
        "items[#][price_data][recurring][interval_count]",
        "billing_cycle_anchor",
        "cancel_at",
        "cancel_at_period_end",
        "cancellation_details[comment]",
        "cancellation_details[feedback]",
        "default_payment_method",
        "description",
        "metadata",
        "metadata[*]",
        "off_session",
        "pause_collection",
        "pause_collection[behavior]",
        "pause_collection[resumes_at]",
        "payment_behavior",
        "payment_settings[save_default_payment_method]",
        "payment_settings[payment_method_types][#]",
        "proration_behavior",
        "proration_date",
        "trial_end",
        "trial_settings[end_behavior][missing_payment_method]",
    ],
    act: update,
};

fn update(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let mut subscription = desk.found(Kind::Subscription)?;
    let form = desk.form;
    if has_ended(&subscription) {
        let message =
            "A canceled subscription can only update its cancellation_details and metadata.";
        return Err(StripeError::state(None, message));
    }
    let mut office = desk.office();
    set_plain(&mut office, &mut subscription, form)?;
    set_end(&mut office, &mut subscription, form)?;
    let proration = Proration::read(form, "proration_behavior")?;
    let behavior = form.word("payment_behavior", &BEHAVIORS)?.unwrap_or("allow_incomplete");
    let at = proration_date(&subscription, form, office.now)?;
    let trial_over = set_trial(&mut office, &mut subscription, form)?;
    let anchor = form.word("billing_cycle_anchor", &["now", "unchanged"])?;
    let restart = trial_over || anchor == Some("now");
    if !form.has("items") && !restart {
        office.change("customer.subscription.updated", &subscription);
        return Ok(subscription);
    }
    let items = change::items(&mut office, form, "items", &subscription)?;
    let at = if restart { office.now } else { at };
    let mut change = change::change(&office, &subscription, &items, proration, at, restart);
    if trial_over {
        change.after["status"] = "active".into();
    }
    settle(&mut office, &subscription, change, behavior)
}

/// The second from which a change counts.
pub(crate) fn proration_date(
    subscription: &Value,
    form: &Form,
    now: i64,
) -> Result<i64, StripeError> {
    let Some(at) = form.integer("proration_date")? else { return Ok(now) };
    let (start, end) = period(subscription);
    if (start..=end).contains(&at) {
        return Ok(at);
    }
    let message = "Invalid proration date: it must be within the current period.";
    Err(StripeError::invalid("proration_date", message))
}

fn set_plain(
    office: &mut Office<'_>,
    subscription: &mut Value,
    form: &Form,
) -> Result<(), StripeError> {
    subscription["metadata"] = form.merged("metadata", &subscription["metadata"])?;
    if let Some(description) = form.given("description") {
        subscription["description"] =
            if description.is_empty() { Value::Null } else { description.into() };
    }
    let name = "default_payment_method";
    match form.given(name) {
        None => {}
        Some("") => subscription[name] = Value::Null,
        Some(id) => {
            let customer = subscription.text("customer").to_owned();
            let method = payment_methods::of_customer(office, name, id, &customer)?;
            subscription[name] = method["id"].clone();
        }
    }
    for (path, known) in [
        ("trial_settings[end_behavior][missing_payment_method]", &WITHOUT_METHOD[..]),
        ("payment_settings[save_default_payment_method]", &["off", "on_subscription"][..]),
    ] {
        let Some(word) = form.word(path, known)? else { continue };
        if path.starts_with("trial") {
            subscription["trial_settings"]["end_behavior"]["missing_payment_method"] = word.into();
        } else {
            subscription["payment_settings"]["save_default_payment_method"] = word.into();
        }
    }
    set_pause(office, subscription, form)
}

/// What may happen at the end of a trial without a payment method.
pub(crate) const WITHOUT_METHOD: [&str; 3] = ["create_invoice", "cancel", "pause"];

fn set_pause(
    office: &mut Office<'_>,
    subscription: &mut Value,
    form: &Form,
) -> Result<(), StripeError> {
    if form.given("pause_collection") == Some("") {
        subscription["pause_collection"] = Value::Null;
        return Ok(());
    }
    if !form.has("pause_collection") {
        return Ok(());
    }
    let known = ["keep_as_draft", "mark_uncollectible", "void"];
    let name = "pause_collection[behavior]";
    let behavior = form.word(name, &known)?.ok_or_else(|| StripeError::missing(name))?;
    let until = form.integer("pause_collection[resumes_at]")?;
    if let Some(at) = until {
        let id = subscription.text("id").to_owned();
        office.account.agenda.note(at, Step::ResumeCollection(id));
    }
    subscription["pause_collection"] = json!({ "behavior": behavior, "resumes_at": until });
    Ok(())
}

fn set_end(
    office: &mut Office<'_>,
    subscription: &mut Value,
    form: &Form,
) -> Result<(), StripeError> {
    if form.has("cancel_at") && form.has("cancel_at_period_end") {
        let message = "You may only specify one of these parameters: cancel_at, \
                       cancel_at_period_end.";
        return Err(StripeError::invalid("cancel_at", message));
    }
    for name in ["comment", "feedback"] {
        if let Some(value) = form.given(&format!("cancellation_details[{name}]")) {
            subscription["cancellation_details"][name] =
                if value.is_empty() { Value::Null } else { value.into() };
        }
    }
    if let Some(at_end) = form.switch("cancel_at_period_end")? {
        end_with_period(office, subscription, at_end);
    }
    match form.given("cancel_at") {
        None => {}
        Some("") => end_with_period(office, subscription, false),
        Some("min_period_end" | "max_period_end") => end_at(office, subscription),
        Some(_) => {
            let at = form.integer("cancel_at")?.unwrap_or_default();
            if at <= office.now {
                let message = "cancel_at must be in the future.";
                return Err(StripeError::invalid("cancel_at", message));
            }
            end_with_period(office, subscription, true);
            subscription["cancel_at_period_end"] = false.into();
            subscription["cancel_at"] = at.into();
            let id = subscription.text("id").to_owned();
            office.account.agenda.note(at, Step::Cancel(id));
        }
    }
    Ok(())
}

/// Lets a subscription end with its period, or go on. It is not kept yet.
pub(crate) fn end_with_period(office: &Office<'_>, subscription: &mut Value, ends: bool) {
    if ends && subscription.holds("cancel_at_period_end") {
        return;
    }
    subscription["cancel_at_period_end"] = ends.into();
    let (_, end) = period(subscription);
    subscription["cancel_at"] = ends.then_some(end).into();
    subscription["canceled_at"] = ends.then_some(office.now).into();
    subscription["cancellation_details"]["reason"] =
        ends.then_some("cancellation_requested").into();
}

/// Lets a subscription end when its period does, as an instant and not as a switch. It is not kept yet.
pub(crate) fn end_at(office: &mut Office<'_>, subscription: &mut Value) {
    end_with_period(office, subscription, true);
    subscription["cancel_at_period_end"] = false.into();
    let (_, end) = period(subscription);
    office.account.agenda.note(end, Step::Cancel(subscription.text("id").to_owned()));
}

/// Whether the trial is over by this request.
fn set_trial(
    office: &mut Office<'_>,
    subscription: &mut Value,
    form: &Form,
) -> Result<bool, StripeError> {
    match form.text("trial_end")? {
        None => Ok(false),
        Some("now") => {
            let was = subscription.is("status", "trialing");
            if was {
                subscription["trial_end"] = office.now.into();
            }
            Ok(was)
        }
        Some(_) => {
            let end = form.integer("trial_end")?.unwrap_or_default();
            if end <= office.now {
                let message = "Invalid timestamp: must be an integer Unix timestamp in the future.";
                return Err(StripeError::invalid("trial_end", message));
            }
            if !subscription.is("status", "trialing") {
                subscription["trial_start"] = office.now.into();
                subscription["status"] = "trialing".into();
            }
            subscription["trial_end"] = end.into();
            subscription["billing_cycle_anchor"] = end.into();
            for item in subscription["items"]["data"].as_array_mut().into_iter().flatten() {
                item["current_period_end"] = end.into();
            }
            let id = subscription.text("id").to_owned();
            let agenda = &mut office.account.agenda;
            agenda.note(end, Step::EndPeriod(id.clone()));
            agenda.note((end - 3 * 24 * 60 * 60).max(office.now), Step::WarnOfTrialEnd(id));
            Ok(false)
        }
    }
}
