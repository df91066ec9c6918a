//! Cards and the payment methods that they are.
use serde_json::{Value, json};

use super::{get, good, id, kinds, post, refused, subscribing::enter};
use crate::Bench;

/// A customer who is charged with this card.
pub(super) async fn customer_with(bench: &Bench, token: &str) -> Value {
    let customer = good(post(bench, "/customers", &[("email", "a@example.com")])).await;
    let path = format!("/payment_methods/{token}/attach");
    let method = good(post(bench, &path, &[("customer", id(&customer))])).await;
    let form = [("invoice_settings[default_payment_method]", id(&method))];
    good(post(bench, &format!("/customers/{}", id(&customer)), &form)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_attached_listed_made_the_default_and_detached() {
    let bench = Bench::start();
    let customer = customer_with(&bench, "pm_card_visa").await;
    let default = customer["invoice_settings"]["default_payment_method"].as_str().expect("an id");
    let form = [("type", "card"), ("card[number]", "4242424242424242"), ("card[exp_year]", "2040")];
    let second = good(post(&bench, "/payment_methods", &form)).await;
    assert_eq!(second["customer"], Value::Null);
    let attach = format!("/payment_methods/{}/attach", id(&second));
    let second = good(post(&bench, &attach, &[("customer", id(&customer))])).await;
    let path = format!("/customers/{}/payment_methods", id(&customer));
    let list = good(get(&bench, &path)).await;
    let other = good(get(&bench, &format!("/payment_methods?customer={}", id(&customer)))).await;
    assert_eq!(list["data"], other["data"]);
    let (one, two) = (&list["data"][0]["card"], &list["data"][1]["card"]);
    assert_eq!(one["fingerprint"], two["fingerprint"], "the same number");
    assert_eq!((&one["exp_year"], &two["exp_year"]), (&2040.into(), &2034.into()));
    let detach = format!("/payment_methods/{default}/detach");
    assert_eq!(good(post(&bench, &detach, &[])).await["customer"], Value::Null);
    assert_eq!(refused(post(&bench, &detach, &[])).await.0, 400);
    let attach = format!("/payment_methods/{default}/attach");
    assert_eq!(refused(post(&bench, &attach, &[("customer", id(&customer))])).await.0, 400);
    let customer = good(get(&bench, &format!("/customers/{}", id(&customer)))).await;
    assert_eq!(customer["invoice_settings"]["default_payment_method"], Value::Null);
    let told = kinds(&bench).await;
    assert_eq!(
        told,
        [
            "payment_method.detached",
            "customer.updated",
            "payment_method.attached",
            "customer.updated",
            "payment_method.attached",
        ]
    );
    assert_eq!(second["card"]["last4"], "4242");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_card_cannot_be_attached_and_somebody_elses_cannot_be_used() {
    let bench = Bench::start();
    let customer = customer_with(&bench, "pm_card_visa").await;
    let stranger = customer_with(&bench, "pm_card_chargeCustomerFail").await;
    let theirs = &stranger["invoice_settings"]["default_payment_method"];
    let theirs = theirs.as_str().expect("an id");
    let to = [("customer", id(&customer))];
    let attach = post(&bench, "/payment_methods/pm_card_chargeDeclined/attach", &to);
    assert_eq!(refused(attach).await, (402, "card_declined".into()));
    let attach = post(&bench, &format!("/payment_methods/{theirs}/attach"), &to);
    assert_eq!(refused(attach).await.0, 400);
    let form = [("invoice_settings[default_payment_method]", theirs)];
    let default = post(&bench, &format!("/customers/{}", id(&customer)), &form);
    assert_eq!(refused(default).await, (400, "resource_missing".into()));
    for (number, code) in [("4111111111111111", "card_declined"), ("1234", "incorrect_number")] {
        let form = [("type", "card"), ("card[number]", number)];
        assert_eq!(refused(post(&bench, "/payment_methods", &form)).await, (402, code.into()));
    }
    assert_eq!(refused(get(&bench, "/payment_methods/pm_nobody")).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_was_declined_is_declined_again_under_the_same_key() {
    let bench = Bench::start();
    let customer = customer_with(&bench, "pm_card_visa").await;
    let form = [("customer", id(&customer))];
    let attach = || {
        let path = "/payment_methods/pm_card_chargeDeclined/attach";
        post(&bench, path, &form).header("Idempotency-Key", "key-1")
    };
    let first = crate::send(attach()).await;
    let (status, body) = (first.status(), first.json::<Value>().await.expect("a body"));
    let again = crate::send(attach()).await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(
        (again.status(), again.json::<Value>().await.expect("a body")),
        (status, body.clone())
    );
    assert_eq!(body["error"]["decline_code"], json!("generic_decline"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_kept_by_a_session_that_sells_nothing() {
    let bench = Bench::start();
    let customer = good(post(&bench, "/customers", &[("email", "a@example.com")])).await;
    let form = [("mode", "setup"), ("customer", id(&customer)), ("currency", "usd")];
    let session = good(post(&bench, "/checkout/sessions", &form)).await;
    assert_eq!((&session["amount_total"], &session["setup_intent"]), (&Value::Null, &Value::Null));
    assert_eq!(enter(&bench, &session, "4000000000000002").await.status(), 402);
    let asked = enter(&bench, &session, "4000002500003155").await;
    let bank = asked.headers()["location"].to_str().expect("a place").to_owned();
    assert_eq!(crate::send(bench.post(&format!("{bank}/approve"))).await.status(), 200);
    let path = format!("/checkout/sessions/{}?expand[]=setup_intent.payment_method", id(&session));
    let session = good(get(&bench, &path)).await;
    assert_eq!(session["status"], "complete");
    let setup = &session["setup_intent"];
    assert_eq!((&setup["status"], &setup["customer"]), (&"succeeded".into(), &customer["id"]));
    assert_eq!(setup["payment_method"]["customer"], customer["id"]);
    let path = format!("/setup_intents/{}", id(setup));
    assert_eq!(good(get(&bench, &path)).await["status"], "succeeded");
    let sells = [("mode", "setup"), ("line_items[0][quantity]", "1")];
    assert_eq!(refused(post(&bench, "/checkout/sessions", &sells)).await.0, 400);
}
