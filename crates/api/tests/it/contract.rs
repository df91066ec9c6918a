//! What is promised to those who read about the platform, and to those who watch it.
use std::{fs, path::Path};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::app::{
    Place, TestApp, config,
    place::redis_url,
    webhook::{SECRET, now, post, sign},
};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn the_contract_is_written_down_as_it_is_served() {
    let path = root().join("openapi/openapi.json");
    let committed = fs::read_to_string(path).expect("openapi/openapi.json");
    let document = cape_http::openapi::document().to_pretty_json().expect("JSON");
    assert!(committed.trim_end() == document, "it has changed: `just openapi` writes it anew");
}

#[test]
fn every_operation_has_a_name_a_place_and_an_answer_for_everything() {
    let document = cape_http::openapi::document().to_json().expect("JSON");
    let document: Value = serde_json::from_str(&document).expect("JSON");
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")));
    let tags: Vec<_> =
        document["tags"].as_array().expect("tags").iter().map(|it| &it["name"]).collect();
    let mut names = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            let place = format!("{method} {path}");
            names.push(operation["operationId"].as_str().expect(&place).to_owned());
            let tagged = operation["tags"].as_array().expect(&place);
            assert!(tagged.len() == 1 && tags.contains(&&tagged[0]), "{place}");
            assert!(operation["summary"].is_string(), "{place}");
            let responses = operation["responses"].as_object().expect(&place);
            let content = responses["default"]["content"].as_object().expect(&place);
            let (kind, schema) = if path.starts_with("/v1beta") || path.contains(':') {
                ("application/json", "#/components/schemas/GoogleError")
            } else if path.starts_with("/v1/messages") {
                ("application/json", "#/components/schemas/AnthropicError")
            } else if path.starts_with("/v1/") {
                ("application/json", "#/components/schemas/GatewayError")
            } else {
                ("application/problem+json", "#/components/schemas/Problem")
            };
            assert_eq!(content[kind]["schema"]["$ref"], schema, "{place}");
        }
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "two operations have one name");
}

#[test]
fn every_schema_that_is_referred_to_is_there() {
    let document = cape_http::openapi::document().to_json().expect("JSON");
    let schemas: Value = serde_json::from_str(&document).expect("JSON");
    let schemas = schemas["components"]["schemas"].as_object().expect("schemas");
    for reference in document.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().expect("a name");
        assert!(schemas.contains_key(name), "{name}");
    }
}

#[test]
fn the_bundle_of_redoc_is_the_one_that_is_written_down() {
    let assets = root().join("crates/http/assets");
    let bundle = fs::read(assets.join("redoc.standalone.js")).expect("the bundle");
    let checksum = hex::encode(Sha256::digest(bundle));
    let noted = fs::read_to_string(assets.join("README.md")).expect("README.md");
    let row = noted.lines().find(|line| line.contains("redoc.standalone.js")).expect("a row");
    assert!(row.contains(&checksum), "{checksum} is not in: {row}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_are_served_whole_and_load_nothing_from_elsewhere() {
    let app = TestApp::on_sqlite(&[]).await;
    let served = app.http.get("/openapi.json").await.with(200);
    let document = cape_http::openapi::document().to_json().expect("JSON");
    assert_eq!(served, serde_json::from_str::<Value>(&document).expect("JSON"));
    for page in ["/docs/", "/redoc"] {
        let answer = app.http.get(page).await;
        assert_eq!(answer.status, 200, "{page}");
        assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")));
        let loads = answer.text.split(" src=\"").chain(answer.text.split(" href=\"")).skip(1);
        assert!(loads.clone().all(|it| !it.starts_with("http") && !it.starts_with("//")), "{page}");
        assert!(answer.header("content-security-policy").is_some_and(|it| it.contains("'self'")));
    }
    let script = app.http.get("/redoc.standalone.js").await;
    assert!(script.status == 200 && script.text.len() > 500_000);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_tells_what_it_is_and_how_it_is() {
    for (place, database) in
        [(Some(Place::sqlite().await), "sqlite"), (Place::postgres().await, "postgres")]
    {
        let Some(place) = place else { continue };
        let app = TestApp::at(place, &[]).await;
        let version = env!("CARGO_PKG_VERSION");
        let health = app.http.get("/api/health").await.with(200);
        assert_eq!(
            health,
            json!({ "status": "healthy", "version": version, "environment": "local", "database_connected": true })
        );
        assert_eq!(app.http.get("/api/version").await.with(200), json!({ "version": version }));
        let info = app.http.get("/info").await.with(200);
        assert_eq!((&info["service"], &info["database"]), (&json!("cape-api"), &json!(database)));
        let sandboxed = json!({ "anthropic": "sandbox", "gemini": "sandbox", "mail": "sandbox", "openai": "sandbox", "stripe": "sandbox" });
        assert_eq!(info["integrations"], sandboxed);
        for (path, status) in
            [("", "healthy"), ("/db", "healthy"), ("/vault", "healthy"), ("/redis", "disabled")]
        {
            let check = app.http.get(&format!("/healthz{path}")).await.with(200);
            assert_eq!(check, json!({ "status": status }), "{path}");
        }
        let ready = app.http.get("/healthz/ready").await.with(200);
        let checks = json!({ "control_feed": "healthy", "database": "healthy", "redis": "disabled", "vault": "healthy" });
        assert_eq!(
            ready,
            json!({ "status": "ready", "checks": checks, "integrations": sandboxed })
        );
        let keys = app.http.get("/.well-known/jwks.json").await.with(200);
        assert_eq!(
            (&keys["keys"][0]["kty"], &keys["keys"][0]["crv"]),
            (&json!("OKP"), &json!("Ed25519"))
        );
        assert!(keys["keys"][0].get("d").is_none(), "the private part stays here");
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_configured_is_asked() {
    if let Some(url) = redis_url() {
        let app = TestApp::on_sqlite(&[("REDIS_URL", &url)]).await;
        let check = app.http.get("/healthz/redis").await.with(200);
        assert_eq!(check, json!({ "status": "healthy" }));
        app.http.get("/healthz/ready").await.with(200);
        app.finish().await;
    }
    // Nobody listens at port 1.
    let app = TestApp::on_sqlite(&[("REDIS_URL", "redis://127.0.0.1:1")]).await;
    let check = app.http.get("/healthz/redis").await.with(503);
    assert_eq!(check, json!({ "status": "unhealthy" }));
    let ready = app.http.get("/healthz/ready").await.with(503);
    assert_eq!(
        (&ready["status"], &ready["checks"]["redis"]),
        (&json!("not_ready"), &json!("unhealthy"))
    );
    app.http.get("/healthz").await.with(200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_is_counted_and_nothing_that_tells_of_somebody() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let answer = program.say("gpt-4o-mini", "hello").await;
    let call = answer.header("x-cape-call-id").expect("a call").to_owned();
    ada.record(&call).await;
    app.http.refresh(&ada.refresh).await.with(200);
    let event = r#"{"id":"evt_1","type":"x","data":{"object":{"id":"x"}}}"#;
    post(&app.http, event, Some(&sign(SECRET, now(), event))).await.with(200);
    app.jobs_are_done().await;
    let page = app.http.get("/metrics").await;
    assert_eq!(page.header("content-type"), Some("text/plain; version=0.0.4"));
    for name in [
        "cape_http_request_seconds_bucket{",
        "cape_calls_total{",
        "cape_call_own_seconds_bucket{",
        "cape_call_provider_seconds_bucket{",
        "cape_charged_micro_credits_total{",
        "cape_ledger_transactions_total{",
        "cape_refresh_verdicts_total{",
        "cape_webhooks_total{",
        "cape_webhooks_handled_total{",
        "cape_jobs_total{",
        "cape_jobs_waiting ",
        "cape_jobs_dead ",
        "route=\"/api/usage/records/{id}\"",
    ] {
        assert!(page.text.contains(name), "{name}");
    }
    for told in [call.as_str(), "ada@example.com", "hello", &program.key, &ada.access] {
        assert!(!page.text.contains(told), "{told}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_verified_before_its_owner_signs_in_where_that_is_asked_for() {
    let app = TestApp::on_sqlite(&[("CAPE_ACCOUNTS__VERIFIED_ONLY", "true")]).await;
    app.http.register("ada@example.com").await.with(201);
    app.http.login("ada@example.com").await.problem(403, "auth.email_not_verified");
    let email = "ada@example.com".parse().expect("an address");
    app.instance.platform.services.verification.vouch(&email).await.expect("verified");
    let signed_in = app.http.login("ada@example.com").await.with(200);
    assert_eq!(signed_in["user"]["is_verified"], true);
    app.finish().await;
}

#[test]
fn the_configuration_of_a_test_is_one_that_nobody_else_has() {
    let place = tokio::runtime::Runtime::new().expect("a runtime").block_on(Place::sqlite());
    let effective = config(&place, &[]).masked();
    assert!(effective.contains("port = 0") && !effective.contains("data/"), "{effective}");
}
