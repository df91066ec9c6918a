//! What payers and customers see. Nothing on these pages runs or loads anything.
use std::fmt::Write as _;

use serde_json::Value;

use crate::{
    html::{escape, page},
    stripe::{currencies::readable, facts::Facts as _},
};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:3rem auto;\
                     padding:0 1rem}button,input{font:inherit;padding:.5rem 1rem;margin:.25rem 0}\
                     td{padding:.25rem 1rem .25rem 0}";
const NO_MONEY: &str = "<p>Sandbox payment: no money moves.</p>\n";
const CARD_FIELD: &str = "<label>Card number <input name=\"card_number\" inputmode=\"numeric\" \
                          autocomplete=\"off\" placeholder=\"4242 4242 4242 4242\"></label> ";

/// A page with nothing to do.
pub(crate) fn notice(title: &str, text: &str) -> String {
    page(title, STYLE, &format!("<p>{}</p>\n", escape(text)))
}

/// The payment page: Pay is the first form, then Cancel, then a card that is declined.
pub(crate) fn payment(session: &Value, declined: Option<&str>) -> String {
    let (id, currency) = (text(session, "id"), text(session, "currency").to_uppercase());
    let mut body = String::from(NO_MONEY);
    alert(&mut body, declined);
    body.push_str("<table>\n");
    for item in session.entries("_line_items") {
        let (name, quantity) = (text(item, "description"), &item["quantity"]);
        let each = item["price"]["recurring"].text("interval");
        let each = if each.is_empty() { String::new() } else { format!(" per {each}") };
        let amount = amount(&item["amount_total"], &currency);
        let _ =
            writeln!(body, "<tr><td>{name}</td><td>{quantity} x</td><td>{amount}{each}</td></tr>");
    }
    body.push_str("</table>\n");
    let total = amount(&session["amount_total"], &currency);
    let label = match (session.text("mode"), session.number("amount_total")) {
        ("setup", _) => "Save card".to_owned(),
        ("subscription", 0) => "Start trial".to_owned(),
        ("subscription", _) => format!("Subscribe for {total}"),
        _ => format!("Pay {total}"),
    };
    let email = if session["customer"].is_null() && session["customer_email"].is_null() {
        "<label>E-mail <input name=\"email\" type=\"email\"></label> "
    } else {
        ""
    };
    form(&mut body, &format!("/stripe/pay/{id}"), &format!("{CARD_FIELD}{email}"), &label);
    form(&mut body, &format!("/stripe/pay/{id}/cancel"), "", "Cancel");
    form(&mut body, &format!("/stripe/pay/{id}/decline"), "", "Card declined");
    page("Checkout", STYLE, &body)
}

/// The page of the bank that asks whether somebody pays: Approve is the first form.
pub(crate) fn authentication(intent: &Value) -> String {
    let id = text(intent, "id");
    let mut body = String::from("<p>Your bank asks whether this is you.</p>\n");
    if intent["amount"].is_i64() {
        let currency = text(intent, "currency").to_uppercase();
        let _ = writeln!(body, "<p>{}</p>", amount(&intent["amount"], &currency));
    }
    for (action, label) in [("approve", "Approve"), ("refuse", "Refuse")] {
        form(&mut body, &format!("/stripe/authenticate/{id}/{action}"), "", label);
    }
    page("3-D Secure", STYLE, &body)
}

/// An invoice, with a form to pay it while it is open.
pub(crate) fn invoice(invoice: &Value, declined: Option<&str>) -> String {
    let (id, currency) = (text(invoice, "id"), text(invoice, "currency").to_uppercase());
    let mut body = String::from(NO_MONEY);
    alert(&mut body, declined);
    let _ =
        writeln!(body, "<p>{} ({})</p>\n<table>", text(invoice, "number"), text(invoice, "status"));
    for line in invoice.entries("lines") {
        let (name, amount) = (text(line, "description"), amount(&line["amount"], &currency));
        let _ = writeln!(body, "<tr><td>{name}</td><td>{amount}</td></tr>");
    }
    body.push_str("</table>\n");
    if invoice.is("status", "open") {
        let label = format!("Pay {}", amount(&invoice["amount_remaining"], &currency));
        form(&mut body, &format!("/stripe/invoice/{id}"), CARD_FIELD, &label);
    }
    page("Invoice", STYLE, &body)
}

/// What a customer can see and change.
pub(crate) fn portal(
    session: &Value,
    subscriptions: &[Value],
    cards: &[Value],
    declined: Option<&str>,
) -> String {
    let id = text(session, "id");
    let mut body = String::new();
    alert(&mut body, declined);
    for one in subscriptions {
        let (subscription, status) = (text(one, "id"), text(one, "status"));
        let ends = one["cancel_at"].is_i64();
        let note = if ends { ", ends with its period" } else { "" };
        let _ = writeln!(body, "<p>{subscription}: {status}{note}</p>");
        let hidden =
            format!("<input type=\"hidden\" name=\"subscription\" value=\"{subscription}\">");
        let (action, label) =
            if ends { ("resume", "Don't cancel") } else { ("cancel", "Cancel at period end") };
        form(&mut body, &format!("/stripe/portal/{id}/{action}"), &hidden, label);
    }
    for card in cards {
        let (brand, last) = (text(&card["card"], "brand"), text(&card["card"], "last4"));
        let _ = writeln!(body, "<p>{brand} •••• {last}</p>");
    }
    form(&mut body, &format!("/stripe/portal/{id}/payment_method"), CARD_FIELD, "Change card");
    if let Some(url) = session.given("return_url") {
        let _ = writeln!(body, "<p><a href=\"{}\">Back</a></p>", escape(url));
    }
    page("Billing", STYLE, &body)
}

fn text(object: &Value, name: &str) -> String {
    escape(object.text(name))
}

fn alert(body: &mut String, declined: Option<&str>) {
    if let Some(message) = declined {
        let _ = writeln!(body, "<p role=\"alert\"><strong>{}</strong></p>", escape(message));
    }
}

fn form(body: &mut String, action: &str, fields: &str, label: &str) {
    let label = escape(label);
    let _ = writeln!(
        body,
        "<form method=\"post\" action=\"{action}\">{fields}<button type=\"submit\">{label}</button>\
         </form>"
    );
}

fn amount(minor: &Value, currency: &str) -> String {
    readable(minor.as_i64().unwrap_or_default(), currency)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_form_pays_and_names_are_escaped() {
        let session = json!({
            "id": "cs_test_1", "currency": "usd", "amount_total": 500, "mode": "payment",
            "_line_items": {"data": [
                {"description": "<b>Small & co</b>", "quantity": 1, "amount_total": 500},
            ]},
        });
        let page = payment(&session, None);
        let forms: Vec<_> = page.match_indices("<form ").map(|(at, _)| &page[at..]).collect();
        assert_eq!(forms.len(), 3);
        assert!(forms[0].starts_with("<form method=\"post\" action=\"/stripe/pay/cs_test_1\">"));
        assert!(page.contains("&lt;b&gt;Small &amp; co&lt;/b&gt;") && page.contains("5.00 USD"));
        assert!(!page.contains("<script") && !page.contains("declined.</strong>"));
    }
}
