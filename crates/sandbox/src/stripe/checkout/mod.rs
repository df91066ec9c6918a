//! `/v1/checkout/sessions` in the modes `payment`, `subscription` and `setup`. How a session is paid is in
//! [`pay`].
mod line_items;
mod object;
pub(crate) mod pay;

use serde_json::{Value, json};

use self::{
    line_items::{Sold, line_items},
    object::session,
};
use super::{
    agenda::Step,
    desk::{Desk, Operation},
    error::StripeError,
    facts::Facts as _,
    form::Form,
    kind::Kind,
    office::Office,
    prices::LARGEST_AMOUNT,
    subscriptions::{create::trial_end, update::WITHOUT_METHOD},
    version::usual_billing_mode,
};

/// Make a session.
pub(crate) const CREATE: Operation = Operation {
    parameters: &[
        "mode",
        "currency",
        "ui_mode",
        "line_items[#][quantity]",
        "line_items[#][price]",
        "line_items[#][price_data][currency]",
        "line_items[#][price_data][unit_amount]",
        "line_items[#][price_data][tax_behavior]",
        "line_items[#][price_data][recurring][interval]",
        "line_items[#][price_data][recurring][interval_count]",
        "line_items[#][price_data][product]",
        "line_items[#][price_data][product_data][name]",
        "line_items[#][price_data][product_data][description]",
        "line_items[#][price_data][product_data][metadata][*]",
        "metadata[*]",
        "client_reference_id",
        "customer",
        "customer_email",
        "customer_creation",
        "customer_update[address]",
        "customer_update[name]",
        "allow_promotion_codes",
        "billing_address_collection",
        "locale",
        "payment_method_types[#]",
        "payment_method_collection",
        "payment_intent_data[metadata][*]",
        "payment_intent_data[description]",
        "payment_intent_data[setup_future_usage]",
        "subscription_data[metadata][*]",
        "subscription_data[description]",
        "subscription_data[trial_period_days]",
        "subscription_data[trial_end]",
        "subscription_data[billing_mode][type]",
        "subscription_data[proration_behavior]",
        "subscription_data[trial_settings][end_behavior][missing_payment_method]",
        "success_url",
        "cancel_url",
        "expires_at",
    ],
    act: create,
};

/// Show a session.
pub(crate) const FIND: Operation =
    Operation { parameters: &[], act: |desk| desk.found(Kind::Session) };

/// Show what a session sells.
pub(crate) const LINES: Operation = Operation {
    parameters: &["limit", "starting_after"],
    act: |desk| Ok(desk.found(Kind::Session)?["_line_items"].take()),
};

/// List sessions.
pub(crate) const LIST: Operation = Operation {
    parameters: &[
        "limit",
        "starting_after",
        "ending_before",
        "customer",
        "payment_intent",
        "status",
        "subscription",
    ],
    act: list,
};

/// Close a session.
pub(crate) const EXPIRE: Operation = Operation { parameters: &[], act: expire };

fn create(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let form = desk.form;
    form.required("mode")?;
    let mode = form.word("mode", &["payment", "subscription", "setup"])?.unwrap_or_default();
    form.word("ui_mode", &["hosted_page", "hosted"])?;
    for kind in form.texts("payment_method_types") {
        if kind != "card" {
            let message = "Invalid payment_method_types: must be card";
            return Err(StripeError::invalid("payment_method_types", message));
        }
    }
    let usual = usual_billing_mode(desk.version);
    let billing_mode =
        form.word("subscription_data[billing_mode][type]", &["classic", "flexible"])?;
    let mut office = desk.office();
    check_customer(&office, form)?;
    let reference = form.text("client_reference_id")?;
    if reference.is_some_and(|reference| reference.len() > 200) {
        let message = "Invalid string: must be at most 200 characters";
        return Err(StripeError::invalid("client_reference_id", message));
    }
    check_mode(form, mode)?;
    let trial = trial_end(form, "subscription_data", office.now)?;
    let without = "subscription_data[trial_settings][end_behavior][missing_payment_method]";
    let without = form.word(without, &WITHOUT_METHOD)?.unwrap_or("create_invoice");
    let id = office.mint("cs_test_a1", 32);
    let sold = match mode {
        "setup" => Sold::nothing(form.currency("currency")?),
        mode => line_items(&mut office, form, &id, mode)?,
    };
    let total = if trial.is_some() { 0 } else { sold.total };
    let mut session = session(&office, form, &id, &sold.currency, total)?;
    session["mode"] = mode.into();
    if mode == "setup" {
        for name in ["amount_subtotal", "amount_total"] {
            session[name] = Value::Null;
        }
        if sold.currency.is_empty() {
            session["currency"] = Value::Null;
        }
        session["payment_status"] = "no_payment_required".into();
    }
    session["_line_items"] = sold.list;
    session["_items"] = sold.items;
    session["_intent_data"] = json!({
        "metadata": form.metadata("payment_intent_data[metadata]")?,
        "description": form.text("payment_intent_data[description]")?,
        "setup_future_usage": form.text("payment_intent_data[setup_future_usage]")?,
    });
    session["_subscription_data"] = json!({
        "metadata": form.metadata("subscription_data[metadata]")?,
        "description": form.text("subscription_data[description]")?,
        "trial_days": form.integer("subscription_data[trial_period_days]")?,
        "trial_end": trial,
        "without_method": without,
        "mode": billing_mode.unwrap_or(usual),
    });
    office.keep(&session);
    office.account.agenda.note(session.number("expires_at"), Step::ExpireSession(id));
    Ok(session)
}

fn check_customer(office: &Office<'_>, form: &Form) -> Result<(), StripeError> {
    let Some(customer) = form.text("customer")? else { return Ok(()) };
    office.customer("customer", customer)?;
    if form.text("customer_email")?.is_some() {
        let message = "You may only specify one of these parameters: customer, customer_email.";
        return Err(StripeError::invalid("customer_email", message));
    }
    Ok(())
}

fn check_mode(form: &Form, mode: &str) -> Result<(), StripeError> {
    let other: &[&str] = match mode {
        "payment" => &["subscription_data", "payment_method_collection"],
        "setup" => &["subscription_data", "payment_intent_data", "line_items"],
        _ => &["payment_intent_data", "customer_creation"],
    };
    match other.iter().find(|name| form.has(name)) {
        Some(name) => {
            let message = format!("You can not pass `{name}` in `{mode}` mode.");
            Err(StripeError::invalid(name, message))
        }
        None => Ok(()),
    }
}

/// Refuses a total that nobody may be asked for.
fn check_total(total: i64, mode: &str) -> Result<(), StripeError> {
    let least = i64::from(mode == "payment");
    if (least..=LARGEST_AMOUNT).contains(&total) {
        return Ok(());
    }
    let code = if total < least { "amount_too_small" } else { "amount_too_large" };
    let message = format!("The total must be between {least} and {LARGEST_AMOUNT}");
    Err(StripeError::refused("line_items", code, message))
}

/// Closes a session that is past its time, and tells of it.
pub(crate) fn expire_if_due(office: &mut Office<'_>, id: &str) {
    let Some(mut session) = office.get(Kind::Session, id) else { return };
    if session.is("status", "open") && session.number("expires_at") <= office.now {
        close(office, &mut session);
    }
}

fn close(office: &mut Office<'_>, session: &mut Value) {
    session["status"] = "expired".into();
    session["url"] = Value::Null;
    office.record("checkout.session.expired", session);
}

fn expire(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let mut session = desk.found(Kind::Session)?;
    if !session.is("status", "open") {
        let message = format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout \
             Session has a status of {}.",
            session.text("status")
        );
        return Err(StripeError::state(None, message));
    }
    close(&mut desk.office(), &mut session);
    Ok(session)
}

fn list(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let form = desk.form;
    let mut asked = Vec::new();
    for name in ["customer", "payment_intent", "status", "subscription"] {
        asked.extend(form.text(name)?.map(|value| (name, value)));
    }
    desk.page(Kind::Session, |session| asked.iter().all(|(name, value)| session.is(name, value)))
}
