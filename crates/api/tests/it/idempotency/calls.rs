//! Calls of models that are answered in one piece.
use std::{fs, sync::Arc};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{
    CHAT, HELLO, MESSAGES, WELCOME, ask, ask_until_answered, calls, client, is_replayed, keyed,
    paid_once, question, stored,
};
use crate::app::{
    Place, TestApp,
    caller::{Credits, send},
    eventually, on_both_databases, soon,
};

on_both_databases!(
    the_same_key_twice_is_one_call_and_two_equal_answers,
    of_sixty_four_at_once_one_is_answered_and_the_others_are_told_to_wait,
    another_request_under_the_same_key_is_refused_and_costs_nothing,
    the_same_key_of_another_program_is_another_call,
    what_was_refused_is_tried_anew,
    who_did_not_wait_for_the_answer_gets_it_and_pays_once,
);

async fn the_same_key_twice_is_one_call_and_two_equal_answers(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, program) = app.program("ada").await;
    for (number, path) in (1..).zip([CHAT, MESSAGES]) {
        let (key, asked) = (format!("request-{number}"), question(path, "hello"));
        let first = ask(&program, path, &key, &asked).await;
        first.with(200);
        assert!(!is_replayed(&first));
        for _ in 0..2 {
            let again = ask(&program, path, &key, &asked).await;
            assert_eq!((again.status, &again.text), (200, &first.text));
            for header in ["content-type", "x-cape-call-id"] {
                assert_eq!(again.header(header), first.header(header), "{header}");
            }
            assert!(is_replayed(&again), "{again:?}");
            assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
        }
        assert_eq!((calls(&app).await, stored(&app).await), (number, number));
        assert_eq!(ada.credits().await, Credits::free(WELCOME - HELLO * number));
    }
    app.finish().await;
}

async fn of_sixty_four_at_once_one_is_answered_and_the_others_are_told_to_wait(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, program) = app.program("ada").await;
    let asked = question(CHAT, "hello [[sandbox: latency=1500ms]]");
    let mut requests = JoinSet::new();
    for _ in 0..64 {
        let (program, asked) = (program.clone(), asked.clone());
        requests.spawn(async move { ask(&program, CHAT, "request-1", &asked).await });
    }
    let (mut answered, mut refused) = (Vec::new(), 0);
    for answer in soon(requests.join_all()).await {
        if answer.status == 200 {
            answered.push(answer);
        } else {
            answer.error(409, "idempotency.in_flight");
            let wait: u64 = answer.header("retry-after").expect("when").parse().expect("seconds");
            assert!((1..=30).contains(&wait), "{wait}");
            refused += 1;
        }
    }
    // On a machine that is busy, some may come when it was answered already.
    let first = answered.iter().find(|answer| !is_replayed(answer)).expect("one that was first");
    assert!(answered.iter().all(|answer| answer.text == first.text));
    assert_eq!(answered.iter().filter(|answer| !is_replayed(answer)).count(), 1);
    assert!(refused > 0 && answered.len() + refused == 64);
    paid_once(&app, &ada, first.header("x-cape-call-id").expect("a call")).await;
    let again = ask(&program, CHAT, "request-1", &asked).await;
    assert!(is_replayed(&again) && again.text == first.text);
    app.finish().await;
}

async fn another_request_under_the_same_key_is_refused_and_costs_nothing(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, program) = app.program("ada").await;
    let first = ask(&program, CHAT, "request-1", &question(CHAT, "hello")).await;
    first.with(200);
    let other = ask(&program, CHAT, "request-1", &question(CHAT, "hello!")).await;
    other.error(422, "idempotency_key_reused");
    let elsewhere = ask(&program, MESSAGES, "request-1", &question(MESSAGES, "hello")).await;
    let told = elsewhere.anthropic_error(422, "invalid_request_error");
    assert!(told.ends_with("(idempotency_key_reused)"), "{told}");

    // The same, spelled otherwise: other programs, or the same ones tomorrow, order it so.
    let spelled = "{ \"messages\" : [ {\"content\":\"hello\", \"role\":\"user\"} ],\n\
        \"model\" : \"gpt-4o-mini\" }";
    let again = program.request("POST", CHAT).header("Idempotency-Key", "request-1").body(spelled);
    let again = send(again).await;
    assert!(is_replayed(&again) && again.text == first.text, "{again:?}");
    paid_once(&app, &ada, first.header("x-cape-call-id").expect("a call")).await;
    app.finish().await;
}

async fn the_same_key_of_another_program_is_another_call(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, own) = app.program("ada").await;
    let colleague = ada.program().await;
    let (_, stranger) = app.program("bob").await;
    let asked = question(CHAT, "hello");
    let mut ids = Vec::new();
    for program in [&own, &colleague, &stranger] {
        let answer = ask(program, CHAT, "request-1", &asked).await;
        assert!(!is_replayed(&answer), "{answer:?}");
        ids.push(answer.with(200)["id"].clone());
    }
    for (program, id) in [&own, &colleague, &stranger].into_iter().zip(&ids) {
        let again = ask(program, CHAT, "request-1", &asked).await;
        assert!(is_replayed(&again) && again.with(200)["id"] == *id);
    }
    assert_eq!(calls(&app).await, 3);
    app.finish().await;
}

async fn what_was_refused_is_tried_anew(place: Arc<Place>) {
    let app = TestApp::at(place, &[("CAPE_ACCOUNTS__WELCOME_CREDITS", "0")]).await;
    let (ada, program) = app.program("ada").await;
    let asked = question(CHAT, "hello");
    for _ in 0..2 {
        let refused = ask(&program, CHAT, "request-1", &asked).await;
        refused.error(402, "insufficient_credits");
        assert!(!is_replayed(&refused));
    }
    assert_eq!(stored(&app).await, 0, "a refusal leaves nothing behind");
    app.http.pay(&ada.order("small").await).await;
    ada.has(500_000_000).await;
    ask(&program, CHAT, "request-1", &asked).await.with(200);
    assert!(is_replayed(&ask(&program, CHAT, "request-1", &asked).await));

    // A provider that failed may do better; here it does not.
    let failing = question(CHAT, "[[sandbox: status=500]]");
    for _ in 0..2 {
        let failed = ask(&program, CHAT, "request-2", &failing).await;
        assert!(failed.status == 502 && !is_replayed(&failed), "{failed:?}");
    }
    assert_eq!(app.place.count("SELECT count(*) FROM calls WHERE state = 'failed'").await, 2);
    assert_eq!(ada.credits().await, Credits::free(500_000_000 - HELLO));
    app.finish().await;
}

async fn who_did_not_wait_for_the_answer_gets_it_and_pays_once(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, program) = app.program("ada").await;
    for (number, path) in (1..).zip([CHAT, MESSAGES]) {
        let (key, asked) =
            (format!("request-{number}"), question(path, "hello [[sandbox: latency=400ms]]"));
        let request = keyed(&program, path, &key, &asked).build().expect("a request");
        let impatient = client();
        let waiting = tokio::select! {
            answer = impatient.execute(request) => Some(answer),
            () = eventually("the call runs", async || calls(&app).await == number) => None,
        };
        assert!(waiting.is_none(), "{waiting:?}");
        drop(impatient);
        let again = ask_until_answered(&program, path, &key, &asked).await;
        again.with(200);
        assert!(is_replayed(&again) && calls(&app).await == number, "{again:?}");
        ada.ended(again.header("x-cape-call-id").expect("a call")).await;
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_key_every_request_is_a_call_and_nothing_is_kept() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    for _ in 0..2 {
        let answer = program.say("gpt-4o-mini", "hello").await;
        assert!(answer.status == 200 && answer.header("idempotent-replayed").is_none());
    }
    assert_eq!((calls(&app).await, stored(&app).await), (2, 0));
    assert_eq!(ada.credits().await, Credits::free(WELCOME - 2 * HELLO));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_none_is_refused_and_so_are_two() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let asked = question(CHAT, "hello");
    let long = "x".repeat(256);
    for key in ["", "two words", &long] {
        let refused = ask(&program, CHAT, key, &asked).await;
        let error = refused.error(400, "idempotency.invalid_key");
        assert_eq!(error["param"], "Idempotency-Key", "{key}");
    }
    let twice = keyed(&program, CHAT, "a", &asked).header("Idempotency-Key", "a");
    send(twice).await.error(400, "idempotency.invalid_key");
    ask(&program, CHAT, &long[1..], &asked).await.with(200);
    assert_eq!(calls(&app).await, 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_may_not_call_any_more_is_not_answered_as_before() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let asked = question(CHAT, "hello");
    ask(&program, CHAT, "request-1", &asked).await.with(200);
    assert_eq!(ada.delete(&format!("/api/keys/{}", program.id)).await.status, 204);
    eventually("the key is refused", async || {
        ask(&program, CHAT, "request-1", &asked).await.status == 401
    })
    .await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_cannot_be_read_in_the_database() {
    const MARK: &str = "alpha bravo charlie";
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let asked = question(CHAT, "an unusual question about marmalade");
    let answer = ask(&program, CHAT, "ada@example.com-marmalade", &asked).await;
    assert!(answer.text.contains(MARK) && answer.text.contains("marmalade"), "{}", answer.text);
    assert_eq!(stored(&app).await, 1);
    let mut seen = 0;
    for file in ["cape.db", "cape.db-wal"] {
        let Ok(bytes) = fs::read(app.place.file(file)) else { continue };
        seen += bytes.len();
        for told in [MARK, "marmalade", "chatcmpl"] {
            let is_there = bytes.windows(told.len()).any(|part| part == told.as_bytes());
            assert!(!is_there, "{told} is in {file}");
        }
        // What is not encrypted can be found like this.
        if file == "cape.db-wal" {
            assert!(bytes.windows(11).any(|part| part == b"gpt-4o-mini"));
        }
    }
    assert!(seen > 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_replica_gives_the_answer_of_the_first_one() {
    let Some(place) = Place::postgres().await else { return };
    let here = TestApp::at(place, &[]).await;
    let there = here.beside().await;
    let (_, program) = here.program("ada").await;
    let asked = question(CHAT, "hello [[sandbox: latency=300ms]]");
    let (first, second) =
        tokio::join!(ask_until_answered(&program, CHAT, "request-1", &asked), async {
            let elsewhere = program.at(&there);
            ask_until_answered(&elsewhere, CHAT, "request-1", &asked).await
        },);
    assert_eq!((first.status, second.status), (200, 200));
    assert_eq!(first.text, second.text);
    assert_eq!([&first, &second].iter().filter(|answer| is_replayed(answer)).count(), 1);
    assert_eq!(calls(&here).await, 1);
    there.finish().await;
    here.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_other_origins_may_send_a_key_and_read_what_it_did() {
    let origin = "https://app.example.com";
    let app = TestApp::on_sqlite(&[("CAPE_HTTP__CORS_ORIGINS", origin)]).await;
    let asked = app.http.request("OPTIONS", CHAT).header("origin", origin);
    let asked = asked.header("access-control-request-method", "POST");
    let asked = asked.header("access-control-request-headers", "idempotency-key");
    let response = asked.send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    let allowed = response.headers().get("access-control-allow-headers").expect("headers");
    assert!(allowed.to_str().expect("a text").contains("idempotency-key"), "{allowed:?}");
    app.finish().await;
}

#[test]
fn the_contract_names_the_header_wherever_it_is_read() {
    let document = cape_http::openapi::document().to_json().expect("JSON");
    let document: Value = serde_json::from_str(&document).expect("JSON");
    let others = ["/v1/responses", "/v1/embeddings", "/api/payment/credits/purchase"];
    for path in [CHAT, MESSAGES].iter().chain(&others) {
        let named = document["paths"][path]["post"]["parameters"].as_array().expect(path);
        let header = named.iter().find(|one| one["name"] == "Idempotency-Key").expect(path);
        assert_eq!((&header["in"], &header["required"]), (&json!("header"), &json!(false)));
    }
}
