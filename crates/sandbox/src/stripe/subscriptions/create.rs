//! `POST /v1/subscriptions`.
use serde_json::Value;

use super::{
    change::recurs,
    start::{Sale, first_invoice, start},
    update::WITHOUT_METHOD,
};
use crate::stripe::{
    charging::{Taken, foresee},
    desk::{Desk, Operation},
    error::StripeError,
    facts::Facts as _,
    form::Form,
    invoices::{
        self,
        collect::{self, Asked},
        make::finalize,
    },
    kind::Kind,
    office::Office,
    payment_methods, prices,
    version::usual_billing_mode,
};

/// What may be done about a payment that does not succeed.
pub(crate) const BEHAVIORS: [&str; 4] =
    ["allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"];
/// Longer than this no trial is.
const LONGEST_TRIAL_DAYS: i64 = 730;
const DAY: i64 = 24 * 60 * 60;

/// Make a subscription.
pub(crate) const CREATE: Operation = Operation {
    parameters: &[
        "customer",
        "items[#][price]",
        "items[#][quantity]",
        "items[#][price_data][currency]",
        "items[#][price_data][unit_amount]",
        "items[#][price_data][product]",
        "items[#][price_data][recurring][interval]",
        "items[#][price_data][recurring][interval_count]",
        "billing_mode[type]",
        "cancel_at_period_end",
        "collection_method",
        "currency",
        "default_payment_method",
        "description",
        "metadata[*]",
        "off_session",
        "payment_behavior",
        "payment_settings[save_default_payment_method]",
        "payment_settings[payment_method_types][#]",
        "proration_behavior",
        "trial_end",
        "trial_period_days",
        "trial_settings[end_behavior][missing_payment_method]",
    ],
    act: create,
};

fn create(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let (form, usual) = (desk.form, usual_billing_mode(desk.version));
    let mode = form.word("billing_mode[type]", &["classic", "flexible"])?;
    let mut office = desk.office();
    let id = form.required("customer")?;
    let customer = office.customer("customer", id)?;
    form.word("collection_method", &["charge_automatically"])?;
    let behavior = form.word("payment_behavior", &BEHAVIORS)?.unwrap_or("allow_incomplete");
    let trial_end = trial_end(form, "", office.now)?;
    let items = read_items(&mut office, form)?;
    let name = "default_payment_method";
    let method = match form.text(name)? {
        Some(method) => payment_methods::of_customer(&mut office, name, method, id)?["id"].clone(),
        None => Value::Null,
    };
    let own = method.as_str().or_else(|| customer["invoice_settings"].given(name));
    let charged = own.and_then(|own| office.get(Kind::PaymentMethod, own));
    let costs =
        trial_end.is_none() && items.iter().any(|(price, n)| price.number("unit_amount") * n > 0);
    if costs && behavior != "default_incomplete" {
        let charged = charged.as_ref().ok_or_else(invoices::no_payment_method)?;
        if behavior == "error_if_incomplete" {
            refuse_what_fails(charged)?;
        }
    }
    let ends = form.switch("cancel_at_period_end")?;
    let mut subscription = start(
        &mut office,
        Sale {
            customer: id,
            items,
            trial_end,
            method,
            metadata: form.metadata("metadata")?,
            description: form.text("description")?.into(),
            without_method: form
                .word("trial_settings[end_behavior][missing_payment_method]", &WITHOUT_METHOD)?
                .unwrap_or("create_invoice"),
            mode: mode.unwrap_or(usual),
            save_method: form
                .word("payment_settings[save_default_payment_method]", &["off", "on_subscription"])?
                .unwrap_or("off"),
        },
    );
    if ends == Some(true) {
        super::update::end_with_period(&office, &mut subscription, true);
        office.change("customer.subscription.updated", &subscription);
    }
    let mut invoice = first_invoice(&mut office, &subscription, &[]);
    finalize(&mut office, &mut invoice);
    if behavior != "default_incomplete" || invoice.number("amount_remaining") == 0 {
        collect::collect(&mut office, &mut invoice, charged, Asked::BySomebody);
    }
    Ok(office.get(Kind::Subscription, subscription.text("id")).unwrap_or_default())
}

fn refuse_what_fails(method: &Value) -> Result<(), StripeError> {
    match foresee(method) {
        Taken::Paid => Ok(()),
        Taken::Declined(decline) => Err(StripeError::declined(decline, None)),
        Taken::ActionRequired => Err(StripeError::requires_action(&Value::Null)),
    }
}

fn read_items(office: &mut Office<'_>, form: &Form) -> Result<Vec<(Value, i64)>, StripeError> {
    let mut items: Vec<(Value, i64)> = Vec::new();
    for item in form.items("items") {
        let price = prices::of_item(office, form, &item)?;
        recurs(&price, &format!("{item}[price]"))?;
        let name = format!("{item}[quantity]");
        let quantity = form.integer(&name)?.unwrap_or(1);
        if quantity < 0 {
            let message = "This value must be greater than or equal to 0.";
            return Err(StripeError::refused(&name, "parameter_invalid_integer", message));
        }
        if items.iter().any(|(first, _)| first["currency"] != price["currency"]) {
            let message = "All prices of a subscription must have the same currency.";
            return Err(StripeError::invalid(&item, message));
        }
        items.push((price, quantity));
    }
    if items.is_empty() {
        return Err(StripeError::missing("items"));
    }
    Ok(items)
}

/// When a trial ends that a request asks for, in parameters whose names begin with this.
pub(crate) fn trial_end(form: &Form, prefix: &str, now: i64) -> Result<Option<i64>, StripeError> {
    let name = |field: &str| {
        if prefix.is_empty() { field.to_owned() } else { format!("{prefix}[{field}]") }
    };
    let (days_name, end_name) = (name("trial_period_days"), name("trial_end"));
    if form.has(&days_name) && form.has(&end_name) {
        let message = "You may only specify one of these parameters: trial_end, \
                       trial_period_days.";
        return Err(StripeError::invalid(&end_name, message));
    }
    if let Some(days) = form.integer(&days_name)? {
        if !(1..=LONGEST_TRIAL_DAYS).contains(&days) {
            let message = format!("Trial periods must have 1 to {LONGEST_TRIAL_DAYS} days.");
            return Err(StripeError::invalid(&days_name, message));
        }
        return Ok(Some(now + days * DAY));
    }
    if form.text(&end_name)? == Some("now") {
        return Ok(None);
    }
    let Some(end) = form.integer(&end_name)? else { return Ok(None) };
    if end <= now {
        let message = "Invalid timestamp: must be an integer Unix timestamp in the future.";
        return Err(StripeError::invalid(&end_name, message));
    }
    Ok(Some(end))
}
