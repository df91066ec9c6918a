//! `expand[]`: an object in the place of its id, and what is only shown when it is asked for.
use serde_json::{Value, json};

use super::{account::Account, error::StripeError, facts::Facts as _, kind::Kind, version::show};

/// Puts an object in the place of its id, as `expand[]` asks: `payment_intent.latest_charge`.
pub(crate) fn expand(
    account: &Account,
    object: &mut Value,
    path: &str,
    version: &str,
) -> Result<(), StripeError> {
    let refused = || {
        let message = format!("This property cannot be expanded ({path}).");
        StripeError::invalid("expand", message)
    };
    let (field, rest) = path.split_once('.').unwrap_or((path, ""));
    if object.get(field).is_none_or(Value::is_null)
        && let Some(asked) = on_request(account, object, field)
    {
        object[field] = show(&asked, version);
        return if rest.is_empty() {
            Ok(())
        } else {
            expand(account, &mut object[field], rest, version)
        };
    }
    let inner = object.get_mut(field).ok_or_else(refused)?;
    if let Value::Array(items) = inner {
        return items.iter_mut().try_for_each(|item| expand(account, item, rest, version));
    }
    if let Some(found) = inner.as_str().map(|id| account.any(id).ok_or_else(refused)) {
        *inner = show(found?, version);
    }
    if rest.is_empty() || inner.is_null() { Ok(()) } else { expand(account, inner, rest, version) }
}

/// What is shown on request alone.
fn on_request(account: &Account, object: &Value, field: &str) -> Option<Value> {
    let id = object.text("id");
    let list = |kind: Kind, owner: &str, path: String| {
        let data = account.all(kind).filter(|one| one.is(owner, id)).rev_cloned();
        json!({ "object": "list", "data": data, "has_more": false, "url": path })
    };
    match (object.text("object"), field) {
        ("checkout.session", "line_items") => {
            Some(account.get(Kind::Session, id)?["_line_items"].clone())
        }
        ("invoice", "payments") => {
            let path = format!("/v1/invoice_payments?invoice={id}");
            Some(list(Kind::InvoicePayment, "invoice", path))
        }
        ("invoice", "confirmation_secret") => {
            let intent = account.get(Kind::Invoice, id)?.text("_payment_intent");
            let secret = account.get(Kind::Intent, intent).map(|intent| {
                json!({ "client_secret": intent["client_secret"], "type": "payment_intent" })
            });
            Some(secret.unwrap_or_default())
        }
        ("charge", "refunds") => {
            Some(list(Kind::Refund, "charge", format!("/v1/charges/{id}/refunds")))
        }
        ("customer", "subscriptions") => {
            let path = format!("/v1/customers/{id}/subscriptions");
            Some(list(Kind::Subscription, "customer", path))
        }
        _ => None,
    }
}

trait NewestFirst {
    /// Copies, newest first.
    fn rev_cloned(self) -> Vec<Value>;
}

impl<'a, I: Iterator<Item = &'a Value>> NewestFirst for I {
    fn rev_cloned(self) -> Vec<Value> {
        let mut copies: Vec<Value> = self.cloned().collect();
        copies.reverse();
        copies
    }
}
