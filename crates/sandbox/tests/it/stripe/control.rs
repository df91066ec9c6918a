//! Faults on demand: answers that go wrong, and events that come late, twice, in another order or never.
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{control, get, good, id, kinds, post, refused, session, submit};
use crate::{
    BEGINNING, Bench, json as parsed, read, send,
    webhooks::{Endpoint, SECRET, assert_signed, kinds as delivered, signature},
};

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_fails_as_often_as_it_was_told_and_nothing_is_done() {
    let bench = Bench::start();
    let fault = json!({"path": "/v1/customers", "method": "post", "times": 2, "fault": "status",
        "status": 429, "retry_after": 3});
    control(&bench, "/faults", fault).await;
    for _ in 0..2 {
        let answer = send(post(&bench, "/customers", &[])).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["retry-after"]),
            (429, &"3".parse().expect("a value"))
        );
    }
    assert_eq!(good(get(&bench, "/customers")).await["data"], json!([]));
    good(post(&bench, "/customers", &[])).await;
    for (status, code) in [(500, "api_error"), (409, "invalid_request_error")] {
        control(&bench, "/faults", json!({"fault": "status", "status": status})).await;
        assert_eq!(refused(get(&bench, "/customers")).await, (status, code.into()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_lost_after_the_work_was_done_and_its_key_finds_it() {
    for fault in [
        json!({"fault": "status", "status": 500, "executed": true}),
        json!({"fault": "cut", "executed": true}),
        json!({"fault": "timeout", "seconds": 0, "executed": true}),
    ] {
        let bench = Bench::start();
        control(&bench, "/faults", fault.clone()).await;
        let make = || post(&bench, "/customers", &[]).header("Idempotency-Key", "key-1");
        let lost = match make().send().await {
            Ok(answer) if answer.status() == 200 => answer.text().await.is_err(),
            Ok(answer) => answer.status() == 500,
            Err(_) => true,
        };
        assert!(lost, "{fault}");
        let page = good(get(&bench, "/customers")).await;
        assert_eq!(page["data"].as_array().map(Vec::len), Some(1), "{fault}");
        let again = send(make()).await;
        assert_eq!(again.headers()["idempotent-replayed"], "true");
        assert_eq!(again.json::<Value>().await.expect("a body"), page["data"][0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_that_comes_first_does_nothing_and_a_late_answer_is_whole() {
    let bench = Bench::start();
    control(&bench, "/faults", json!({"fault": "cut"})).await;
    let cut = post(&bench, "/customers", &[]).send().await;
    assert!(match cut {
        Ok(answer) => answer.text().await.is_err(),
        Err(_) => true,
    });
    assert_eq!(good(get(&bench, "/customers")).await["data"], json!([]));
    control(&bench, "/faults", json!({"fault": "late", "latency_ms": 80})).await;
    let began = Instant::now();
    good(post(&bench, "/customers", &[])).await;
    assert!(began.elapsed() >= Duration::from_millis(80));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_account_is_refused_and_faults_can_be_taken_back() {
    let bench = Bench::start();
    let account = good(get(&bench, "/account")).await;
    assert!(id(&account).starts_with("acct_"));
    control(&bench, "/faults", json!({"fault": "wrong_account", "times": 9})).await;
    assert_eq!(refused(get(&bench, "/account")).await, (403, "account_invalid".into()));
    let url = format!("{}/_sandbox/stripe/faults", bench.sandbox.base_url());
    assert_eq!(good(bench.client.delete(url)).await, json!({"faults": []}));
    good(get(&bench, "/account")).await;
    for (named, status) in [(id(&account), 200), ("acct_other", 403)] {
        let request = get(&bench, "/account").header("Stripe-Account", named);
        assert_eq!(read(request).await.0, status, "{named}");
    }
    let nonsense = bench.post("/_sandbox/stripe/faults").json(&json!({"fault": "melt"}));
    assert_eq!(send(nonsense).await.status(), 400);
}

async fn sold(bench: &Bench) {
    let session = session(bench).await;
    assert_eq!(submit(bench, &session, "").await.status(), 303);
}

fn in_order(endpoint: &Endpoint) -> Vec<String> {
    let kind = |body: &str| parsed(body)["type"].as_str().expect("a type").to_owned();
    endpoint.deliveries().iter().map(|delivery| kind(&delivery.body)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn held_events_come_in_the_order_that_is_asked_for() {
    let made = ["payment_intent.succeeded", "charge.succeeded", "checkout.session.completed"];
    let mut reversed = made;
    reversed.reverse();
    for (order, expected) in [("made", made), ("reversed", reversed)] {
        let (bench, endpoint) = (Bench::start(), Endpoint::start(&[]));
        bench.sandbox.set_webhook(&endpoint.url, SECRET);
        control(&bench, "/deliveries", json!({"hold": true})).await;
        sold(&bench).await;
        let held = good(bench.get("/_sandbox/stripe/deliveries")).await;
        assert_eq!(held["held"].as_array().map(Vec::len), Some(3));
        assert_eq!(endpoint.deliveries().len(), 0);
        control(&bench, "/deliveries/release", json!({"order": order})).await;
        endpoint.receives(3).await;
        assert_eq!(in_order(&endpoint), expected);
        endpoint.server.stop(false).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_twice_shuffled_or_never() {
    let (bench, endpoint) = (Bench::start(), Endpoint::start(&[]));
    bench.sandbox.set_webhook(&endpoint.url, SECRET);
    control(&bench, "/deliveries", json!({"copies": 2})).await;
    sold(&bench).await;
    assert_eq!(delivered(&endpoint.receives(6).await).len(), 6);
    control(&bench, "/deliveries", json!({"copies": 1, "hold": true})).await;
    sold(&bench).await;
    let url = format!("{}/_sandbox/stripe/deliveries", bench.sandbox.base_url());
    assert_eq!(good(bench.client.delete(url)).await, json!({"lost": 3}));
    assert_eq!(kinds(&bench).await.len(), 6, "they are still in the list");
    sold(&bench).await;
    let told = json!({"order": "shuffled", "seed": 7, "copies": 3});
    let released = control(&bench, "/deliveries/release", told).await;
    assert_eq!(released["released"].as_array().map(Vec::len), Some(9));
    assert_eq!(endpoint.receives(15).await.len(), 15);
    endpoint.server.stop(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_sent_again_and_strange_ones_can_be_made_up() {
    let (bench, endpoint) = (Bench::start(), Endpoint::start(&[]));
    bench.sandbox.set_webhook(&endpoint.url, SECRET);
    let told = json!({"type": "invoice.paid", "livemode": true, "account": "acct_other",
        "object": {"id": "in_foreign", "object": "invoice"}});
    let event = control(&bench, "/events", told).await;
    let first = endpoint.receives(1).await;
    assert_signed(&first[0], SECRET, BEGINNING);
    let body = parsed(&first[0].body);
    assert_eq!((&body["livemode"], &body["account"]), (&true.into(), &"acct_other".into()));
    assert_eq!(body["data"]["object"]["id"], "in_foreign");
    control(&bench, &format!("/events/{}/resend", id(&event)), json!({"copies": 2})).await;
    let all = endpoint.receives(3).await;
    assert!(all.iter().all(|delivery| parsed(&delivery.body)["id"] == event["id"]));
    for told in [json!({"object": {}}), json!({"type": "x"}), json!([])] {
        assert_eq!(send(bench.post("/_sandbox/stripe/events").json(&told)).await.status(), 400);
    }
    endpoint.server.stop(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_that_is_ahead_dates_events_and_not_their_signatures() {
    let (bench, endpoint) = (Bench::start(), Endpoint::start(&[]));
    bench.sandbox.set_webhook(&endpoint.url, SECRET);
    control(&bench, "/clock", json!({"advance_seconds": 86_400})).await;
    sold(&bench).await;
    for delivery in endpoint.receives(3).await {
        assert_signed(&delivery, SECRET, BEGINNING);
        assert_eq!(parsed(&delivery.body)["created"], BEGINNING + 86_400);
    }
    endpoint.server.stop(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_is_nobodys_and_an_outcome_that_is_none_are_refused() {
    let bench = Bench::start();
    for told in [
        json!({"payment_method": "pm_nobody", "outcome": "succeeds"}),
        json!({"payment_method": "pm_nobody", "outcome": "explodes"}),
        json!({"outcome": "succeeds"}),
    ] {
        let (status, body) = read(bench.post("/_sandbox/stripe/cards").json(&told)).await;
        assert_eq!(status, 400);
        assert!(body["error"].is_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_are_wrong_old_or_doubled_on_demand() {
    let (bench, endpoint) = (Bench::start(), Endpoint::start(&[]));
    bench.sandbox.set_webhook(&endpoint.url, SECRET);
    let event = json!({"type": "x", "object": {"id": "cs_1"}});
    let mut signatures = Vec::new();
    for (number, kind) in ["usual", "wrong", "stale", "rolled", "v0"].into_iter().enumerate() {
        control(&bench, "/deliveries", json!({"signature": kind})).await;
        control(&bench, "/events", event.clone()).await;
        let delivery = endpoint.receives(number + 1).await[number].clone();
        signatures.push((signature(SECRET, BEGINNING, &delivery.body), delivery.signature));
    }
    let holds = |number: usize, scheme: &str| {
        let (right, sent) = &signatures[number];
        sent.contains(&format!("{scheme}={right}"))
    };
    assert!(holds(0, "v1") && holds(3, "v1") && holds(4, "v0"));
    assert!(!holds(1, "v1") && !holds(2, "v1") && !holds(4, "v1"));
    assert!(signatures[2].1.starts_with(&format!("t={},", BEGINNING - 600)));
    assert_eq!(signatures[3].1.matches("v1=").count(), 2);
    let nonsense = bench.post("/_sandbox/stripe/deliveries").json(&json!({"signature": "red"}));
    assert_eq!(send(nonsense).await.status(), 400);
    endpoint.server.stop(false).await;
}
