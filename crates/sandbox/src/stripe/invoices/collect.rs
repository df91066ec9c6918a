//! Collecting an invoice: which payment method is tried, what is told of how that went, and when it is
//! tried again. What it means to the subscription is the subscription's.
use serde_json::Value;

use crate::stripe::{
    agenda::Step,
    cards::Decline,
    charging::{self, Taken},
    facts::Facts as _,
    kind::Kind,
    office::Office,
    subscriptions::outcome,
};

const DAY: i64 = 24 * 60 * 60;

/// How the collection of an invoice went.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Collected {
    /// It is paid.
    Paid,
    /// The card was declined.
    Declined(Decline),
    /// Whoever pays has to approve it first.
    ActionRequired,
    /// There is nothing to charge.
    NoPaymentMethod,
}

/// Who asks for an invoice to be collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Stripe itself, by its schedule, which goes on where it fails.
    BySchedule,
    /// Somebody.
    BySomebody,
}

/// The payment method that is charged for a subscription of a customer.
pub(crate) fn method_for(office: &Office<'_>, invoice: &Value) -> Option<Value> {
    let subscription = invoice["parent"]["subscription_details"].text("subscription");
    let customer = office.account.get(Kind::Customer, invoice.text("customer"))?;
    let own = office
        .account
        .get(Kind::Subscription, subscription)
        .and_then(|subscription| subscription.given("default_payment_method"));
    let id = own.or_else(|| customer["invoice_settings"].given("default_payment_method"))?;
    office.get(Kind::PaymentMethod, id)
}

/// Collects an open invoice.
pub(crate) fn collect(
    office: &mut Office<'_>,
    invoice: &mut Value,
    method: Option<Value>,
    asked: Asked,
) -> Collected {
    if invoice.number("amount_remaining") == 0 {
        paid(office, invoice, &Value::Null);
        return Collected::Paid;
    }
    let method = method.or_else(|| method_for(office, invoice));
    let intent = office.get(Kind::Intent, invoice.text("_payment_intent"));
    let (Some(method), Some(mut intent)) = (method, intent) else {
        failed(office, invoice, asked, false);
        return Collected::NoPaymentMethod;
    };
    let taken = charging::take(office, &mut intent, &method);
    invoice["_charge"] = intent["latest_charge"].clone();
    match taken {
        Taken::Paid => {
            paid(office, invoice, &intent);
            Collected::Paid
        }
        Taken::Declined(decline) => {
            failed(office, invoice, asked, false);
            Collected::Declined(decline)
        }
        Taken::ActionRequired => {
            failed(office, invoice, asked, true);
            Collected::ActionRequired
        }
    }
}

/// An invoice has its money, by this intent or without one.
pub(crate) fn paid(office: &mut Office<'_>, invoice: &mut Value, intent: &Value) {
    if intent.is_object() {
        invoice["attempt_count"] = (invoice.number("attempt_count") + 1).into();
    }
    invoice["_charge"] = intent["latest_charge"].clone();
    invoice["attempted"] = true.into();
    invoice["status"] = "paid".into();
    invoice["amount_paid"] = invoice["amount_due"].clone();
    invoice["amount_remaining"] = 0.into();
    invoice["next_payment_attempt"] = Value::Null;
    invoice["status_transitions"]["paid_at"] = office.now.into();
    office.keep(invoice);
    let amount = invoice["amount_due"].clone();
    let mut told = None;
    if let Some(mut payment) = payment_of(office, invoice) {
        payment["status"] = "paid".into();
        payment["amount_paid"] = amount;
        payment["status_transitions"]["paid_at"] = office.now.into();
        office.keep(&payment);
        told = Some(payment);
    }
    office.tell("invoice.paid", invoice);
    office.tell("invoice.payment_succeeded", invoice);
    if let Some(payment) = told {
        office.tell("invoice_payment.paid", &payment);
    }
    outcome::paid(office, invoice);
}

/// An invoice was not paid.
fn failed(office: &mut Office<'_>, invoice: &mut Value, asked: Asked, action: bool) {
    let tries = invoice.number("attempt_count") + 1;
    invoice["attempt_count"] = tries.into();
    invoice["attempted"] = true.into();
    let first = invoice.is("billing_reason", "subscription_create");
    let mut last = false;
    if asked == Asked::BySchedule && !first {
        let next = usize::try_from(tries - 1).ok();
        let days = next.and_then(|next| office.account.billing.retry_days.get(next)).copied();
        let next = days.map(|days| office.now + days * DAY);
        invoice["next_payment_attempt"] = next.into();
        last = next.is_none();
        if let Some(at) = next {
            office.account.agenda.note(at, Step::Retry(invoice.text("id").to_owned()));
        }
    }
    office.keep(invoice);
    if action {
        office.tell("invoice.payment_action_required", invoice);
    }
    office.tell("invoice.payment_failed", invoice);
    outcome::failed(office, invoice, last);
}

/// How an invoice and its intent belong together.
fn payment_of(office: &Office<'_>, invoice: &Value) -> Option<Value> {
    office.get(Kind::InvoicePayment, invoice.text("_payment"))
}

/// An invoice is not asked for any more.
pub(crate) fn void(office: &mut Office<'_>, invoice: &mut Value) {
    invoice["status"] = "void".into();
    invoice["auto_advance"] = false.into();
    invoice["next_payment_attempt"] = Value::Null;
    invoice["status_transitions"]["voided_at"] = office.now.into();
    if let Some(mut payment) = payment_of(office, invoice) {
        payment["status"] = "canceled".into();
        payment["status_transitions"]["canceled_at"] = office.now.into();
        office.keep(&payment);
    }
    let intent = office.get(Kind::Intent, invoice.text("_payment_intent"));
    if let Some(mut intent) = intent.filter(|intent| !intent.is("status", "succeeded")) {
        intent["status"] = "canceled".into();
        intent["canceled_at"] = office.now.into();
        intent["cancellation_reason"] = "void_invoice".into();
        intent["next_action"] = Value::Null;
        office.record("payment_intent.canceled", &intent);
    }
    office.record("invoice.voided", invoice);
}
