//! What models of such providers answer, over HTTP. They are asked at the sandbox, which speaks as
//! OpenAI does.
use std::{fs, sync::Arc};

use serde_json::json;

use crate::app::{
    Place, TestApp,
    caller::{Credits, micros, saying, send},
    config,
};

const WELCOME: i64 = 100_000_000;

/// A model with a price, one that is free, one for vectors, and one of a provider that is not
/// configured.
const PRICES: &str = r#"
[[models]]
id = "groq-small"
aliases = ["quick"]
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

[[models]]
id = "local-free"
provider = "groq"
upstream = "gpt-4o-mini"
class = "small"
context_window = 131_072
output_cap = 8_192
released = 2026-01-01

[[models.prices]]
version = "free"
effective = 2026-01-01
free = true

[[models]]
id = "groq-vectors"
provider = "groq"
upstream = "text-embedding-3-small"
class = "small"
kind = "embedding"
dimensions = 1_536
context_window = 8_192
released = 2026-01-01

[[models.prices]]
version = "groq-1"
effective = 2026-01-01
input = "0.10"

[[models]]
id = "unreachable"
provider = "nowhere"
upstream = "gpt-4o-mini"
class = "small"
context_window = 131_072
output_cap = 8_192
released = 2026-01-01

[[models.prices]]
version = "nowhere-1"
effective = 2026-01-01
input = "0.50"
cached_input = "0.50"
cache_write = "0.50"
output = "1.00"
"#;

/// The vendors, at one platform, and another platform that knows them as `groq`.
async fn given_groq(key: &str) -> (TestApp, TestApp) {
    let vendors = TestApp::on_sqlite(&[]).await;
    let place = Place::sqlite().await;
    let prices = place.file("prices.toml");
    fs::write(&prices, PRICES).expect("a price book");
    let app = TestApp::at(
        place,
        &[
            ("CAPE_USAGE__MORE_PRICES", &prices.to_string_lossy()),
            ("CAPE_USAGE__PROVIDERS__GROQ__BASE_URL", &format!("{}/openai/v1", vendors.sandbox())),
            ("CAPE_USAGE__PROVIDERS__GROQ__API_KEY", key),
            ("CAPE_USAGE__ATTEMPTS", "1"),
        ],
    )
    .await;
    (vendors, app)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configured_provider_answers_in_one_piece_in_many_and_in_vectors() {
    let (vendors, app) = given_groq("sk-groq").await;
    let (ada, program) = app.program("ada").await;
    let mut asked = saying("quick", "hello there");
    asked["max_tokens"] = 5.into();
    let answer = program.chat(&asked).await;
    assert_eq!(answer.with(200)["model"], "quick");
    let record = ada.record(answer.header("x-cape-call-id").expect("a call")).await;
    assert_eq!(record["model"], "groq-small");
    assert_eq!((&record["provider"], &record["price_version"]), (&json!("groq"), &json!("groq-1")));
    // Five words and three in, as the sandbox counts, five out; a fifth more: 120 x (i x 0.5 + 5)
    let input = record["tokens"]["input"].as_i64().expect("a count");
    let first = 60 * input + 600;
    assert_eq!(micros(&record["charge"]), first, "{record}");

    let stream = program.stream(&asked).await;
    let call = stream.call.clone();
    let told = stream.rest().await;
    assert!(told.done && told.text().starts_with("This is a"), "{told:?}");
    assert_eq!(micros(&ada.ended(&call).await["charge"]), first);

    let body = json!({ "model": "groq-vectors", "input": "hello there" });
    let vectors = send(program.request("POST", "/v1/embeddings").json(&body)).await.with(200);
    assert_eq!(vectors["data"][0]["embedding"].as_array().expect("a vector").len(), 1_536);
    // 120 x 2 x 0.10
    assert_eq!(ada.credits().await, Credits::free(WELCOME - 2 * first - 24));

    let free = program.say("local-free", "hello").await;
    assert_eq!(free.with(200)["model"], "local-free");
    let record = ada.record(free.header("x-cape-call-id").expect("a call")).await;
    assert_eq!(record["charge"], "0.000000");
    app.finish().await;
    vendors.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_listed_by_its_name_and_a_provider_that_is_not_configured_is_told() {
    let (vendors, app) = given_groq("sk-groq").await;
    let (ada, program) = app.program("ada").await;
    let ready = app.http.get("/healthz/ready").await.with(200);
    assert_eq!(ready["integrations"]["groq"], "live", "{ready}");
    assert_eq!(ready["integrations"]["openai"], "sandbox", "{ready}");
    let listed = program.models().await.with(200);
    let ids: Vec<&str> = listed["data"]
        .as_array()
        .expect("models")
        .iter()
        .filter_map(|m| m["id"].as_str())
        .collect();
    assert!(ids.contains(&"groq-small") && ids.contains(&"gpt-4o-mini"), "{ids:?}");
    assert!(!ids.contains(&"unreachable"), "{ids:?}");
    program.say("unreachable", "hello").await.error(503, "integration_disabled");
    assert_eq!(ada.credits().await, Credits::free(WELCOME));
    app.finish().await;
    vendors.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_the_provider_refuses_is_told_and_not_shown() {
    let (vendors, app) = given_groq("sk-bad").await;
    let (ada, program) = app.program("ada").await;
    let refused = program.say("groq-small", "hello").await;
    refused.error(502, "provider_credentials");
    assert!(!refused.text.contains("sk-"), "{}", refused.text);
    assert_eq!(ada.credits().await, Credits::free(WELCOME));
    app.finish().await;
    vendors.finish().await;
}

/// Why a platform does not start.
async fn refused(place: &Arc<Place>, prices: &str) -> String {
    let path = place.file("prices.toml");
    fs::write(&path, prices).expect("a price book");
    let config = config(place, &[("CAPE_USAGE__MORE_PRICES", &path.to_string_lossy())]);
    let page = Arc::new(String::new);
    let started =
        cape_api::instance::Instance::start(&config, cape_api::instance::Duty::Serve, page).await;
    format!("{:#}", started.err().expect("a refusal"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prices_that_are_unknown_or_taken_keep_the_platform_from_starting() {
    let place = Place::sqlite().await;
    let without = PRICES.replace("free = true", "");
    for (prices, told) in [
        (without.as_str(), "`local-free`: price `free`"),
        (
            &PRICES.replace(
                "output = \"1.00\"\n\n[[models]]\nid = \"local",
                "\n[[models]]\nid = \"local",
            ),
            "are all needed",
        ),
        (
            &PRICES.replace("\"groq-small\"", "\"gpt-4o-mini\""),
            "two models are called `gpt-4o-mini`",
        ),
        (&PRICES.replace("\"quick\"", "\"gpt-4o-mini\""), "two models are called `gpt-4o-mini`"),
        (
            &PRICES.replace("\"nowhere\"", "\"No Where\""),
            "`No Where` is not the name of a provider",
        ),
        ("prices = 1", "unknown field `prices`"),
    ] {
        let refused = refused(&place, prices).await;
        assert!(refused.starts_with("usage.more_prices: in "), "{refused}");
        assert!(refused.contains(told), "{refused}");
    }
    let absent = place.file("absent.toml");
    let config = config(&place, &[("CAPE_USAGE__MORE_PRICES", &absent.to_string_lossy())]);
    let page = Arc::new(String::new);
    let started =
        cape_api::instance::Instance::start(&config, cape_api::instance::Duty::Serve, page).await;
    let refused = format!("{:#}", started.err().expect("a refusal"));
    assert!(refused.starts_with("usage.more_prices: the price book "), "{refused}");
}
