//! Orders.
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{is_replayed, stored};
use crate::app::{
    Answer, Place, TestApp,
    caller::{Person, send},
    on_both_databases, soon,
};

on_both_databases!(
    the_same_key_twice_is_one_order_and_two_equal_answers,
    of_sixty_four_orders_at_once_one_is_placed,
);

const PURCHASE: &str = "/api/payment/credits/purchase";

async fn purchase(person: &Person, key: &str, body: &Value) -> Answer {
    send(person.request("POST", PURCHASE).header("Idempotency-Key", key).json(body)).await
}

async fn orders(app: &TestApp) -> i64 {
    app.place.count("SELECT count(*) FROM orders").await
}

async fn the_same_key_twice_is_one_order_and_two_equal_answers(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.person("ada").await;
    let pack = json!({ "pack": "small" });
    let first = purchase(&ada, "order-1", &pack).await;
    let opened = first.with(201);
    assert!(!is_replayed(&first));
    let elsewhere = app.http.sign_in("ada@example.com").await;
    for person in [&ada, &elsewhere] {
        let again = purchase(person, "order-1", &pack).await;
        assert_eq!((again.status, &again.text), (201, &first.text));
        assert_eq!(again.header("content-type"), first.header("content-type"));
        assert!(is_replayed(&again), "{again:?}");
    }
    let other = purchase(&ada, "order-1", &json!({ "pack": "large" })).await;
    other.problem(422, "idempotency_key_reused");
    assert_eq!((orders(&app).await, stored(&app).await), (1, 1));

    app.http.pay(opened["checkout_url"].as_str().expect("an address")).await;
    ada.has(600_000_000).await;
    assert!(is_replayed(&purchase(&ada, "order-1", &pack).await), "paid or not");
    assert_eq!(orders(&app).await, 1);
    app.finish().await;
}

async fn of_sixty_four_orders_at_once_one_is_placed(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.person("ada").await;
    let mut requests = JoinSet::new();
    for _ in 0..64 {
        let ada = ada.clone();
        requests.spawn(async move { purchase(&ada, "order-1", &json!({ "pack": "small" })).await });
    }
    let mut placed = Vec::new();
    for answer in soon(requests.join_all()).await {
        if answer.status == 201 {
            placed.push(answer.text);
        } else {
            answer.problem(409, "idempotency.in_flight");
            assert!(answer.header("retry-after").is_some());
        }
    }
    placed.dedup();
    assert_eq!((placed.len(), orders(&app).await), (1, 1));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_key_of_another_person_is_another_order_and_without_one_each_is() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let pack = json!({ "pack": "small" });
    for person in [&ada, &bob] {
        assert!(!is_replayed(&purchase(person, "order-1", &pack).await));
    }
    assert_eq!(orders(&app).await, 2);
    for _ in 0..2 {
        ada.post(PURCHASE, &pack).await.with(201);
    }
    assert_eq!((orders(&app).await, stored(&app).await), (4, 2));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_was_refused_leaves_the_key_free() {
    let app = TestApp::on_sqlite(&[]).await;
    let ada = app.person("ada").await;
    let refused = purchase(&ada, "order-1", &json!({ "pack": "nothing" })).await;
    refused.problem(400, "billing.unknown_pack");
    let refused = purchase(&ada, "order 1", &json!({ "pack": "small" })).await;
    refused.problem(400, "idempotency.invalid_key");
    assert_eq!((orders(&app).await, stored(&app).await), (0, 0));
    purchase(&ada, "order-1", &json!({ "pack": "small" })).await.with(201);
    app.finish().await;
}
