//! Setup intents: keeping a card without charging it. They are made on pages, never over the API.
use serde_json::{Value, json};

use super::{cards::Decline, desk::Operation, facts::Facts as _, kind::Kind, office::Office};

/// Show a setup intent.
pub(crate) const FIND: Operation =
    Operation { parameters: &[], act: |desk| desk.found(Kind::SetupIntent) };

/// A new setup intent for this payment method. It is told of.
pub(crate) fn setup(office: &mut Office<'_>, customer: &Value, method: &Value) -> Value {
    let id = office.mint("seti_1", 23);
    let setup = json!({
        "id": id, "object": "setup_intent", "application": null,
        "automatic_payment_methods": null, "cancellation_reason": null,
        "client_secret": format!("{id}_secret_{}", office.mint("", 24)), "created": office.now,
        "customer": customer, "customer_account": null, "description": null,
        "excluded_payment_method_types": null, "flow_directions": null, "last_setup_error": null,
        "latest_attempt": null, "livemode": false, "mandate": null, "metadata": {},
        "next_action": null, "on_behalf_of": null, "payment_method": method["id"],
        "payment_method_configuration_details": null, "payment_method_options": {},
        "payment_method_types": ["card"], "single_use_mandate": null,
        "status": "requires_confirmation", "usage": "off_session",
    });
    office.record("setup_intent.created", &setup);
    setup
}

/// The card is kept.
pub(crate) fn succeed(office: &mut Office<'_>, setup: &mut Value) {
    let shown = setup.is("status", "requires_action");
    let method = setup.text("payment_method");
    if shown && let Some(method) = office.account.get_mut(Kind::PaymentMethod, method) {
        method["_authenticated"] = true.into();
    }
    setup["status"] = "succeeded".into();
    setup["next_action"] = Value::Null;
    office.record("setup_intent.succeeded", setup);
}

/// The card is not kept.
pub(crate) fn fail(office: &mut Office<'_>, setup: &mut Value, decline: Decline) {
    setup["status"] = "requires_payment_method".into();
    setup["next_action"] = Value::Null;
    setup["payment_method"] = Value::Null;
    setup["last_setup_error"] = json!({
        "type": "card_error", "code": decline.code, "decline_code": decline.reason,
        "message": decline.message,
    });
    office.record("setup_intent.setup_failed", setup);
}

/// Whoever owns the card has to approve it first.
pub(crate) fn ask(office: &mut Office<'_>, setup: &mut Value) {
    let url = format!("{}/stripe/authenticate/{}", office.world.base_url, setup.text("id"));
    setup["status"] = "requires_action".into();
    setup["next_action"] = json!({
        "type": "redirect_to_url", "redirect_to_url": { "return_url": null, "url": url },
    });
    office.record("setup_intent.requires_action", setup);
}
