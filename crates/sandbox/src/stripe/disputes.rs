//! `/v1/disputes`. They are opened and decided on the sandbox's control page, by cards that do so, and
//! by evidence that says how it ends.
use serde_json::{Value, json};

use super::{
    charging::transaction,
    desk::{Desk, Operation},
    error::StripeError,
    facts::Facts as _,
    kind::Kind,
    office::Office,
};

const RESPONSE_DAYS: i64 = 10;
const EVIDENCE: [&str; 27] = [
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
];

/// How a dispute ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The money comes back.
    Won,
    /// It does not.
    Lost,
}

/// Show a dispute.
pub(crate) const FIND: Operation =
    Operation { parameters: &[], act: |desk| desk.found(Kind::Dispute) };

/// List disputes.
pub(crate) const LIST: Operation = Operation {
    parameters: &["limit", "starting_after", "ending_before", "charge", "payment_intent"],
    act: list,
};

/// Answer a dispute. The text `winning_evidence` wins it, and `losing_evidence` loses it.
pub(crate) const UPDATE: Operation =
    Operation { parameters: &["evidence[*]", "submit", "metadata", "metadata[*]"], act: update };

/// Accept a dispute.
pub(crate) const CLOSE: Operation = Operation { parameters: &[], act: close };

/// Opens a dispute about so much of a charge: the money is taken at once.
pub(crate) fn open(office: &mut Office<'_>, charge: &Value, amount: i64, reason: &str) -> Value {
    let mut charge = charge.clone();
    let card = &charge["payment_method_details"]["card"];
    let mut evidence = json!({ "enhanced_evidence": {} });
    for name in EVIDENCE {
        evidence[name] = Value::Null;
    }
    let mut dispute = json!({
        "id": office.mint("dp_1", 23), "object": "dispute", "amount": amount,
        "balance_transactions": [], "charge": charge["id"], "created": office.now,
        "currency": charge["currency"], "enhanced_eligibility_types": [], "evidence": evidence,
        "evidence_details": {
            "due_by": office.now + RESPONSE_DAYS * 24 * 60 * 60, "enhanced_eligibility": {},
            "has_evidence": false, "past_due": false, "submission_count": 0,
        },
        "is_charge_refundable": false, "livemode": false, "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": card["brand"], "case_type": "chargeback",
                "network_reason_code": "10.4", "network": card["network"],
            },
            "type": "card",
        },
        "reason": reason, "status": "needs_response",
    });
    charge["disputed"] = true.into();
    office.change("charge.updated", &charge);
    office.record("charge.dispute.created", &dispute);
    move_funds(office, &mut dispute, -amount);
    office.record("charge.dispute.funds_withdrawn", &dispute);
    dispute
}

fn move_funds(office: &mut Office<'_>, dispute: &mut Value, amount: i64) {
    let kind = if amount < 0 { "dispute" } else { "dispute_reversal" };
    let transaction = transaction(office, dispute, kind, amount);
    office.keep(&transaction);
    if let Some(all) = dispute["balance_transactions"].as_array_mut() {
        all.push(transaction);
    }
}

/// Decides a dispute. None, if that was done before.
pub(crate) fn decide(office: &mut Office<'_>, dispute: &Value, verdict: Verdict) -> Option<Value> {
    if matches!(dispute.text("status"), "won" | "lost") {
        return None;
    }
    let mut dispute = dispute.clone();
    dispute["status"] = match verdict {
        Verdict::Won => "won",
        Verdict::Lost => "lost",
    }
    .into();
    office.record("charge.dispute.closed", &dispute);
    if verdict == Verdict::Won {
        let amount = dispute.number("amount");
        move_funds(office, &mut dispute, amount);
        office.record("charge.dispute.funds_reinstated", &dispute);
    }
    Some(dispute)
}

fn list(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let form = desk.form;
    let (charge, intent) = (form.text("charge")?, form.text("payment_intent")?);
    desk.page(Kind::Dispute, |dispute| {
        charge.is_none_or(|charge| dispute.is("charge", charge))
            && intent.is_none_or(|intent| dispute.is("payment_intent", intent))
    })
}

fn update(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let mut dispute = desk.found(Kind::Dispute)?;
    let form = desk.form;
    dispute["metadata"] = form.merged("metadata", &dispute["metadata"])?;
    let mut told = false;
    for name in EVIDENCE {
        if let Some(value) = form.given(&format!("evidence[{name}]")) {
            dispute["evidence"][name] = value.into();
            told = true;
        }
    }
    let submitted = told && form.switch("submit")? != Some(false);
    if told && !dispute.is("status", "needs_response") {
        let message = "This dispute is already closed or under review.";
        return Err(StripeError::state(None, message));
    }
    dispute["evidence_details"]["has_evidence"] =
        (told || dispute["evidence_details"].holds("has_evidence")).into();
    if submitted {
        dispute["status"] = "under_review".into();
        dispute["evidence_details"]["submission_count"] = 1.into();
    }
    let mut office = desk.office();
    office.change("charge.dispute.updated", &dispute);
    let verdict = match dispute["evidence"].text("uncategorized_text") {
        "winning_evidence" if submitted => Some(Verdict::Won),
        "losing_evidence" if submitted => Some(Verdict::Lost),
        _ => None,
    };
    let decided = verdict.and_then(|verdict| decide(&mut office, &dispute, verdict));
    Ok(decided.unwrap_or(dispute))
}

fn close(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let dispute = desk.found(Kind::Dispute)?;
    let decided = decide(&mut desk.office(), &dispute, Verdict::Lost);
    decided.ok_or_else(|| StripeError::state(None, "This dispute is already closed."))
}
