//! Providers that fail: the hold is released, and what was not produced is not paid for.
use serde_json::{Value, json};

use crate::app::{
    TestApp,
    caller::{Credits, Person, micros, saying},
};

const MODELS: [&str; 3] = ["gpt-4o-mini", "claude-3-haiku", "gemini-1.5-flash"];
const WELCOME: i64 = 100_000_000;

async fn newest(person: &Person) -> Value {
    person.get("/api/usage/records?limit=1").await.with(200)["data"][0].clone()
}

/// The last call came to nothing, for this reason, and it counts nowhere.
async fn came_to_nothing(person: &Person, model: &str, failure: &str) {
    let record = newest(person).await;
    assert_eq!((&record["model"], &record["state"]), (&json!(model), &json!("failed")));
    assert_eq!((&record["failure"], &record["charge"]), (&json!(failure), &json!("0.000000")));
    assert_eq!(person.credits().await, Credits::free(WELCOME), "{model} {failure}");
    assert_eq!(person.get("/api/usage/quota").await.with(200)["used"], 0);
}

/// Whatever the failures before, each call is sent to the provider, and not again.
const ASKED_ALWAYS_AND_ONCE: [(&str, &str); 2] =
    [("CAPE_USAGE__ATTEMPTS", "1"), ("CAPE_USAGE__CIRCUIT_FAILURES", "0")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_answers_an_error_costs_nothing() {
    let app = TestApp::on_sqlite(&ASKED_ALWAYS_AND_ONCE).await;
    let (ada, program) = app.program("ada").await;
    for model in MODELS {
        for (directive, status, code, failure) in [
            ("status=400", 400, "provider_rejected", "rejected"),
            ("status=401", 502, "provider_credentials", "credentials"),
            ("status=403", 502, "provider_credentials", "credentials"),
            ("status=429, retry_after=2", 503, "provider_rate_limited", "rate_limited"),
            ("status=500", 502, "provider_unavailable", "unavailable"),
            ("status=503", 502, "provider_unavailable", "unavailable"),
        ] {
            for streamed in [false, true] {
                let mut asked = saying(model, &format!("hello [[sandbox: {directive}]]"));
                asked["stream"] = streamed.into();
                let refused = program.chat(&asked).await;
                let error = refused.error(status, code);
                assert!(!refused.text.contains("sk-"), "{}", refused.text);
                let retry_after = (failure == "rate_limited").then_some("2");
                assert_eq!(refused.header("retry-after"), retry_after, "{model} {error}");
                came_to_nothing(&ada, model, failure).await;
            }
        }
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_does_not_answer_in_time_costs_nothing() {
    let app = TestApp::on_sqlite(&[
        ("CAPE_USAGE__OPENAI__ANSWER_TIMEOUT", "200ms"),
        ("CAPE_USAGE__OPENAI__FIRST_BYTE_TIMEOUT", "200ms"),
        ("CAPE_USAGE__ANTHROPIC__ANSWER_TIMEOUT", "200ms"),
        ("CAPE_USAGE__ANTHROPIC__FIRST_BYTE_TIMEOUT", "200ms"),
        ("CAPE_USAGE__GEMINI__ANSWER_TIMEOUT", "200ms"),
        ("CAPE_USAGE__GEMINI__FIRST_BYTE_TIMEOUT", "200ms"),
    ])
    .await;
    let (ada, program) = app.program("ada").await;
    for model in MODELS {
        for streamed in [false, true] {
            let mut asked = saying(model, "hello [[sandbox: latency=60s]]");
            asked["stream"] = streamed.into();
            program.chat(&asked).await.error(504, "provider_timeout");
            came_to_nothing(&ada, model, "timeout").await;
        }
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_breaks_off_is_paid_for_what_it_produced() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    for model in MODELS {
        let asked = saying(model, "hello [[sandbox: cut_after=3]]");
        program.chat(&asked).await.error(502, "provider_unavailable");
        came_to_nothing(&ada, model, "unavailable").await;
        let asked = saying(model, "hello [[sandbox: cut_after=0]]");
        let told = program.stream(&asked).await.rest().await;
        assert_eq!((told.text().as_str(), told.done), ("", false));
        came_to_nothing(&ada, model, "unavailable").await;
    }
    let mut balance = WELCOME;
    for (model, tokens, estimated, charge) in [
        // Not told: 30 bytes and 2 in, 9 bytes out. 120 x (10 x 0.15 + 3 x 0.60)
        (MODELS[0], (10, 3), true, 396),
        // 120 x (10 x 0.25 + 3 x 1.25)
        (MODELS[1], (10, 3), true, 750),
        // Told with every piece: 3 words and 3 in, 3 out. 120 x (6 x 0.075 + 3 x 0.30)
        (MODELS[2], (6, 3), false, 162),
    ] {
        let stream = program.stream(&saying(model, "hello [[sandbox: cut_after=3]]")).await;
        let call = stream.call.clone();
        let told = stream.rest().await;
        assert_eq!((told.text().as_str(), told.done), ("This is a", false));
        let error = &told.events.last().expect("an event")["error"];
        assert_eq!(
            (&error["code"], &error["type"]),
            (&json!("provider_unavailable"), &json!("server_error"))
        );
        let record = ada.record(&call).await;
        assert_eq!(
            (&record["state"], &record["estimated"]),
            (&json!("settled"), &json!(estimated))
        );
        let count = |field: &str| record["tokens"][field].as_u64().expect("a count");
        assert_eq!((count("input"), count("output")), tokens, "{model}");
        assert_eq!(micros(&record["charge"]), charge, "{model}");
        balance -= charge;
        assert_eq!(ada.credits().await, Credits::free(balance));
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_falls_silent_is_paid_for_what_it_produced() {
    let app = TestApp::on_sqlite(&[("CAPE_USAGE__OPENAI__IDLE_TIMEOUT", "1500ms")]).await;
    let (ada, program) = app.program("ada").await;
    let stream = program.stream(&saying(MODELS[0], "hello [[sandbox: chunk_delay=60s]]")).await;
    let call = stream.call.clone();
    let told = stream.rest().await;
    assert_eq!((told.text().as_str(), told.done), ("This", false));
    assert_eq!(told.events.last().expect("an event")["error"]["code"], "provider_timeout");
    let record = ada.record(&call).await;
    // 34 bytes and 2 in, 4 bytes out. 120 x (11 x 0.15 + 1 x 0.60)
    assert_eq!((&record["state"], &record["charge"]), (&json!("settled"), &json!("0.000270")));
    assert_eq!(ada.credits().await, Credits::free(WELCOME - 270));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_configured_is_told_and_everything_else_works() {
    let app = TestApp::on_sqlite(&[("CAPE_SANDBOX__ENABLED", "false")]).await;
    let (ada, program) = app.program("ada").await;
    let body = json!({ "pack": "small" });
    let refused = ada.post("/api/payment/credits/purchase", &body).await;
    refused.problem(503, "integration_disabled");
    for model in MODELS {
        program.say(model, "hello").await.error(503, "integration_disabled");
    }
    assert_eq!(program.models().await.with(200)["data"], json!([]));
    let ready = app.http.get("/healthz/ready").await.with(200);
    let none = json!({ "anthropic": "disabled", "gemini": "disabled", "mail": "disabled", "openai": "disabled", "stripe": "disabled" });
    assert_eq!(ready["integrations"], none);
    assert_eq!(ada.credits().await, Credits::free(WELCOME));
    app.finish().await;
}
