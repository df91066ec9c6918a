//! `/v1/embeddings`: vectors in either form, from each provider, paid and limited as chats are.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::app::{
    Answer, TestApp,
    caller::{Credits, Program, micros, saying, send},
};

const PATH: &str = "/v1/embeddings";
const WELCOME: i64 = 100_000_000;
const OPENAI: &str = "text-embedding-3-small";
const GEMINI: &str = "gemini-embedding-001";

async fn embed(program: &Program, body: &Value) -> Answer {
    loop {
        let answer = send(program.request("POST", PATH).json(body)).await;
        let closed = answer.status == 503 && answer.text.contains("paid_calls_closed");
        if !closed {
            return answer;
        }
    }
}

fn asking(model: &str, input: Value) -> Value {
    json!({ "model": model, "input": input })
}

fn with(field: &str, value: Value) -> Value {
    let mut body = asking(OPENAI, json!("hello"));
    body[field] = value;
    body
}

fn numbers(list: &Value) -> Vec<f32> {
    serde_json::from_value(list.clone()).expect("numbers")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_become_vectors_and_what_they_cost_is_on_the_receipt() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let mut balance = WELCOME;
    for (model, input, dimensions, tokens, charge) in [
        // Two words and one, each a token to the sandbox: 120 x 3 x 0.02, rounded up.
        (OPENAI, json!(["hello there", "you"]), 1_536, 3, 8),
        (OPENAI, json!([7, 8, 9]), 1_536, 3, 8),
        ("text-embedding-3-large", json!([[7], [8, 9]]), 3_072, 3, 47),
        (GEMINI, json!("hello there you"), 3_072, 3, 54),
    ] {
        let answer = embed(&program, &asking(model, input)).await;
        let body = answer.with(200);
        assert_eq!((&body["object"], &body["model"]), (&json!("list"), &json!(model)));
        assert_eq!(body["usage"], json!({ "prompt_tokens": tokens, "total_tokens": tokens }));
        for (place, one) in body["data"].as_array().expect("vectors").iter().enumerate() {
            assert_eq!((&one["object"], &one["index"]), (&json!("embedding"), &json!(place)));
            assert_eq!(numbers(&one["embedding"]).len(), dimensions, "{model}");
        }
        assert_eq!(answer.header("x-ratelimit-limit-tokens"), Some("50000"));
        let record = ada.record(answer.header("x-cape-call-id").expect("a call")).await;
        assert_eq!((&record["state"], &record["model"]), (&json!("settled"), &json!(model)));
        assert_eq!((&record["estimated"], &record["streamed"]), (&json!(false), &json!(false)));
        assert_eq!(
            (&record["tokens"]["input"], &record["tokens"]["output"]),
            (&json!(3), &json!(0))
        );
        assert_eq!(micros(&record["charge"]), charge, "{model}");
        balance -= charge;
        assert_eq!(ada.credits().await, Credits::free(balance));
    }
    assert_eq!(ada.get("/api/usage/quota").await.with(200)["used"], 4);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vector_is_the_same_as_a_list_and_in_base64_and_as_long_as_is_wanted() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    for model in [OPENAI, GEMINI] {
        let mut body = asking(model, json!("hello"));
        body["dimensions"] = json!(256);
        body["encoding_format"] = json!("float");
        let list = numbers(&embed(&program, &body).await.with(200)["data"][0]["embedding"]);
        assert_eq!(list.len(), 256);
        body["encoding_format"] = json!("base64");
        let answer = embed(&program, &body).await.with(200);
        let text = answer["data"][0]["embedding"].as_str().expect("a text").to_owned();
        let bytes = STANDARD.decode(text).expect("base64");
        let exact = bytes.chunks(4).map(|four| f32::from_le_bytes(four.try_into().expect("four")));
        assert_eq!(exact.collect::<Vec<_>>(), list, "{model}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_inputs_are_one_call_whatever_the_provider_takes_at_once() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let inputs: Vec<_> = (0..201).map(|number| format!("text-{number}")).collect();
    for model in [OPENAI, GEMINI] {
        let mut body = asking(model, json!(inputs));
        body["dimensions"] = json!(2);
        let all = embed(&program, &body).await.with(200)["data"].clone();
        assert_eq!(all.as_array().map(Vec::len), Some(201));
        body["input"] = json!("text-150");
        let alone = embed(&program, &body).await.with(200);
        assert_eq!(alone["data"][0]["embedding"], all[150]["embedding"], "{model}");
    }
    assert_eq!(ada.get("/api/usage/quota").await.with(200)["used"], 4);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_provider_does_not_tell_is_estimated_and_that_is_said() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    for model in [OPENAI, GEMINI] {
        let input = "hello [[sandbox: usage=missing]]";
        let answer = embed(&program, &asking(model, json!(input))).await;
        // 32 bytes are 8 likely tokens.
        assert_eq!(answer.with(200)["usage"]["prompt_tokens"], 8);
        let record = ada.record(answer.header("x-cape-call-id").expect("a call")).await;
        assert_eq!((&record["estimated"], &record["tokens"]["input"]), (&json!(true), &json!(8)));
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_acceptable_is_named_and_nothing_comes_of_it() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let long = "x".repeat(4 * 8_192 + 1);
    for (field, value, status, code, param) in [
        ("model", json!("text-embedding-9"), 404, "model_not_found", "model"),
        ("model", json!("gpt-4o-mini"), 400, "model_wrong_kind", "model"),
        ("model", json!("smart"), 400, "model_wrong_kind", "model"),
        ("model", json!(1), 400, "invalid_request", "model"),
        ("input", json!([]), 400, "invalid_request", "input"),
        ("input", json!(""), 400, "invalid_request", "input"),
        ("input", json!(null), 400, "invalid_request", "input"),
        ("input", json!(["a", 1]), 400, "invalid_request", "input"),
        ("input", json!(["a", ""]), 400, "invalid_request", "input[1]"),
        ("input", json!([-1]), 400, "invalid_request", "input"),
        ("input", json!(vec!["a"; 2_049]), 400, "invalid_request", "input"),
        ("input", json!(["a", long]), 400, "context_length_exceeded", "input[1]"),
        ("input", json!(vec![7; 8_193]), 400, "context_length_exceeded", "input[0]"),
        ("dimensions", json!(0), 400, "dimensions_out_of_range", "dimensions"),
        ("dimensions", json!(1_537), 400, "dimensions_out_of_range", "dimensions"),
        ("dimensions", json!("8"), 400, "invalid_request", "dimensions"),
        ("encoding_format", json!("int8"), 400, "invalid_request", "encoding_format"),
        ("input_type", json!("query"), 400, "unsupported_parameter", "input_type"),
    ] {
        let refused = embed(&program, &with(field, value)).await;
        assert_eq!(refused.error(status, code)["param"], param, "{field}");
    }
    // Google's format has no word for tokens.
    let refused = embed(&program, &asking(GEMINI, json!([7, 8]))).await;
    assert_eq!(refused.error(400, "unsupported_parameter")["param"], "input");
    // And a model for vectors answers nobody.
    let refused = program.chat(&saying(OPENAI, "hello")).await;
    let error = refused.error(400, "model_wrong_kind");
    assert!(error["message"].as_str().is_some_and(|it| it.contains(OPENAI)), "{error}");
    assert_eq!(ada.credits().await, Credits::free(WELCOME));
    assert_eq!(ada.get("/api/usage/quota").await.with(200)["used"], 0);
    assert_eq!(ada.get("/api/usage/records").await.with(200)["data"], json!([]));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_fails_costs_nothing() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    for model in [OPENAI, GEMINI] {
        for (directive, status, code) in [
            ("status=400", 400, "provider_rejected"),
            ("status=401", 502, "provider_credentials"),
            ("status=429, retry_after=99", 503, "provider_rate_limited"),
        ] {
            let input = json!(format!("hello [[sandbox: {directive}]]"));
            embed(&program, &asking(model, input)).await.error(status, code);
        }
    }
    assert_eq!(ada.credits().await, Credits::free(WELCOME));
    assert_eq!(ada.get("/api/usage/quota").await.with(200)["used"], 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credits_that_do_not_suffice_for_the_worst_case_admit_nothing() {
    let app = TestApp::on_sqlite(&[("CAPE_ACCOUNTS__WELCOME_CREDITS", "1")]).await;
    let (ada, program) = app.program("ada").await;
    let held = ada.credits().await.balance;
    // Three texts of 32 000 bytes: 120 x 3 x 32 002 x 0.13 = 1 497 694
    let asked =
        |texts: usize| asking("text-embedding-3-large", json!(vec!["x".repeat(32_000); texts]));
    let refused = embed(&program, &asked(3)).await;
    assert_eq!(refused.error(402, "insufficient_credits")["type"], "insufficient_quota");
    assert_eq!(ada.credits().await, Credits::free(held));
    assert_eq!(ada.get("/api/usage/quota").await.with(200)["used"], 0);
    // Two are 998 463.
    embed(&program, &asked(2)).await.with(200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_idempotency_key_is_one_call() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let ask = async || {
        let request = program.request("POST", PATH).header("idempotency-key", "vectors-1");
        send(request.json(&asking(OPENAI, json!("hello")))).await
    };
    let first = ask().await;
    first.with(200);
    let again = ask().await;
    assert_eq!((again.status, &again.text), (200, &first.text));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.header("x-cape-call-id"), first.header("x-cape-call-id"));
    assert_eq!(ada.get("/api/usage/quota").await.with(200)["used"], 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_kinds_of_models_are_listed() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let listed = program.models().await.with(200);
    let ids: Vec<_> =
        listed["data"].as_array().expect("a list").iter().map(|model| &model["id"]).collect();
    assert!(ids.contains(&&json!(OPENAI)) && ids.contains(&&json!("gpt-4o-mini")), "{ids:?}");
    let all = ada.get("/api/ai/models").await.with(200);
    let of = |id: &str| {
        let all = all["data"].as_array().expect("a list");
        all.iter().find(|model| model["id"] == id).expect("a model").clone()
    };
    assert_eq!(
        (&of(GEMINI)["kind"], &of(GEMINI)["dimensions"]),
        (&json!("embedding"), &json!(3_072))
    );
    let chat = of("gpt-4o-mini");
    assert_eq!((&chat["kind"], &chat["dimensions"]), (&json!("chat"), &Value::Null));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_not_configured_is_told() {
    let app = TestApp::on_sqlite(&[("CAPE_SANDBOX__ENABLED", "false")]).await;
    let (_, program) = app.program("ada").await;
    for model in [OPENAI, GEMINI] {
        embed(&program, &asking(model, json!("hello"))).await.error(503, "integration_disabled");
    }
    app.finish().await;
}
