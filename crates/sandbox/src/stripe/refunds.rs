//! `/v1/refunds`: giving back what a charge took, all of it or parts.
use serde_json::{Value, json};

use super::{
    cards::Conduct,
    charging::transaction,
    desk::{Desk, Operation},
    error::StripeError,
    facts::Facts as _,
    kind::Kind,
    office::Office,
    payment_methods::conduct,
};

/// Give money back.
pub(crate) const CREATE: Operation = Operation {
    parameters: &["charge", "payment_intent", "amount", "reason", "metadata[*]"],
    act: create,
};

/// Show a refund.
pub(crate) const FIND: Operation =
    Operation { parameters: &[], act: |desk| desk.found(Kind::Refund) };

/// Change what is noted beside a refund.
pub(crate) const UPDATE: Operation =
    Operation { parameters: &["metadata", "metadata[*]"], act: update };

/// List refunds.
pub(crate) const LIST: Operation = Operation {
    parameters: &["limit", "starting_after", "ending_before", "charge", "payment_intent"],
    act: list,
};

fn create(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let form = desk.form;
    let mut office = desk.office();
    let charge = charge_of(&office, form.text("charge")?, form.text("payment_intent")?)?;
    let reason = form.word("reason", &["duplicate", "fraudulent", "requested_by_customer"])?;
    let amount = form.integer("amount")?;
    let metadata = form.metadata("metadata")?;
    check(&charge, amount)?;
    let left = charge.number("amount") - charge.number("amount_refunded");
    let amount = amount.unwrap_or(left);
    let method = office.get(Kind::PaymentMethod, charge.text("payment_method"));
    let fails = method.is_some_and(|method| conduct(&method) == Conduct::RefusesRefunds);
    let mut refund = json!({
        "id": office.mint("re_3", 23), "object": "refund", "amount": amount,
        "balance_transaction": null, "charge": charge["id"], "created": office.now,
        "currency": charge["currency"], "customer": charge["customer"],
        "customer_account": null,
        "destination_details": {
            "card": {
                "reference": null, "reference_status": "pending",
                "reference_type": "acquirer_reference_number", "type": "refund",
            },
            "type": "card",
        },
        "metadata": metadata, "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"], "reason": reason, "receipt_number": null,
        "source_transfer_reversal": null, "status": "succeeded", "transfer_reversal": null,
    });
    let transaction = transaction(&office, &refund, "refund", -amount);
    refund["balance_transaction"] = transaction["id"].clone();
    office.keep(&transaction);
    office.record("refund.created", &refund);
    let mut charge = charge;
    give_back(&mut charge, amount);
    office.change("charge.refunded", &charge);
    let given = refund.clone();
    if fails {
        fail(&mut office, refund, charge, amount);
    }
    Ok(given)
}

fn give_back(charge: &mut Value, amount: i64) {
    let refunded = charge.number("amount_refunded") + amount;
    charge["amount_refunded"] = refunded.into();
    charge["refunded"] = (refunded == charge.number("amount")).into();
}

/// The card does not take the money: the account has it again.
fn fail(office: &mut Office<'_>, mut refund: Value, mut charge: Value, amount: i64) {
    let transaction = transaction(office, &refund, "refund_failure", amount);
    office.keep(&transaction);
    refund["status"] = "failed".into();
    refund["failure_reason"] = "unknown".into();
    refund["failure_balance_transaction"] = transaction["id"].clone();
    give_back(&mut charge, -amount);
    office.keep(&charge);
    office.change("refund.updated", &refund);
    office.tell("refund.failed", &refund);
}

fn charge_of(
    office: &Office<'_>,
    charge: Option<&str>,
    intent: Option<&str>,
) -> Result<Value, StripeError> {
    let (name, id) = match (charge, intent) {
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: charge, payment_intent.";
            return Err(StripeError::invalid("charge", message));
        }
        (None, None) => {
            let message = "One of the following params should be provided for this request: \
                           payment_intent or charge.";
            return Err(StripeError::state(Some("parameter_missing"), message));
        }
        (Some(charge), None) => ("charge", charge.to_owned()),
        (None, Some(intent)) => {
            let found = office.account.get(Kind::Intent, intent);
            let missing = || StripeError::no_such(400, "payment_intent", "payment_intent", intent);
            let found = found.ok_or_else(missing)?;
            if !found.is("status", "succeeded") {
                let message = format!(
                    "This PaymentIntent ({intent}) does not have a successful charge to refund."
                );
                let code = Some("payment_intent_unexpected_state");
                return Err(StripeError::state(code, message));
            }
            ("payment_intent", found.text("latest_charge").to_owned())
        }
    };
    let found = office.get(Kind::Charge, &id);
    found.ok_or_else(|| StripeError::no_such(400, "charge", name, &id))
}

fn check(charge: &Value, amount: Option<i64>) -> Result<(), StripeError> {
    let id = charge.text("id");
    let left = charge.number("amount") - charge.number("amount_refunded");
    if !charge.holds("paid") {
        let message = format!("Charge {id} has not been paid and cannot be refunded.");
        return Err(StripeError::state(None, message));
    }
    if charge.holds("disputed") {
        let message = format!("Charge {id} has been charged back; cannot issue a refund.");
        return Err(StripeError::state(Some("charge_disputed"), message));
    }
    if left == 0 {
        let message = format!("Charge {id} has already been refunded.");
        return Err(StripeError::state(Some("charge_already_refunded"), message));
    }
    if amount.is_some_and(|amount| amount < 1) {
        let message = "Invalid positive integer";
        return Err(StripeError::refused("amount", "parameter_invalid_integer", message));
    }
    if let Some(amount) = amount.filter(|amount| *amount > left) {
        let message = format!(
            "Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        );
        return Err(StripeError::invalid("amount", message));
    }
    Ok(())
}

fn update(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let mut refund = desk.found(Kind::Refund)?;
    refund["metadata"] = desk.form.merged("metadata", &refund["metadata"])?;
    desk.office().change("refund.updated", &refund);
    Ok(refund)
}

fn list(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let form = desk.form;
    let (charge, intent) = (form.text("charge")?, form.text("payment_intent")?);
    desk.page(Kind::Refund, |refund| {
        charge.is_none_or(|charge| refund.is("charge", charge))
            && intent.is_none_or(|intent| refund.is("payment_intent", intent))
    })
}
