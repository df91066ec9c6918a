//! Calls under a workspace's own key: who pays for what, and what is told of a key that is bad.
use std::fs;

use serde_json::json;

use super::{BAD, GOOD, MODEL, made_under, remove, store};
use crate::app::{
    Place, TestApp,
    caller::{Credits, micros, saying, send},
    eventually,
};

const WELCOME: i64 = 100_000_000;

/// Calls are asked for again and again until something is known: limits would stand in the way.
const UNLIMITED: (&str, &str) = ("CAPE_USAGE__LIMITS", "off");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mark_up_alone_is_charged_and_records_receipts_and_tables_say_whose_key_it_was() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let mut asked = saying(MODEL, "hello there");
    asked["max_tokens"] = 5.into();
    let full = program.chat(&asked).await;
    let full = ada.record(full.header("x-cape-call-id").expect("a call")).await;
    assert_eq!((&full["credential"], &full["credential_id"]), (&json!("platform"), &json!(null)));
    let spent = micros(&full["charge"]);

    let id = store(&ada, "openai", GOOD).await.with(200)["id"].clone();
    eventually("it is used", async || made_under(&ada, &program).await == "workspace").await;
    let before = ada.credits().await;
    let own = program.chat(&asked).await;
    own.with(200);
    let own = ada.record(own.header("x-cape-call-id").expect("a call")).await;
    assert_eq!((&own["credential"], &own["credential_id"]), (&json!("workspace"), &id));
    assert_eq!((&own["tokens"], &own["price_version"]), (&full["tokens"], &full["price_version"]));
    assert_eq!(own["cost_usd"], "0.000000000000");
    // Cost and a fifth was charged before, a fifth is now.
    assert_eq!(micros(&own["charge"]), (spent + 5) / 6, "{spent}");
    assert_eq!(ada.credits().await, Credits::free(before.balance - micros(&own["charge"])));
    // What it was computed by is told as before.
    assert_eq!(own["unit_prices_usd"], full["unit_prices_usd"]);
    assert!(own["unit_prices_usd"].is_object(), "{own}");

    let explained = send(program.request("POST", "/v1/explain").json(&asked)).await.with(200);
    assert_eq!(explained["models"][0]["credential"], "workspace", "{explained}");
    let table = ada.get("/api/usage/records?format=csv").await;
    let lines: Vec<&str> = table.text.lines().collect();
    assert!(lines[0].ends_with(",credential"), "{}", lines[0]);
    assert!(lines[1].ends_with(",workspace") && table.text.contains(",platform"), "{}", table.text);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_key_is_told_in_each_format_and_nothing_is_asked_or_charged_in_its_place() {
    let app = TestApp::on_sqlite(&[UNLIMITED]).await;
    let (ada, program) = app.program("ada").await;
    let (eve, other) = app.program("eve").await;
    store(&ada, "openai", BAD).await.with(200);
    let code = "provider.credential_refused";
    eventually("it is used", async || made_under(&ada, &program).await == code).await;
    let before = ada.credits().await;
    // More often than a circuit would take of failures.
    for _ in 0..8 {
        let refused = program.say(MODEL, "hello").await;
        let error = refused.error(403, code);
        assert_eq!(refused.header("x-should-retry"), Some("false"));
        let told = "openai does not accept the key that this workspace stored for it";
        assert_eq!(error["message"], told);
    }
    let mut streamed = saying(MODEL, "hello");
    streamed["stream"] = true.into();
    program.chat(&streamed).await.error(403, code);
    let mut message = saying(MODEL, "hello");
    message["max_tokens"] = 5.into();
    let told = send(program.request("POST", "/v1/messages").json(&message)).await;
    let told = told.anthropic_error(403, "permission_error");
    assert!(told.ends_with("(provider.credential_refused)"), "{told}");
    let embedding = json!({ "model": "text-embedding-3-small", "input": "hello" });
    send(program.request("POST", "/v1/embeddings").json(&embedding)).await.error(403, code);
    assert_eq!(ada.credits().await, before);
    let newest = ada.get("/api/usage/records?limit=1").await.with(200)["data"][0].clone();
    assert_eq!((&newest["state"], &newest["failure"]), (&json!("failed"), &json!("credentials")));
    assert_eq!(newest["credential"], "workspace");

    // Other providers, and other workspaces, are as before: no circuit is open for them.
    program.say("claude-3-haiku", "hello").await.with(200);
    assert_eq!(made_under(&eve, &other).await, "platform");
    assert_eq!(remove(&ada, "openai").await.status, 204);
    eventually("it is not used", async || made_under(&ada, &program).await == "platform").await;
    app.finish().await;
}

/// A model of a provider that the platform has no key for.
const PRICES: &str = r#"
[[models]]
id = "groq-small"
provider = "groq"
upstream = "gpt-4o-mini"
class = "small"
context_window = 131_072
output_cap = 8_192
released = 2026-01-01

[[models.prices]]
version = "groq-1"
effective = 2026-01-01
input = "0.50"
cached_input = "0.50"
cache_write = "0.50"
output = "1.00"
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_opens_a_provider_to_its_workspace_that_the_platform_has_no_key_for() {
    let vendors = TestApp::on_sqlite(&[]).await;
    let place = Place::sqlite().await;
    let prices = place.file("prices.toml");
    fs::write(&prices, PRICES).expect("a price book");
    let app = TestApp::at(
        place,
        &[
            UNLIMITED,
            ("CAPE_USAGE__MORE_PRICES", &prices.to_string_lossy()),
            ("CAPE_USAGE__PROVIDERS__GROQ__BASE_URL", &format!("{}/openai/v1", vendors.sandbox())),
            ("CAPE_USAGE__PROVIDERS__GROQ__REQUIRES_KEY", "true"),
        ],
    )
    .await;
    let (ada, program) = app.program("ada").await;
    let (eve, other) = app.program("eve").await;
    let ready = app.http.get("/healthz/ready").await.with(200);
    assert_eq!(ready["integrations"]["groq"], "disabled", "{ready}");
    for program in [&program, &other] {
        program.say("groq-small", "hello").await.error(503, "integration_disabled");
    }
    store(&ada, "groq", GOOD).await.with(200);
    eventually("it is used", async || program.say("groq-small", "hello").await.status == 200).await;
    let told = program.stream(&saying("groq-small", "hello")).await.rest().await;
    assert!(told.done, "{told:?}");
    let listed = program.models().await.with(200);
    assert!(listed["data"].to_string().contains("groq-small"), "{listed}");
    let newest = ada.get("/api/usage/records?limit=1").await.with(200)["data"][0].clone();
    assert_eq!((&newest["provider"], &newest["credential"]), (&json!("groq"), &json!("workspace")));

    other.say("groq-small", "hello").await.error(503, "integration_disabled");
    assert!(!other.models().await.with(200)["data"].to_string().contains("groq-small"));
    assert_eq!(eve.credits().await, Credits::free(WELCOME));
    app.finish().await;
    vendors.finish().await;
}
