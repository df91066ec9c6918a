//! The pages a payer sees.
use std::fmt::Write as _;

use serde_json::Value;

use crate::html::{escape, page};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:3rem auto;\
                     padding:0 1rem}button{font:inherit;padding:.5rem 1rem;margin:.25rem 0}\
                     td{padding:.25rem 1rem .25rem 0}";

/// A page with nothing to do.
pub(crate) fn notice(title: &str, text: &str) -> String {
    page(title, STYLE, &format!("<p>{}</p>\n", escape(text)))
}

/// The payment page: Pay is the first form, then Cancel, then a card that is declined.
pub(crate) fn payment(session: &Value, items: &Value, declined: bool) -> String {
    let text = |value: &Value| escape(value.as_str().unwrap_or_default());
    let (id, currency) = (text(&session["id"]), text(&session["currency"]).to_uppercase());
    let mut body = String::from("<p>Sandbox payment: no money moves.</p>\n");
    if declined {
        body.push_str("<p role=\"alert\"><strong>Your card was declined.</strong></p>\n");
    }
    body.push_str("<table>\n");
    for item in items["data"].as_array().into_iter().flatten() {
        let (name, quantity) = (text(&item["description"]), &item["quantity"]);
        let amount = amount(&item["amount_total"], &currency);
        let _ = writeln!(body, "<tr><td>{name}</td><td>{quantity} x</td><td>{amount}</td></tr>");
    }
    let total = amount(&session["amount_total"], &currency);
    body.push_str("</table>\n");
    for (action, label) in [
        ("", format!("Pay {total}")),
        ("/cancel", "Cancel".into()),
        ("/decline", "Card declined".into()),
    ] {
        let _ = writeln!(
            body,
            "<form method=\"post\" action=\"/stripe/pay/{id}{action}\">\
             <button type=\"submit\">{label}</button></form>"
        );
    }
    page("Checkout", STYLE, &body)
}

/// Minor units as a payer reads them. Currencies without minor units are shown as they are counted.
fn amount(minor: &Value, currency: &str) -> String {
    let minor = minor.as_i64().unwrap_or_default();
    if matches!(currency, "JPY" | "KRW" | "VND" | "CLP" | "XAF" | "XOF") {
        return format!("{minor} {currency}");
    }
    format!("{}.{:02} {currency}", minor / 100, minor % 100)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_form_pays_and_names_are_escaped() {
        let session = json!({"id": "cs_test_1", "currency": "usd", "amount_total": 500});
        let items = json!({"data": [
            {"description": "<b>Small & co</b>", "quantity": 1, "amount_total": 500},
        ]});
        let page = payment(&session, &items, false);
        let forms: Vec<_> = page.match_indices("<form ").map(|(at, _)| &page[at..]).collect();
        assert_eq!(forms.len(), 3);
        assert!(forms[0].starts_with("<form method=\"post\" action=\"/stripe/pay/cs_test_1\">"));
        assert!(page.contains("&lt;b&gt;Small &amp; co&lt;/b&gt;") && page.contains("5.00 USD"));
        assert!(!page.contains("<script") && !page.contains("declined.</strong>"));
    }
}
