//! `/v1/payment_intents`, `/v1/charges` and `/v1/balance_transactions`. They are made by sessions and
//! invoices, never over the API.
use serde_json::Value;

use super::{
    desk::{Desk, Operation},
    error::StripeError,
    facts::Facts as _,
    invoices::{
        self,
        collect::{self, Asked},
    },
    kind::Kind,
    payment_methods,
};

/// Show a payment intent.
pub(crate) const FIND: Operation =
    Operation { parameters: &["client_secret"], act: |desk| desk.found(Kind::Intent) };

/// List payment intents.
pub(crate) const LIST: Operation = Operation {
    parameters: &["limit", "starting_after", "ending_before", "customer"],
    act: |desk| of_customer(desk, Kind::Intent),
};

/// Pay the invoice of a payment intent.
pub(crate) const CONFIRM: Operation = Operation {
    parameters: &["payment_method", "return_url", "off_session", "client_secret"],
    act: confirm,
};

/// Show a charge.
pub(crate) const FIND_CHARGE: Operation =
    Operation { parameters: &[], act: |desk| desk.found(Kind::Charge) };

/// List charges.
pub(crate) const LIST_CHARGES: Operation = Operation {
    parameters: &["limit", "starting_after", "ending_before", "customer", "payment_intent"],
    act: |desk| of_customer(desk, Kind::Charge),
};

/// Show a balance transaction.
pub(crate) const FIND_BALANCE: Operation =
    Operation { parameters: &[], act: |desk| desk.found(Kind::BalanceTransaction) };

fn of_customer(desk: &mut Desk<'_>, kind: Kind) -> Result<Value, StripeError> {
    let form = desk.form;
    let (customer, intent) = (form.text("customer")?, form.text("payment_intent")?);
    desk.page(kind, |one| {
        customer.is_none_or(|customer| one.is("customer", customer))
            && intent.is_none_or(|intent| one.is("payment_intent", intent))
    })
}

fn confirm(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let intent = desk.found(Kind::Intent)?;
    let form = desk.form;
    let mut office = desk.office();
    let invoice = office.get(Kind::Invoice, intent.text("_invoice"));
    let invoice = invoice.filter(|invoice| invoice.is("status", "open"));
    let Some(mut invoice) = invoice else {
        let message = format!(
            "This PaymentIntent's status is {}, and it belongs to no open invoice.",
            intent.text("status")
        );
        return Err(StripeError::state(Some("payment_intent_unexpected_state"), message));
    };
    let method = match form.text("payment_method")? {
        Some(id) => {
            let customer = invoice.text("customer");
            Some(payment_methods::of_customer(&mut office, "payment_method", id, customer)?)
        }
        None => collect::method_for(&office, &invoice),
    };
    if method.is_none() {
        return Err(invoices::no_payment_method());
    }
    let collected = collect::collect(&mut office, &mut invoice, method, Asked::BySomebody);
    match collected {
        collect::Collected::Paid | collect::Collected::ActionRequired => {
            Ok(office.get(Kind::Intent, intent.text("id")).unwrap_or_default())
        }
        refused => invoices::answer(&office, invoice.text("id"), refused),
    }
}
