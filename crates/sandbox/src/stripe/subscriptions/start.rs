//! How a subscription begins: as an object, and with its first invoice. Whether that is paid, and with
//! what, is its callers' business.
use serde_json::{Value, json};

use crate::stripe::{
    agenda::Step,
    calendar::boundary_after,
    facts::Facts as _,
    invoices::{
        lines::whole_period,
        make::{Draft, draft},
    },
    kind::Kind,
    office::Office,
};

const DAY: i64 = 24 * 60 * 60;
/// How long the first payment may take.
pub(crate) const PATIENCE: i64 = 23 * 60 * 60;
/// How long before its end a trial is warned of.
const WARNING: i64 = 3 * DAY;

/// What was agreed.
pub(crate) struct Sale<'a> {
    /// `cus_…`
    pub(crate) customer: &'a str,
    /// Prices, and how many of each.
    pub(crate) items: Vec<(Value, i64)>,
    /// When the trial ends, if there is one.
    pub(crate) trial_end: Option<i64>,
    /// `pm_…`, or nothing.
    pub(crate) method: Value,
    /// The caller's own.
    pub(crate) metadata: Value,
    /// For the customer, or nothing.
    pub(crate) description: Value,
    /// What happens at the end of a trial without a payment method.
    pub(crate) without_method: &'a str,
    /// `flexible` or `classic`.
    pub(crate) mode: &'a str,
    /// `on_subscription` or `off`.
    pub(crate) save_method: &'a str,
}

/// Makes a subscription, incomplete or in its trial, and tells of it.
pub(crate) fn start(office: &mut Office<'_>, sale: Sale<'_>) -> Value {
    let now = office.now;
    let id = office.mint("sub_1", 23);
    let anchor = sale.trial_end.unwrap_or(now);
    let price = sale.items.first().map(|(price, _)| price.clone()).unwrap_or_default();
    let end = sale.trial_end.or_else(|| boundary_after(anchor, &price, now)).unwrap_or(now);
    let items: Vec<Value> =
        sale.items.iter().map(|(price, n)| item(office, &id, price, *n, (now, end))).collect();
    let (trial, flexible) = (sale.trial_end.is_some(), sale.mode == "flexible");
    let subscription = json!({
        "id": id, "object": "subscription", "application": null,
        "application_fee_percent": null,
        "automatic_tax": { "disabled_reason": null, "enabled": false, "liability": null },
        "billing_cycle_anchor": anchor, "billing_cycle_anchor_config": null,
        "billing_mode": {
            "flexible": flexible.then(|| json!({ "proration_discounts": "included" })),
            "type": sale.mode, "updated_at": flexible.then_some(now),
        },
        "billing_schedules": [], "billing_thresholds": null, "cancel_at": null,
        "cancel_at_period_end": false, "canceled_at": null,
        "cancellation_details": { "comment": null, "feedback": null, "reason": null },
        "collection_method": "charge_automatically", "created": now,
        "currency": price["currency"], "customer": sale.customer, "customer_account": null,
        "days_until_due": null, "default_payment_method": sale.method, "default_source": null,
        "default_tax_rates": [], "description": sale.description, "discounts": [],
        "ended_at": null,
        "invoice_settings": { "account_tax_ids": null, "issuer": { "type": "self" } },
        "items": {
            "object": "list", "data": items, "has_more": false, "total_count": items.len(),
            "url": format!("/v1/subscription_items?subscription={id}"),
        },
        "latest_invoice": office.mint("in_1", 23), "livemode": false, "managed_payments": null,
        "metadata": sale.metadata, "next_pending_invoice_item_invoice": null,
        "on_behalf_of": null, "pause_collection": null,
        "payment_settings": {
            "payment_method_options": null, "payment_method_types": null,
            "save_default_payment_method": sale.save_method,
        },
        "pending_invoice_item_interval": null, "pending_setup_intent": null,
        "pending_update": null, "schedule": null, "start_date": now,
        "status": if trial { "trialing" } else { "incomplete" },
        "status_details": null, "test_clock": null,
        "transfer_data": null, "trial_end": sale.trial_end,
        "trial_settings": {
            "end_behavior": { "missing_payment_method": sale.without_method },
        },
        "trial_start": trial.then_some(now),
    });
    office.record("customer.subscription.created", &subscription);
    let agenda = &mut office.account.agenda;
    agenda.note(end, Step::EndPeriod(id.clone()));
    if let Some(trial_end) = sale.trial_end {
        agenda.note((trial_end - WARNING).max(now), Step::WarnOfTrialEnd(id));
    } else {
        agenda.note(now + PATIENCE, Step::ExpireSubscription(id));
    }
    subscription
}

/// An item of a subscription.
pub(crate) fn item(
    office: &Office<'_>,
    subscription: &str,
    price: &Value,
    quantity: i64,
    period: (i64, i64),
) -> Value {
    json!({
        "id": office.mint("si_", 14), "object": "subscription_item", "billed_until": null,
        "billing_thresholds": null, "created": office.now, "current_period_end": period.1,
        "current_period_start": period.0, "discounts": [], "metadata": {}, "plan": plan(price),
        "price": price, "quantity": quantity, "subscription": subscription, "tax_rates": [],
    })
}

/// A price in the older words for it.
pub(crate) fn plan(price: &Value) -> Value {
    let recurring = &price["recurring"];
    json!({
        "id": price["id"], "object": "plan", "active": price["active"],
        "amount": price["unit_amount"], "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": "per_unit", "created": price["created"], "currency": price["currency"],
        "interval": recurring["interval"], "interval_count": recurring["interval_count"],
        "livemode": false, "metadata": price["metadata"], "meter": null,
        "nickname": price["nickname"], "product": price["product"], "tiers_mode": null,
        "transform_usage": null, "trial_period_days": null, "usage_type": "licensed",
    })
}

/// When the running period began and when it ends.
pub(crate) fn period(subscription: &Value) -> (i64, i64) {
    let item = subscription.entries("items").first().cloned().unwrap_or_default();
    (item.number("current_period_start"), item.number("current_period_end"))
}

/// The first invoice of a subscription, a draft: of a whole period, or of nothing for a trial, and of
/// what is paid once.
pub(crate) fn first_invoice(
    office: &mut Office<'_>,
    subscription: &Value,
    once: &[Value],
) -> Value {
    let (period, trial) = (period(subscription), subscription.is("status", "trialing"));
    let items = subscription.entries("items").iter();
    let mut lines: Vec<Value> =
        items.map(|item| whole_period(office, subscription, item, period, trial)).collect();
    for item in once {
        lines.push(whole_period(office, subscription, item, (office.now, office.now), false));
    }
    let customer = office.get(Kind::Customer, subscription.text("customer")).unwrap_or_default();
    let plan = Draft {
        customer: &customer,
        subscription,
        reason: "subscription_create",
        currency: subscription.text("currency"),
        period: (office.now, office.now),
        lines,
    };
    draft(office, subscription.text("latest_invoice"), plan)
}
