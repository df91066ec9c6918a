//! `/v1/invoices` and `/v1/invoice_payments`. Invoices are made by subscriptions alone.
pub(crate) mod collect;
pub(crate) mod lines;
pub(crate) mod make;
pub(crate) mod preview;

use serde_json::Value;

use self::collect::{Asked, Collected};
use super::{
    desk::{Desk, Operation},
    error::StripeError,
    facts::Facts as _,
    kind::Kind,
    office::Office,
    payment_methods,
};

/// Show an invoice.
pub(crate) const FIND: Operation =
    Operation { parameters: &[], act: |desk| desk.found(Kind::Invoice) };

/// List invoices.
pub(crate) const LIST: Operation = Operation {
    parameters: &[
        "limit",
        "starting_after",
        "ending_before",
        "customer",
        "subscription",
        "status",
        "collection_method",
        "created[gt]",
        "created[gte]",
        "created[lt]",
        "created[lte]",
    ],
    act: list,
};

/// Show the lines of an invoice.
pub(crate) const LINES: Operation =
    Operation { parameters: &["limit", "starting_after"], act: |desk| lines_of(desk) };

/// Collect an invoice now.
pub(crate) const PAY: Operation = Operation {
    parameters: &["payment_method", "paid_out_of_band", "off_session", "forgive"],
    act: pay,
};

/// Make a draft final now.
pub(crate) const FINALIZE: Operation =
    Operation { parameters: &["auto_advance"], act: |desk| finalize(desk) };

/// Ask for an invoice no more.
pub(crate) const VOID: Operation = Operation { parameters: &[], act: void };

/// Give an invoice up.
pub(crate) const MARK_UNCOLLECTIBLE: Operation =
    Operation { parameters: &[], act: mark_uncollectible };

/// Show how an invoice is paid.
pub(crate) const FIND_PAYMENT: Operation =
    Operation { parameters: &[], act: |desk| desk.found(Kind::InvoicePayment) };

/// List how invoices are paid.
pub(crate) const LIST_PAYMENTS: Operation = Operation {
    parameters: &[
        "limit",
        "starting_after",
        "ending_before",
        "invoice",
        "status",
        "payment[type]",
        "payment[payment_intent]",
    ],
    act: list_payments,
};

fn list(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let form = desk.form;
    let (customer, subscription) = (form.text("customer")?, form.text("subscription")?);
    let status = form.word("status", &["draft", "open", "paid", "uncollectible", "void"])?;
    let created = form.span("created")?;
    desk.page(Kind::Invoice, |invoice| {
        let of = &invoice["parent"]["subscription_details"];
        customer.is_none_or(|customer| invoice.is("customer", customer))
            && subscription.is_none_or(|subscription| of.is("subscription", subscription))
            && status.is_none_or(|status| invoice.is("status", status))
            && created.contains(&invoice.number("created"))
    })
}

fn lines_of(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    Ok(desk.found(Kind::Invoice)?["lines"].take())
}

fn list_payments(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let form = desk.form;
    let (invoice, status) = (form.text("invoice")?, form.text("status")?);
    let intent = form.text("payment[payment_intent]")?;
    desk.page(Kind::InvoicePayment, |payment| {
        invoice.is_none_or(|invoice| payment.is("invoice", invoice))
            && status.is_none_or(|status| payment.is("status", status))
            && intent.is_none_or(|intent| payment["payment"].is("payment_intent", intent))
    })
}

fn pay(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let mut invoice = desk.found(Kind::Invoice)?;
    let form = desk.form;
    let mut office = desk.office();
    match invoice.text("status") {
        "draft" | "open" | "uncollectible" => {}
        "paid" => {
            let message = "Invoice is already paid";
            return Err(StripeError::state(Some("invoice_already_paid"), message));
        }
        _ => return Err(StripeError::state(None, "Voided invoices cannot be paid.")),
    }
    let out_of_band = form.switch("paid_out_of_band")? == Some(true);
    let method = match form.text("payment_method")? {
        Some(id) => {
            let customer = invoice.text("customer");
            Some(payment_methods::of_customer(&mut office, "payment_method", id, customer)?)
        }
        None => collect::method_for(&office, &invoice),
    };
    if method.is_none() && !out_of_band && invoice.number("amount_remaining") > 0 {
        return Err(no_payment_method());
    }
    if invoice.is("status", "draft") {
        make::finalize(&mut office, &mut invoice);
    }
    if out_of_band {
        collect::paid(&mut office, &mut invoice, &Value::Null);
        return Ok(invoice);
    }
    let collected = collect::collect(&mut office, &mut invoice, method, Asked::BySomebody);
    let id = invoice.text("id").to_owned();
    answer(&office, &id, collected)
}

/// The invoice as it is now, or why it is not paid.
pub(crate) fn answer(
    office: &Office<'_>,
    id: &str,
    collected: Collected,
) -> Result<Value, StripeError> {
    let invoice = office.get(Kind::Invoice, id).unwrap_or_default();
    let intent = office.get(Kind::Intent, invoice.text("_payment_intent")).unwrap_or_default();
    match collected {
        Collected::Paid => Ok(invoice),
        Collected::Declined(decline) => Err(StripeError::declined(decline, Some(&intent))),
        Collected::ActionRequired => Err(StripeError::requires_action(&intent)),
        Collected::NoPaymentMethod => Err(no_payment_method()),
    }
}

/// There is nothing to charge.
pub(crate) fn no_payment_method() -> StripeError {
    let message = "This customer has no attached payment source or default payment method. Please \
                   consider adding a default payment method.";
    StripeError::state(Some("resource_missing"), message)
}

fn finalize(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let mut invoice = desk.found(Kind::Invoice)?;
    if !invoice.is("status", "draft") {
        let message =
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.";
        return Err(StripeError::state(Some("invoice_not_editable"), message));
    }
    if let Some(advance) = desk.form.switch("auto_advance")? {
        invoice["auto_advance"] = advance.into();
    }
    let mut office = desk.office();
    make::finalize(&mut office, &mut invoice);
    if invoice.number("amount_remaining") == 0 {
        collect::paid(&mut office, &mut invoice, &Value::Null);
    }
    Ok(invoice)
}

fn void(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let mut invoice = desk.found(Kind::Invoice)?;
    if !matches!(invoice.text("status"), "open" | "uncollectible") {
        let message = "You can only pass in open or uncollectible invoices.";
        return Err(StripeError::state(None, message));
    }
    collect::void(&mut desk.office(), &mut invoice);
    super::subscriptions::outcome::voided(&mut desk.office(), &invoice);
    Ok(invoice)
}

fn mark_uncollectible(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let mut invoice = desk.found(Kind::Invoice)?;
    if !invoice.is("status", "open") {
        return Err(StripeError::state(None, "You can only pass in open invoices."));
    }
    let mut office = desk.office();
    invoice["status"] = "uncollectible".into();
    invoice["next_payment_attempt"] = Value::Null;
    invoice["status_transitions"]["marked_uncollectible_at"] = office.now.into();
    office.record("invoice.marked_uncollectible", &invoice);
    Ok(invoice)
}
