//! Checkout in mode `subscription`, and subscriptions that are made over the API.
use serde_json::{Value, json};

use super::{
    cards::customer_with, catalogue::price, days, get, good, id, kinds, post, refused, submit,
};
use crate::{BEGINNING, Bench, send};

/// A month in January 2027, when every test begins on the 15th.
const MONTH: i64 = 31 * 86_400;

pub(super) async fn checkout(bench: &Bench, more: &[(&str, &str)]) -> Value {
    let form = [
        ("mode", "subscription"),
        ("line_items[0][quantity]", "1"),
        ("line_items[0][price_data][currency]", "usd"),
        ("line_items[0][price_data][unit_amount]", "1000"),
        ("line_items[0][price_data][recurring][interval]", "month"),
        ("line_items[0][price_data][product_data][name]", "Pro"),
        ("metadata[order]", "ord_1"),
        ("subscription_data[metadata][order]", "ord_1"),
        ("success_url", "http://127.0.0.1:9/done"),
    ];
    let form: Vec<_> = form.into_iter().chain(more.iter().copied()).collect();
    good(post(bench, "/checkout/sessions", &form)).await
}

/// Enters a card on a session's page.
pub(super) async fn enter(bench: &Bench, session: &Value, number: &str) -> reqwest::Response {
    let url = session["url"].as_str().expect("a page");
    send(bench.client.post(url).form(&[("card_number", number)])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_checkout_makes_everything_that_belongs_to_a_subscription() {
    let bench = Bench::start();
    let session = checkout(&bench, &[]).await;
    let page = send(bench.client.get(session["url"].as_str().expect("a page"))).await;
    let html = page.text().await.expect("a page");
    assert!(html.contains("Pro") && html.contains("10.00 USD per month"), "{html}");
    assert_eq!(enter(&bench, &session, "4242 4242 4242 4242").await.status(), 303);

    let path = format!(
        "/checkout/sessions/{}?expand[]=subscription.default_payment_method&expand[]=customer\
         &expand[]=invoice.payments.data.payment.payment_intent.latest_charge",
        id(&session)
    );
    let session = good(get(&bench, &path)).await;
    assert_eq!(session["payment_status"], "paid");
    assert_eq!(session["payment_intent"], Value::Null);
    let subscription = &session["subscription"];
    assert_eq!(subscription["status"], "active");
    assert_eq!(subscription["metadata"], json!({"order": "ord_1"}));
    assert!(subscription.get("current_period_end").is_none());
    let item = &subscription["items"]["data"][0];
    assert_eq!(item["current_period_start"], BEGINNING);
    assert_eq!(item["current_period_end"], BEGINNING + MONTH);
    assert_eq!(item["price"]["unit_amount"], 1000);
    let card = &subscription["default_payment_method"];
    assert_eq!(
        (&card["card"]["last4"], &card["customer"]),
        (&"4242".into(), &session["customer"]["id"])
    );
    assert_eq!(session["customer"]["email"], "payer@example.com");
    let invoice = &session["invoice"];
    assert_eq!(invoice["billing_reason"], "subscription_create");
    assert_eq!((&invoice["status"], &invoice["amount_paid"]), (&"paid".into(), &1000.into()));
    let of = &invoice["parent"]["subscription_details"];
    assert_eq!(of["subscription"], subscription["id"]);
    assert_eq!(of["metadata"], json!({"order": "ord_1"}));
    assert!(invoice.get("subscription").is_none());
    let payment = &invoice["payments"]["data"][0];
    assert_eq!(payment["status"], "paid");
    let intent = &payment["payment"]["payment_intent"];
    assert_eq!((&intent["status"], &intent["amount"]), (&"succeeded".into(), &1000.into()));
    assert_eq!(intent["latest_charge"]["customer"], session["customer"]["id"]);

    let mut told = kinds(&bench).await;
    told.reverse();
    assert_eq!(
        told,
        [
            "payment_intent.created",
            "customer.created",
            "payment_intent.succeeded",
            "charge.succeeded",
            "payment_method.attached",
            "customer.subscription.created",
            "invoice.created",
            "invoice.finalized",
            "invoice.paid",
            "invoice.payment_succeeded",
            "invoice_payment.paid",
            "customer.subscription.updated",
            "checkout.session.completed",
        ]
    );
    let updated = good(get(&bench, "/events?type=customer.subscription.updated")).await;
    let data = &updated["data"][0]["data"];
    assert_eq!(data["previous_attributes"], json!({"status": "incomplete"}));
    assert_eq!(data["object"]["status"], "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_card_makes_no_subscription_and_another_one_does() {
    let bench = Bench::start();
    let customer = good(post(&bench, "/customers", &[("email", "a@example.com")])).await;
    let session = checkout(&bench, &[("customer", id(&customer))]).await;
    for (number, words) in [
        ("4000000000000002", "Your card was declined."),
        ("4000000000009995", "insufficient funds"),
        ("4000000000000341", "Your card was declined."),
        ("4242424242424241", "incorrect"),
    ] {
        let declined = enter(&bench, &session, number).await;
        assert_eq!(declined.status(), 402, "{number}");
        assert!(declined.text().await.expect("a page").contains(words), "{number}");
    }
    let list = good(get(&bench, "/subscriptions?status=all")).await;
    assert_eq!(list["data"], json!([]));
    assert_eq!(good(get(&bench, "/invoices")).await["data"], json!([]));
    assert_eq!(enter(&bench, &session, "5555555555554444").await.status(), 303);
    let list = good(get(&bench, &format!("/subscriptions?customer={}", id(&customer)))).await;
    assert_eq!(list["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(submit(&bench, &session, "").await.status(), 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_d_secure_is_approved_or_refused_before_anything_is_made() {
    let bench = Bench::start();
    let session = checkout(&bench, &[]).await;
    let path = format!("/checkout/sessions/{}", id(&session));
    for (answer, status, subscribed) in [("refuse", 402, false), ("approve", 303, true)] {
        let asked = enter(&bench, &session, "4000002760003184").await;
        assert_eq!(asked.status(), 303);
        let page = asked.headers()["location"].to_str().expect("a place").to_owned();
        assert!(page.starts_with("/stripe/authenticate/pi_"), "{page}");
        let shown = send(bench.get(&page)).await.text().await.expect("a page");
        assert!(shown.contains("3-D Secure") && shown.contains("10.00 USD"), "{shown}");
        let done = send(bench.post(&format!("{page}/{answer}"))).await;
        assert_eq!(done.status(), status, "{answer}");
        let session = good(get(&bench, &path)).await;
        assert_eq!(session["subscription"].is_string(), subscribed, "{answer}");
        assert_eq!(send(bench.post(&format!("{page}/approve"))).await.status(), 404, "once");
    }
    let told = kinds(&bench).await;
    for kind in ["payment_intent.requires_action", "payment_intent.payment_failed"] {
        assert!(told.iter().any(|told| told == kind), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_keeps_the_card_and_charges_it_at_the_end() {
    let bench = Bench::start();
    let session = checkout(&bench, &[("subscription_data[trial_period_days]", "14")]).await;
    assert_eq!(session["amount_total"], 0);
    assert_eq!(enter(&bench, &session, "4242424242424242").await.status(), 303);
    let path = format!("/checkout/sessions/{}?expand[]=subscription", id(&session));
    let session = good(get(&bench, &path)).await;
    assert_eq!(session["payment_status"], "no_payment_required");
    let subscription = &session["subscription"];
    let end = BEGINNING + 14 * 86_400;
    assert_eq!(
        (&subscription["status"], &subscription["trial_end"]),
        (&"trialing".into(), &end.into())
    );
    let path = format!("/subscriptions/{}?expand[]=latest_invoice", id(subscription));
    days(&bench, 11).await;
    let events = good(get(&bench, "/events?type=customer.subscription.trial_will_end")).await;
    assert_eq!(events["data"][0]["created"], end - 3 * 86_400);
    days(&bench, 4).await;
    let subscription = good(get(&bench, &path)).await;
    assert_eq!(subscription["status"], "active");
    assert_eq!(subscription["billing_cycle_anchor"], end);
    let invoice = &subscription["latest_invoice"];
    assert_eq!((&invoice["status"], &invoice["amount_paid"]), (&"paid".into(), &1000.into()));
    assert_eq!(invoice["billing_reason"], "subscription_cycle");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_takes_a_card_that_only_fails_when_it_is_charged_but_none_that_is_declined() {
    let bench = Bench::start();
    let session = checkout(&bench, &[("subscription_data[trial_period_days]", "7")]).await;
    assert_eq!(enter(&bench, &session, "4000000000000002").await.status(), 402);
    let asked = enter(&bench, &session, "4000002500003155").await;
    let page = asked.headers()["location"].to_str().expect("a place").to_owned();
    assert!(page.starts_with("/stripe/authenticate/seti_"), "{page}");
    assert_eq!(send(bench.post(&format!("{page}/refuse"))).await.status(), 402);
    assert_eq!(enter(&bench, &session, "4000000000000341").await.status(), 303);
    days(&bench, 8).await;
    let list = good(get(&bench, "/subscriptions?status=past_due")).await;
    assert_eq!(list["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_without_a_card_ends_as_it_was_agreed() {
    for (agreed, status) in
        [("cancel", "canceled"), ("pause", "paused"), ("create_invoice", "past_due")]
    {
        let bench = Bench::start();
        let behavior = "subscription_data[trial_settings][end_behavior][missing_payment_method]";
        let more = [
            ("subscription_data[trial_period_days]", "7"),
            ("payment_method_collection", "if_required"),
            (behavior, agreed),
        ];
        let session = checkout(&bench, &more).await;
        assert_eq!(submit(&bench, &session, "").await.status(), 303);
        days(&bench, 8).await;
        let list = good(get(&bench, "/subscriptions?status=all")).await;
        let subscription = &list["data"][0];
        assert_eq!(subscription["status"], status, "{agreed}");
        assert_eq!(subscription["default_payment_method"], Value::Null);
        if agreed != "pause" {
            continue;
        }
        assert!(kinds(&bench).await.contains(&"customer.subscription.paused".to_owned()));
        let customer = subscription["customer"].as_str().expect("a customer");
        let path = "/payment_methods/pm_card_visa/attach";
        let card = good(post(&bench, path, &[("customer", customer)])).await;
        let default = [("invoice_settings[default_payment_method]", id(&card))];
        good(post(&bench, &format!("/customers/{customer}"), &default)).await;
        let path = format!("/subscriptions/{}/resume", id(subscription));
        let resumed = good(post(&bench, &path, &[])).await;
        assert_eq!(resumed["status"], "active");
        assert!(kinds(&bench).await.contains(&"customer.subscription.resumed".to_owned()));
        assert_eq!(refused(post(&bench, &path, &[])).await.0, 400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_cannot_mix_modes_or_be_closed_twice() {
    let bench = Bench::start();
    for (name, value, param) in [
        ("mode", "payment", "subscription_data"),
        ("payment_intent_data[metadata][a]", "b", "payment_intent_data"),
        ("subscription_data[trial_period_days]", "0", "subscription_data[trial_period_days]"),
    ] {
        let usual = [
            ("mode", "subscription"),
            ("line_items[0][quantity]", "1"),
            ("line_items[0][price_data][currency]", "usd"),
            ("line_items[0][price_data][unit_amount]", "1000"),
            ("line_items[0][price_data][recurring][interval]", "month"),
            ("line_items[0][price_data][product_data][name]", "Pro"),
            ("subscription_data[metadata][order]", "ord_1"),
        ];
        let mut form: Vec<_> = usual.into_iter().filter(|(known, _)| *known != name).collect();
        form.push((name, value));
        let (status, body) = crate::read(post(&bench, "/checkout/sessions", &form)).await;
        assert_eq!((status, &body["error"]["param"]), (400, &param.into()), "{body}");
    }
    let session = checkout(&bench, &[]).await;
    let path = format!("/checkout/sessions/{}/expire", id(&session));
    assert_eq!(good(post(&bench, &path, &[])).await["status"], "expired");
    assert_eq!(refused(post(&bench, &path, &[])).await.0, 400);
    assert_eq!(submit(&bench, &session, "").await.status(), 410);
    assert_eq!(kinds(&bench).await, ["checkout.session.expired"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_open_is_told_to_have_expired_at_its_time() {
    let bench = Bench::start();
    checkout(&bench, &[]).await;
    bench.advance(3 * 86_400);
    bench.sandbox.catch_up();
    let events = good(get(&bench, "/events")).await;
    assert_eq!(events["data"][0]["type"], "checkout.session.expired");
    assert_eq!(events["data"][0]["created"], BEGINNING + 86_400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_is_made_over_the_api_with_a_card_that_pays() {
    let bench = Bench::start();
    let customer = customer_with(&bench, "pm_card_visa").await;
    let price = price(&bench, "1000", "month").await;
    let form =
        [("customer", id(&customer)), ("items[0][price]", id(&price)), ("items[0][quantity]", "3")];
    let made = good(post(&bench, "/subscriptions?expand[]=latest_invoice", &form)).await;
    assert_eq!(made["status"], "active");
    let invoice = good(get(
        &bench,
        &format!("/invoices/{}", made["latest_invoice"].as_str().expect("an id")),
    ))
    .await;
    assert_eq!((&invoice["total"], &invoice["status"]), (&3000.into(), &"paid".into()));
    let nobody = good(post(&bench, "/customers", &[])).await;
    let form = [("customer", id(&nobody)), ("items[0][price]", id(&price))];
    assert_eq!(
        refused(post(&bench, "/subscriptions", &form)).await,
        (400, "resource_missing".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_subscription_waits_for_its_payment_and_runs_out() {
    let bench = Bench::start();
    let customer = customer_with(&bench, "pm_card_visa").await;
    let price = price(&bench, "1000", "month").await;
    let make = || async {
        let form = [
            ("customer", id(&customer)),
            ("items[0][price]", id(&price)),
            ("payment_behavior", "default_incomplete"),
            ("payment_settings[save_default_payment_method]", "on_subscription"),
            ("expand[]", "latest_invoice.confirmation_secret"),
            ("expand[]", "latest_invoice.payments"),
        ];
        good(post(&bench, "/subscriptions", &form)).await
    };
    let (paid, left) = (make().await, make().await);
    assert_eq!(paid["status"], "incomplete");
    let secret = paid["latest_invoice"]["confirmation_secret"]["client_secret"].as_str();
    assert!(secret.is_some_and(|secret| secret.contains("_secret_")));
    let payment = &paid["latest_invoice"]["payments"]["data"][0];
    let intent = payment["payment"]["payment_intent"].as_str().expect("an intent");
    let confirm = format!("/payment_intents/{intent}/confirm");
    let form = [("payment_method", "pm_card_chargeDeclined")];
    assert_eq!(refused(post(&bench, &confirm, &form)).await, (402, "card_declined".into()));
    let form = [("payment_method", "pm_card_mastercard")];
    assert_eq!(good(post(&bench, &confirm, &form)).await["status"], "succeeded");
    let paid = good(get(&bench, &format!("/subscriptions/{}", id(&paid)))).await;
    assert_eq!(paid["status"], "active");
    assert!(paid["default_payment_method"].is_string());
    days(&bench, 1).await;
    let left =
        good(get(&bench, &format!("/subscriptions/{}?expand[]=latest_invoice", id(&left)))).await;
    assert_eq!(left["status"], "incomplete_expired");
    assert_eq!(left["latest_invoice"]["status"], "void");
}
