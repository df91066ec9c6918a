//! A session as it is when it is made.
use serde_json::{Value, json};

use crate::stripe::{error::StripeError, form::Form, office::Office};

const SHORTEST_LIFE_SECONDS: i64 = 30 * 60;
const LONGEST_LIFE_SECONDS: i64 = 24 * 60 * 60;
/// What a new session has no value for, or never has one here.
const EMPTY: [&str; 28] = [
    "after_expiration",
    "allow_promotion_codes",
    "billing_address_collection",
    "client_secret",
    "collected_information",
    "consent",
    "consent_collection",
    "currency_conversion",
    "customer_account",
    "customer_creation",
    "customer_details",
    "invoice",
    "invoice_creation",
    "locale",
    "origin_context",
    "payment_intent",
    "payment_link",
    "payment_method_configuration_details",
    "permissions",
    "recovered_from",
    "saved_payment_method_options",
    "setup_intent",
    "shipping_address_collection",
    "shipping_cost",
    "submit_type",
    "subscription",
    "wallet_options",
    "presentment_details",
];

/// A new session about so much, which may be 0. It is not kept yet.
pub(crate) fn session(
    office: &Office<'_>,
    form: &Form,
    id: &str,
    currency: &str,
    total: i64,
) -> Result<Value, StripeError> {
    let now = office.now;
    let expires_at = form.integer("expires_at")?.unwrap_or(now + LONGEST_LIFE_SECONDS);
    if !(SHORTEST_LIFE_SECONDS..=LONGEST_LIFE_SECONDS).contains(&(expires_at - now)) {
        let message = "The `expires_at` timestamp must be at least 30 minutes and at most 24 \
                       hours from Checkout Session creation.";
        return Err(StripeError::invalid("expires_at", message));
    }
    let collection = form.word("payment_method_collection", &["always", "if_required"])?;
    let usual = if form.text("mode")? == Some("payment") { "if_required" } else { "always" };
    let mut session = json!({
        "id": id, "object": "checkout.session", "adaptive_pricing": { "enabled": false },
        "amount_subtotal": total, "amount_total": total,
        "automatic_tax": { "enabled": false, "liability": null, "provider": null, "status": null },
        "cancel_url": form.url("cancel_url")?,
        "client_reference_id": form.text("client_reference_id")?, "created": now,
        "currency": currency, "custom_fields": [],
        "custom_text": {
            "after_submit": null, "shipping_address": null, "submit": null,
            "terms_of_service_acceptance": null,
        },
        "customer": form.text("customer")?, "customer_email": form.text("customer_email")?,
        "discounts": [], "expires_at": expires_at, "livemode": false,
        "metadata": form.metadata("metadata")?,
        "payment_method_collection": collection.unwrap_or(usual), "payment_method_options": {},
        "payment_method_types": ["card"], "payment_status": "unpaid",
        "phone_number_collection": { "enabled": false }, "shipping_options": [],
        "status": "open", "success_url": form.url("success_url")?,
        "total_details": { "amount_discount": 0, "amount_shipping": 0, "amount_tax": 0 },
        "ui_mode": "hosted_page", "url": format!("{}/stripe/pay/{id}", office.world.base_url),
    });
    for name in EMPTY {
        session[name] = Value::Null;
    }
    Ok(session)
}
