//! How an object looks in a version of the API. It is kept in the shape of the newest one; names that
//! begin with `_` are the sandbox's own notes and are never shown.
//!
//! Known here is what moved on 2025-03-31: the period from the subscription to its items, and what an
//! invoice says of its subscription and its payments.
use serde_json::{Map, Value, json};

use super::facts::Facts as _;

/// The day from which items carry the period.
const PERIODS_ON_ITEMS: &str = "2025-03-31";
/// The day from which a page is a `hosted_page`.
const HOSTED_PAGES: &str = "2026-03-25";

/// The day from which subscriptions are flexible unless they are asked to be classic.
const FLEXIBLE: &str = "2025-09-30";

/// The billing mode of a subscription that names none.
pub(crate) fn usual_billing_mode(version: &str) -> &'static str {
    if version < FLEXIBLE { "classic" } else { "flexible" }
}

/// Whether a text is the name of a version: a day, and perhaps a word.
pub(crate) fn is_version(text: &str) -> bool {
    let day = text.split('.').next().unwrap_or_default().as_bytes();
    let digit = |(place, byte): (usize, &u8)| match place {
        4 | 7 => *byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    day.len() == 10 && day.iter().enumerate().all(digit)
}

/// An object as it is shown in this version.
pub(crate) fn show(object: &Value, version: &str) -> Value {
    match object {
        Value::Object(fields) => {
            let shown = fields.iter().filter(|(name, _)| !name.starts_with('_'));
            let shown = shown.map(|(name, value)| match name.as_str() {
                // The caller's own names may begin with anything.
                "metadata" => (name.clone(), value.clone()),
                _ => (name.clone(), show(value, version)),
            });
            let mut shown = Value::Object(shown.collect::<Map<_, _>>());
            if version < PERIODS_ON_ITEMS {
                look_older(&mut shown, object, version);
            }
            if version < HOSTED_PAGES && shown.is("ui_mode", "hosted_page") {
                shown["ui_mode"] = "hosted".into();
            }
            shown
        }
        Value::Array(items) => items.iter().map(|item| show(item, version)).collect(),
        plain => plain.clone(),
    }
}

fn look_older(shown: &mut Value, kept: &Value, version: &str) {
    match kept.text("object") {
        "subscription" => {
            let first = kept.entries("items").first().cloned().unwrap_or_default();
            for name in ["current_period_start", "current_period_end"] {
                shown[name] = first[name].clone();
            }
        }
        "subscription_item" => remove(shown, &["current_period_start", "current_period_end"]),
        "invoice" => {
            let details = &kept["parent"]["subscription_details"];
            shown["subscription"] = details["subscription"].clone();
            shown["subscription_details"] = json!({ "metadata": details["metadata"] });
            shown["payment_intent"] = kept["_payment_intent"].clone();
            shown["charge"] = kept["_charge"].clone();
            shown["paid"] = kept.is("status", "paid").into();
            shown["tax"] = Value::Null;
            remove(shown, &["parent", "total_taxes"]);
        }
        "line_item" => {
            let parent = &kept["parent"];
            let of_item = parent.is("type", "subscription_item_details");
            let details =
                if of_item { "subscription_item_details" } else { "invoice_item_details" };
            let details = &parent[details];
            let period = of_item && !details.holds("proration");
            shown["type"] = if period { "subscription" } else { "invoiceitem" }.into();
            shown["proration"] = details.holds("proration").into();
            shown["subscription"] = details["subscription"].clone();
            shown["subscription_item"] = details["subscription_item"].clone();
            shown["invoice_item"] = details["invoice_item"].clone();
            shown["price"] = show(&kept["_price"], version);
            remove(shown, &["parent", "pricing", "taxes"]);
        }
        "invoiceitem" => {
            shown["subscription"] = kept["parent"]["subscription_details"]["subscription"].clone();
            shown["price"] = show(&kept["_price"], version);
            remove(shown, &["parent", "pricing"]);
        }
        "payment_intent" | "charge" => shown["invoice"] = kept["_invoice"].clone(),
        _ => {}
    }
}

fn remove(object: &mut Value, names: &[&str]) {
    if let Some(fields) = object.as_object_mut() {
        for name in names {
            fields.remove(*name);
        }
    }
}

/// What the fields that changed were before: of an inner object only those of its own that did.
pub(crate) fn previous(old: &Value, new: &Value) -> Value {
    let mut changed = Map::new();
    for (name, was) in old.as_object().into_iter().flatten() {
        let is = &new[name];
        if was == is {
            continue;
        }
        let inner = was.is_object() && is.is_object() && !was["object"].is_string();
        changed.insert(name.clone(), if inner { previous(was, is) } else { was.clone() });
    }
    for (name, _) in new.as_object().into_iter().flatten() {
        if old.get(name).is_none() {
            changed.insert(name.clone(), Value::Null);
        }
    }
    Value::Object(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_period_stands_on_the_items_since_basil_and_on_the_subscription_before() {
        let kept = json!({"object": "subscription", "_note": 1, "items": {"data": [
            {"object": "subscription_item", "current_period_start": 1, "current_period_end": 2},
        ]}});
        for (version, on_items) in [
            ("2026-10-28.endive", true),
            ("2025-03-31.basil", true),
            ("2025-02-24.acacia", false),
            ("2020-08-27", false),
        ] {
            let shown = show(&kept, version);
            assert!(shown.get("_note").is_none());
            let item = &shown["items"]["data"][0];
            assert_eq!(item.get("current_period_end").is_some(), on_items, "{version}");
            assert_eq!(shown.get("current_period_end").is_some(), !on_items, "{version}");
        }
    }

    #[test]
    fn notes_of_the_sandbox_are_hidden_and_names_of_the_caller_are_not() {
        let kept = json!({"_note": 1, "a": {"_note": 1}, "metadata": {"_mine": "1"}});
        let shown = json!({"a": {}, "metadata": {"_mine": "1"}});
        assert_eq!(show(&kept, "2026-10-28.endive"), shown);
    }

    #[test]
    fn only_what_changed_is_told_of() {
        let old = json!({"a": 1, "b": {"c": 1, "d": 2}, "e": [1], "f": null});
        let new = json!({"a": 1, "b": {"c": 1, "d": 3}, "e": [2], "f": 4});
        assert_eq!(previous(&old, &new), json!({"b": {"d": 2}, "e": [1], "f": null}));
    }

    #[test]
    fn a_version_is_a_day_and_perhaps_a_word() {
        for good in ["2020-08-27", "2025-03-31.basil"] {
            assert!(is_version(good), "{good}");
        }
        for bad in ["", "latest", "2025-3-31", "2025-03-31x", "basil.2025-03-31"] {
            assert!(!is_version(bad), "{bad}");
        }
    }
}
