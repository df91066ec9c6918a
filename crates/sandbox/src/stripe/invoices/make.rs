//! Drafts, and what becomes of them when they are final. How they are paid is the collector's.
use serde_json::{Value, json};

use crate::stripe::{
    agenda::Step,
    charging::{self, Purpose},
    facts::Facts as _,
    kind::Kind,
    office::Office,
};

/// What an invoice is made of.
pub(crate) struct Draft<'a> {
    /// Who pays.
    pub(crate) customer: &'a Value,
    /// What for, or nothing.
    pub(crate) subscription: &'a Value,
    /// `subscription_cycle`
    pub(crate) reason: &'a str,
    /// In lower case.
    pub(crate) currency: &'a str,
    /// From when until when it looks.
    pub(crate) period: (i64, i64),
    /// What is charged.
    pub(crate) lines: Vec<Value>,
}

/// An invoice that is neither kept nor told of.
pub(crate) fn compose(office: &Office<'_>, id: &str, draft: Draft<'_>) -> Value {
    let Draft { customer, subscription, reason, currency, period, mut lines } = draft;
    for line in &mut lines {
        line["invoice"] = id.into();
    }
    let total = lines.iter().map(|line| line.number("amount")).sum::<i64>();
    let balance = customer.number("balance");
    // What is owed to the customer is taken off; what the customer owes is not a matter here.
    let used = if total > 0 { total.min((-balance).max(0)) } else { 0 };
    let due = (total - used).max(0);
    let parent = subscription.is_object().then(|| {
        json!({
            "quote_details": null,
            "subscription_details": {
                "metadata": subscription["metadata"], "subscription": subscription["id"],
            },
            "type": "subscription_details",
        })
    });
    json!({
        "id": id, "object": "invoice", "account_country": "US", "account_name": "Sandbox",
        "account_tax_ids": null, "amount_due": due, "amount_overpaid": 0, "amount_paid": 0,
        "amount_remaining": due, "amount_shipping": 0, "application": null, "attempt_count": 0,
        "attempted": false, "auto_advance": true,
        "automatic_tax": {
            "disabled_reason": null, "enabled": false, "liability": null, "provider": null,
            "status": null,
        },
        "automatically_finalizes_at": null, "billing_reason": reason,
        "collection_method": "charge_automatically", "created": office.now,
        "currency": currency, "custom_fields": null, "customer": customer["id"],
        "customer_account": null, "customer_address": null, "customer_email": customer["email"],
        "customer_name": customer["name"], "customer_phone": customer["phone"],
        "customer_shipping": null, "customer_tax_exempt": "none", "customer_tax_ids": [],
        "default_payment_method": null, "default_source": null, "default_tax_rates": [],
        "description": null, "discounts": [], "due_date": null, "effective_at": null,
        "ending_balance": null, "footer": null, "from_invoice": null,
        "hosted_invoice_url": null, "invoice_pdf": null, "issuer": { "type": "self" },
        "last_finalization_error": null, "latest_revision": null,
        "lines": {
            "object": "list", "data": lines, "has_more": false, "total_count": lines.len(),
            "url": format!("/v1/invoices/{id}/lines"),
        },
        "livemode": false, "metadata": {}, "next_payment_attempt": null, "number": null,
        "on_behalf_of": null, "parent": parent,
        "payment_settings": {
            "default_mandate": null, "payment_method_options": null,
            "payment_method_types": null,
        },
        "period_end": period.1, "period_start": period.0,
        "post_payment_credit_notes_amount": 0, "pre_payment_credit_notes_amount": 0,
        "receipt_number": null, "rendering": null, "shipping_cost": null,
        "shipping_details": null, "starting_balance": balance, "statement_descriptor": null,
        "status": "draft",
        "status_transitions": {
            "finalized_at": null, "marked_uncollectible_at": null, "paid_at": null,
            "voided_at": null,
        },
        "subtotal": total, "subtotal_excluding_tax": total, "test_clock": null, "total": total,
        "total_discount_amounts": [], "total_excluding_tax": total,
        "total_pretax_credit_amounts": [], "total_taxes": [], "webhooks_delivered_at": null,
        "_payment_intent": null, "_charge": null, "_balance_used": used,
    })
}

/// Makes a draft and tells of it.
pub(crate) fn draft(office: &mut Office<'_>, id: &str, draft: Draft<'_>) -> Value {
    let invoice = compose(office, id, draft);
    office.record("invoice.created", &invoice);
    invoice
}

/// Makes a draft that becomes final by itself, after the time that drafts wait, and tells of it.
pub(crate) fn draft_that_waits(office: &mut Office<'_>, id: &str, draft: Draft<'_>) {
    let mut invoice = compose(office, id, draft);
    let at = office.now + office.account.billing.draft_seconds;
    invoice["automatically_finalizes_at"] = at.into();
    invoice["next_payment_attempt"] = at.into();
    office.record("invoice.created", &invoice);
    office.account.agenda.note(at, Step::Finalize(id.to_owned()));
}

/// Makes a draft final: it gets a number and an intent. One of nothing is paid by that, which is left
/// to the collector.
pub(crate) fn finalize(office: &mut Office<'_>, invoice: &mut Value) {
    let id = invoice.text("id").to_owned();
    let customer = office.get(Kind::Customer, invoice.text("customer"));
    let mut customer = customer.unwrap_or_default();
    let sequence = customer["next_invoice_sequence"].as_i64().unwrap_or(1);
    invoice["number"] = format!("{}-{sequence:04}", customer.text("invoice_prefix")).into();
    customer["next_invoice_sequence"] = (sequence + 1).into();
    let total = invoice.number("total");
    let settled = if total < 0 { total } else { invoice.number("_balance_used") };
    customer["balance"] = (customer.number("balance") + settled).into();
    if settled == 0 {
        office.keep(&customer);
    } else {
        office.change("customer.updated", &customer);
    }
    invoice["ending_balance"] = customer["balance"].clone();
    invoice["status"] = "open".into();
    invoice["automatically_finalizes_at"] = Value::Null;
    invoice["effective_at"] = office.now.into();
    invoice["status_transitions"]["finalized_at"] = office.now.into();
    let base = &office.world.base_url;
    invoice["hosted_invoice_url"] = format!("{base}/stripe/invoice/{id}").into();
    invoice["invoice_pdf"] = format!("{base}/stripe/invoice/{id}/pdf").into();
    if invoice.number("amount_due") > 0 && invoice["_payment_intent"].is_null() {
        let mut intent = charging::intent(
            office,
            &Purpose {
                amount: invoice.number("amount_due"),
                currency: invoice.text("currency"),
                customer: &invoice["customer"],
                description: &describe(invoice),
                metadata: &Value::Null,
            },
        );
        intent["_invoice"] = invoice["id"].clone();
        intent["setup_future_usage"] = "off_session".into();
        invoice["_payment_intent"] = intent["id"].clone();
        office.record("payment_intent.created", &intent);
    }
    if !invoice["_payment_intent"].is_null() {
        let payment = payment(office, invoice);
        invoice["_payment"] = payment["id"].clone();
        office.keep(&payment);
    }
    office.keep(invoice);
    office.tell("invoice.finalized", invoice);
}

fn describe(invoice: &Value) -> Value {
    match invoice.text("billing_reason") {
        "subscription_create" => "Subscription creation".into(),
        _ => "Subscription update".into(),
    }
}

/// How an invoice and its intent belong together.
fn payment(office: &Office<'_>, invoice: &Value) -> Value {
    json!({
        "id": office.mint("inpay_1", 23), "object": "invoice_payment", "amount_paid": null,
        "amount_requested": invoice["amount_due"], "created": office.now,
        "currency": invoice["currency"], "invoice": invoice["id"], "is_default": true,
        "livemode": false,
        "payment": {
            "payment_intent": invoice["_payment_intent"], "type": "payment_intent",
        },
        "status": "open", "status_transitions": { "canceled_at": null, "paid_at": null },
    })
}
