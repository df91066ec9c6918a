//! `/api/admin/models`: what operators say of models and of what they cost, in every process within a
//! second.
use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

use crate::{
    app::{
        Answer, Place, TestApp,
        caller::{Http, Person, Program, micros, send},
        eventually, on_both_databases,
    },
    kill::program::Program as Process,
};

/// It is asked again and again until something is known: limits would stand in the way.
const UNLIMITED: [(&str, &str); 1] = [("CAPE_USAGE__LIMITS", "off")];

const NEW: &str = "house-model";

on_both_databases!(
    a_model_is_described_priced_called_and_retired,
    what_is_not_acceptable_is_told_and_leaves_nothing_behind,
);

fn description() -> Value {
    json!({
        "provider": "openai", "upstream": "gpt-4o-mini", "class": "small",
        "aliases": ["ours"], "context_window": 128_000, "output_cap": 16_384,
    })
}

fn priced(version: &str, input: &str, output: &str) -> Value {
    let price = json!({
        "kind": "priced", "input_per_million": input, "output_per_million": output,
    });
    json!({ "version": version, "price": price })
}

async fn describe(operator: &Person, id: &str, body: &Value) -> Answer {
    send(operator.request("PUT", &format!("/api/admin/models/{id}")).json(body)).await
}

async fn price(operator: &Person, id: &str, body: &Value) -> Answer {
    send(operator.request("POST", &format!("/api/admin/models/{id}/prices")).json(body)).await
}

/// By which version a call would be charged now.
async fn version(program: &Program, model: &str) -> Option<String> {
    let asked = json!({ "model": model, "messages": [{ "role": "user", "content": "hello" }] });
    let explained = send(program.request("POST", "/v1/explain").json(&asked)).await.with(200);
    explained["models"][0]["price_version"].as_str().map(str::to_owned)
}

async fn is_called_by(program: &Program, model: &str, expected: &str) {
    eventually("it is priced so", async || {
        version(program, model).await.as_deref() == Some(expected)
    })
    .await;
}

async fn a_model_is_described_priced_called_and_retired(place: Arc<Place>) {
    let app = TestApp::at(place, &UNLIMITED).await;
    let (ada, program) = app.program("ada").await;
    let operator = app.operator("grace").await;
    let shipped = operator.get("/api/admin/models").await.with(200)["data"].clone();
    let first = &shipped[0];
    assert_eq!((&first["id"], &first["shipped"]), (&json!("gpt-4o-mini"), &json!(true)));
    let usual = &first["prices"][0]["tiers"][0]["usd"];
    assert_eq!(usual["input_per_million"], "0.150000");

    let said = describe(&operator, NEW, &description()).await.with(200);
    assert_eq!((&said["kind"], &said["prices"][0]["kind"]), (&json!("chat"), &json!("unknown")));
    eventually("it is known", async || program.say(NEW, "hello").await.status != 404).await;
    assert_ne!(program.say(NEW, "hello").await.status, 200, "no price, no call");

    price(&operator, NEW, &priced("v1", "1.00", "2.00")).await.with(201);
    is_called_by(&program, "ours", "v1").await;
    let answer = program.say("ours", "hello").await;
    answer.with(200);
    let record = ada.record(answer.header("x-cape-call-id").expect("a call")).await;
    // 4 tokens in, 20 out, and a fifth on top.
    assert_eq!((&record["price_version"], micros(&record["charge"])), (&json!("v1"), 5_280));
    assert_eq!(record["model"], NEW);

    let free = json!({ "version": "gratis", "price": { "kind": "free" } });
    price(&operator, NEW, &free).await.with(201);
    is_called_by(&program, NEW, "gratis").await;
    let answer = program.say(NEW, "hello").await;
    answer.with(200);
    let record = ada.record(answer.header("x-cape-call-id").expect("a call")).await;
    assert_eq!(micros(&record["charge"]), 0);

    // What is shipped is overlaid: its price, and whether it is there at all.
    price(&operator, "gpt-4o-mini", &priced("ours-1", "9", "9.5")).await.with(201);
    is_called_by(&program, "gpt-4o-mini", "ours-1").await;
    for id in [NEW, "gpt-4o-mini"] {
        let path = format!("/api/admin/models/{id}");
        assert_eq!(operator.delete(&path).await.status, 204);
        operator.delete(&path).await.problem(404, "model.not_found");
        eventually("it is gone", async || program.say(id, "hello").await.status == 404).await;
        let listed = program.models().await.with(200)["data"].to_string();
        assert!(!listed.contains(&format!("\"{id}\"")), "{listed}");
    }
    let told = program.say("fast", "hello").await;
    told.with(200);
    assert_eq!(told.header("x-cape-model"), Some("gemini-2.5-flash"), "the next one of its route");
    let listed = operator.get("/api/admin/models").await.with(200)["data"].clone();
    assert_eq!(listed.as_array().map(Vec::len), shipped.as_array().map(|all| all.len() + 1));
    assert!(listed[0]["retired_at"].is_string(), "{}", listed[0]);
    let path = format!("/api/usage/records/{}", record["id"].as_str().expect("an id"));
    ada.get(&path).await.with(200);
    let entered = "SELECT count(*) FROM audit_entries WHERE action LIKE 'model.%'";
    assert_eq!(app.place.count(entered).await, 6);
    app.finish().await;
}

#[expect(clippy::disallowed_methods, reason = "the platform under test runs by the same clock")]
async fn what_is_not_acceptable_is_told_and_leaves_nothing_behind(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, _) = app.program("ada").await;
    let operator = app.operator("grace").await;
    let with = |field: &str, value: Value| {
        let mut body = description();
        body[field] = value;
        body
    };
    for (body, code) in [
        (with("provider", json!("nobody")), "model.unknown_provider"),
        (with("aliases", json!(["fast"])), "model.invalid"),
        (with("aliases", json!(["a b"])), "model.invalid"),
        (with("output_cap", json!(128_001)), "model.invalid"),
        (with("context_window", json!(0)), "model.invalid"),
        (with("output_cap", Value::Null), "model.invalid"),
    ] {
        describe(&operator, NEW, &body).await.problem(422, code);
    }
    for (field, value) in
        [("provider", json!("Open AI")), ("class", json!("tiny")), ("kind", json!("image"))]
    {
        describe(&operator, NEW, &with(field, value)).await.blames(field);
    }
    let known = "gpt-4o-mini";
    let dated = |days: i64| {
        let mut body = priced("v2", "1", "1");
        body["effective_at"] = json!(Utc::now() + TimeDelta::days(days));
        body
    };
    price(&operator, known, &dated(-1)).await.problem(422, "price.backdated");
    price(&operator, known, &priced("2024-10-01", "1", "1"))
        .await
        .problem(422, "price.version_taken");
    price(&operator, known, &priced("v2", "0", "0")).await.problem(422, "price.invalid");
    price(&operator, known, &priced("v 2", "1", "1")).await.problem(422, "price.invalid");
    for wrong in ["-0.15", "0.1500001", "1e3", "", "free"] {
        let refused = price(&operator, known, &priced("v2", wrong, "1")).await;
        refused.blames("price.input_per_million");
    }
    price(&operator, "nothing", &priced("v1", "1", "1")).await.problem(404, "model.not_found");
    let odd = json!({ "version": "v", "price": { "kind": "free", "input_per_million": "1" } });
    price(&operator, known, &odd).await.problem(400, "request.wrong_shape");
    let set = dated(1);
    price(&operator, known, &set).await.with(201);
    let mut same = set.clone();
    same["version"] = json!("v3");
    price(&operator, known, &same).await.problem(422, "price.overlapping");

    // Who operates nothing says nothing, however well it is meant.
    let path = format!("/api/admin/models/{NEW}");
    ada.get("/api/admin/models").await.problem(403, "access.forbidden");
    describe(&ada, NEW, &description()).await.problem(403, "access.forbidden");
    price(&ada, known, &priced("v4", "1", "1")).await.problem(403, "access.forbidden");
    ada.delete(&path).await.problem(403, "access.forbidden");
    assert_eq!(app.place.count("SELECT count(*) FROM model_prices").await, 1);
    assert_eq!(app.place.count("SELECT count(*) FROM model_entries").await, 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_in_one_process_holds_in_another_within_a_second() {
    let Some(place) = Place::postgres().await else { return };
    let here = TestApp::at(place, &UNLIMITED).await;
    let there = Process::with(&here.place, &[("CAPE_SANDBOX__URL", here.sandbox())]);
    let (_, program) = here.program("ada").await;
    let operator = here.operator("grace").await;
    let operator = Person { http: Http::to(there.url().to_owned()), ..operator };
    describe(&operator, NEW, &description()).await.with(200);
    for (name, input) in [("v1", "1"), ("v2", "2"), ("v3", "3")] {
        let said = std::time::Instant::now();
        price(&operator, NEW, &priced(name, input, "1")).await.with(201);
        is_called_by(&program, NEW, name).await;
        // Half of it is the poll; a machine that is busy takes its time to ask.
        assert!(said.elapsed() < std::time::Duration::from_secs(2), "{:?}", said.elapsed());
    }
    assert_eq!(operator.delete(&format!("/api/admin/models/{NEW}")).await.status, 204);
    eventually("it is gone", async || program.say(NEW, "hello").await.status == 404).await;
    there.stop();
    here.finish().await;
}
