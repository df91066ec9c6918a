//! `/v1/moderations`: judged by `OpenAI`, free, limited and recorded as other calls are.
use serde_json::{Value, json};

use crate::app::{
    Answer, TestApp,
    caller::{Credits, Program, saying, send},
};

const PATH: &str = "/v1/moderations";
const WELCOME: i64 = 100_000_000;
const MODEL: &str = "omni-moderation-latest";

async fn judge(program: &Program, body: &Value) -> Answer {
    loop {
        let answer = send(program.request("POST", PATH).json(body)).await;
        let closed = answer.status == 503 && answer.text.contains("paid_calls_closed");
        if !closed {
            return answer;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_are_judged_for_nothing_and_the_receipt_says_so() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let answer = judge(&program, &json!({ "input": ["what violence", "hello"] })).await;
    let body = answer.with(200);
    assert_eq!(body["model"], MODEL);
    assert!(body["id"].as_str().is_some_and(|id| id.starts_with("modr-")), "{body}");
    let results = body["results"].as_array().expect("results");
    let of = |place: usize| {
        let result = &results[place];
        (
            result["flagged"].clone(),
            result["categories"]["violence"].clone(),
            result["category_scores"]["violence"].clone(),
            result["category_applied_input_types"]["violence"].clone(),
        )
    };
    assert_eq!(results.len(), 2);
    assert_eq!(of(0), (json!(true), json!(true), json!(0.95), json!(["text"])));
    assert_eq!(of(1), (json!(false), json!(false), json!(0.0001), json!(["text"])));
    assert_eq!(results[0]["categories"].as_object().map(serde_json::Map::len), Some(13));
    assert_eq!(answer.header("x-cape-model"), Some(MODEL));
    assert_eq!(answer.header("x-ratelimit-limit-requests"), Some("10"));
    let record = ada.record(answer.header("x-cape-call-id").expect("a call")).await;
    assert_eq!((&record["state"], &record["model"]), (&json!("settled"), &json!(MODEL)));
    assert_eq!(record["charge"], json!("0.000000"));
    assert_eq!(record["estimated"], true);
    assert_eq!(ada.credits().await, Credits::free(WELCOME));
    assert_eq!(ada.get("/api/usage/quota").await.with(200)["used"], 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_and_images_of_one_input_are_judged_together() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let input = json!([
        { "type": "text", "text": "hello" },
        { "type": "image_url", "image_url": { "url": "https://example.com/a.png" } },
    ]);
    let dated = "omni-moderation-2024-09-26";
    let body = judge(&program, &json!({ "model": dated, "input": input })).await.with(200);
    assert_eq!((&body["model"], &body["results"][0]["flagged"]), (&json!(dated), &json!(false)));
    let types = &body["results"][0]["category_applied_input_types"];
    assert_eq!((&types["violence"], &types["hate"]), (&json!(["text", "image"]), &json!(["text"])));
    assert_eq!(body["results"].as_array().map(Vec::len), Some(1));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_no_credits_may_have_judged_what_is_free() {
    let app = TestApp::on_sqlite(&[("CAPE_ACCOUNTS__WELCOME_CREDITS", "0")]).await;
    let (_, program) = app.program("ada").await;
    judge(&program, &json!({ "input": "hello" })).await.with(200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_acceptable_is_named_and_nothing_comes_of_it() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let long = "x".repeat(4 * 32_768 + 1);
    for (field, value, status, code, param) in [
        ("model", json!("omni-moderation-9"), 404, "model_not_found", "model"),
        ("model", json!("gpt-4o-mini"), 400, "model_wrong_kind", "model"),
        ("model", json!("claude-haiku-4-5"), 400, "model_wrong_kind", "model"),
        ("model", json!(1), 400, "invalid_request", "model"),
        ("input", json!([]), 400, "invalid_request", "input"),
        ("input", json!(null), 400, "invalid_request", "input"),
        ("input", json!(["a", 1]), 400, "invalid_request", "input[1]"),
        ("input", json!([{ "type": "audio" }]), 400, "invalid_request", "input[0].type"),
        ("input", json!(["a", long]), 400, "context_length_exceeded", "input[1]"),
        ("speed", json!(1), 400, "unsupported_parameter", "speed"),
    ] {
        let mut body = json!({ "model": MODEL, "input": "hello" });
        body[field] = value;
        let refused = judge(&program, &body).await;
        assert_eq!(refused.error(status, code)["param"], param, "{field}");
    }
    program.chat(&saying(MODEL, "hello")).await.error(400, "model_wrong_kind");
    assert_eq!(ada.get("/api/usage/quota").await.with(200)["used"], 0);
    assert_eq!(ada.get("/api/usage/records").await.with(200)["data"], json!([]));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_fails_is_told_and_counts_nowhere() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    for (directive, status, code) in [
        ("status=400", 400, "provider_rejected"),
        ("status=401", 502, "provider_credentials"),
        ("status=429, retry_after=99", 503, "provider_rate_limited"),
    ] {
        let input = format!("hello [[sandbox: {directive}]]");
        judge(&program, &json!({ "input": input })).await.error(status, code);
    }
    assert_eq!(ada.get("/api/usage/quota").await.with(200)["used"], 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_not_configured_is_told() {
    let app = TestApp::on_sqlite(&[("CAPE_SANDBOX__ENABLED", "false")]).await;
    let (_, program) = app.program("ada").await;
    judge(&program, &json!({ "input": "hello" })).await.error(503, "integration_disabled");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_idempotency_key_is_one_call() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let ask = async |input: &str| {
        let request = program.request("POST", PATH).header("idempotency-key", "judge-1");
        send(request.json(&json!({ "input": input }))).await
    };
    let first = ask("hello").await;
    first.with(200);
    let again = ask("hello").await;
    assert_eq!((again.status, &again.text), (200, &first.text));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.header("x-cape-call-id"), first.header("x-cape-call-id"));
    ask("you").await.error(422, "idempotency_key_reused");
    assert_eq!(ada.get("/api/usage/quota").await.with(200)["used"], 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_judges_is_listed_by_its_kind_and_as_free() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let listed = program.models().await.with(200);
    let ids: Vec<_> =
        listed["data"].as_array().expect("a list").iter().map(|model| &model["id"]).collect();
    assert!(ids.contains(&&json!(MODEL)), "{ids:?}");
    let all = ada.get("/api/ai/models").await.with(200);
    let all = all["data"].as_array().expect("a list");
    let own = all.iter().find(|model| model["id"] == MODEL).expect("a model");
    assert_eq!((&own["kind"], &own["price"]["free"]), (&json!("moderation"), &json!(true)));
    app.finish().await;
}
