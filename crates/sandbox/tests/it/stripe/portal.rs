//! The billing portal and its page.
use serde_json::Value;

use super::{
    cards::customer_with, catalogue::price, changes::subscribed, days, get, good, id, kinds, post,
    refused,
};
use crate::{Bench, send};

async fn portal(bench: &Bench, customer: &Value) -> Value {
    let form = [("customer", id(customer)), ("return_url", "http://127.0.0.1:9/billing")];
    good(post(bench, "/billing_portal/sessions", &form)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_cancels_takes_it_back_and_changes_the_card() {
    let bench = Bench::start();
    let (customer, made) = subscribed(&bench, "1000", "month").await;
    let session = portal(&bench, &customer).await;
    let page = session["url"].as_str().expect("a page");
    let shown = send(bench.client.get(page)).await.text().await.expect("a page");
    assert!(shown.contains("Cancel at period end") && shown.contains("4242"), "{shown}");
    assert!(shown.contains("href=\"http://127.0.0.1:9/billing\""), "{shown}");
    let path = format!("/subscriptions/{}", id(&made));
    for (action, ends) in [("cancel", true), ("resume", false)] {
        let form = [("subscription", id(&made))];
        let done = send(bench.client.post(format!("{page}/{action}")).form(&form)).await;
        assert_eq!(done.status(), 303);
        let kept = good(get(&bench, &path)).await;
        assert_eq!(kept["cancel_at"].is_i64(), ends, "{action}");
        assert_eq!(kept["cancel_at_period_end"], false, "{action}");
    }
    let card = |number| {
        bench.client.post(format!("{page}/payment_method")).form(&[("card_number", number)])
    };
    assert_eq!(send(card("4000000000000002")).await.status(), 402);
    assert_eq!(send(card("5555555555554444")).await.status(), 303);
    let asked = send(card("4000002500003155")).await;
    let bank = asked.headers()["location"].to_str().expect("a place").to_owned();
    assert!(bank.starts_with("/stripe/authenticate/seti_"), "{bank}");
    assert_eq!(send(bench.post(&format!("{bank}/refuse"))).await.status(), 402);
    let path =
        format!("/customers/{}?expand[]=invoice_settings.default_payment_method", id(&customer));
    let default = &good(get(&bench, &path)).await["invoice_settings"]["default_payment_method"];
    assert_eq!(default["card"]["brand"], "mastercard");
    let told = kinds(&bench).await;
    for kind in [
        "setup_intent.setup_failed",
        "payment_method.attached",
        "customer.updated",
        "billing_portal.session.created",
    ] {
        assert!(told.iter().any(|told| told == kind), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_shows_its_own_customer_alone_and_grows_old() {
    let bench = Bench::start();
    let (customer, _) = subscribed(&bench, "1000", "month").await;
    let (_, foreign) = subscribed(&bench, "1000", "month").await;
    let session = portal(&bench, &customer).await;
    let page = session["url"].as_str().expect("a page");
    let shown = send(bench.client.get(page)).await.text().await.expect("a page");
    assert!(!shown.contains(id(&foreign)));
    let form = [("subscription", id(&foreign))];
    let cancel = || bench.client.post(format!("{page}/cancel")).form(&form);
    assert_eq!(send(cancel()).await.status(), 404);
    let kept = good(get(&bench, &format!("/subscriptions/{}", id(&foreign)))).await;
    assert_eq!(kept["cancel_at"], Value::Null);
    bench.advance(3600);
    assert_eq!(send(bench.client.get(page)).await.status(), 410);
    let nobody = post(&bench, "/billing_portal/sessions", &[("customer", "cus_nobody")]);
    assert_eq!(refused(nobody).await, (400, "resource_missing".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_canceled_there_ends_by_an_instant_or_if_it_is_classic_by_a_switch() {
    for (mode, by_switch) in [("flexible", false), ("classic", true)] {
        let bench = Bench::start();
        let customer = customer_with(&bench, "pm_card_visa").await;
        let price = price(&bench, "1000", "month").await;
        let form = [
            ("customer", id(&customer)),
            ("items[0][price]", id(&price)),
            ("billing_mode[type]", mode),
        ];
        let made = good(post(&bench, "/subscriptions", &form)).await;
        let session = portal(&bench, &customer).await;
        let page = session["url"].as_str().expect("a page");
        let form = [("subscription", id(&made))];
        send(bench.client.post(format!("{page}/cancel")).form(&form)).await;
        let path = format!("/subscriptions/{}", id(&made));
        let ending = good(get(&bench, &path)).await;
        assert_eq!(ending["cancel_at_period_end"], by_switch, "{mode}");
        assert_eq!(ending["cancel_at"], made["items"]["data"][0]["current_period_end"]);
        days(&bench, 40).await;
        let ended = good(get(&bench, &path)).await;
        assert_eq!(
            (&ended["status"], &ended["ended_at"]),
            (&"canceled".into(), &ending["cancel_at"])
        );
        let invoices = good(get(&bench, "/invoices")).await;
        assert_eq!(invoices["data"].as_array().map(Vec::len), Some(1), "{mode}");
    }
}
