//! Making keys, replacing them, and seeing when they were used.
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{is_locked_out, program, program_of};
use crate::app::{
    Answer, Place, TestApp,
    caller::{Person, Program},
    on_both_databases,
    webhook::now,
};

on_both_databases!(
    a_key_is_shown_as_it_was_made_but_without_its_secret,
    a_key_that_is_replaced_at_once_dies_and_one_with_an_overlap_runs_out,
);

async fn rotate(person: &Person, id: &str, body: &Value) -> Answer {
    person.post(&format!("/api/keys/{id}/rotate"), body).await
}

/// A key as it is listed, if it is.
async fn listed(person: &Person, program: &Program) -> Option<Value> {
    let all = person.get("/api/keys").await.with(200);
    all["data"].as_array().expect("keys").iter().find(|key| key["id"] == program.id).cloned()
}

/// When a key expires, in seconds since 1970.
fn expiry(key: &Value) -> Option<i64> {
    let text = key["expires_at"].as_str()?;
    Some(text.parse::<DateTime<Utc>>().expect("a time").timestamp())
}

async fn a_key_is_shown_as_it_was_made_but_without_its_secret(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.person("ada").await;
    let rules = json!({
        "scopes": ["chat", "models"],
        "expires_at": "2100-01-02T03:04:05.678901Z",
        "allowed_models": ["gpt-4o-mini"],
        "allowed_addresses": ["127.0.0.0/8", "::1/128"],
        "spending_cap": "250.500000",
        "ends_with_password": true,
    });
    let mut body = rules.clone();
    body["name"] = json!("limited");
    let made = ada.post("/api/keys", &body).await.with(201);
    for (field, value) in rules.as_object().expect("rules") {
        assert_eq!(made[field], *value, "{field}");
    }
    let program = program_of(&ada, &made);
    let mut shown = made.clone();
    shown.as_object_mut().expect("a key").remove("key");
    assert_eq!(listed(&ada, &program).await, Some(shown));
    let prefix = made["prefix"].as_str().expect("a prefix");
    assert!(program.key.starts_with(prefix), "{prefix}");
    program.models().await.with(200);

    let plain = ada.post("/api/keys", &json!({ "name": "plain" })).await.with(201);
    assert_eq!(plain["scopes"], json!(["chat", "models"]));
    assert_eq!(plain["allowed_models"], json!([]));
    assert_eq!(plain["allowed_addresses"], json!([]));
    assert_eq!(plain["ends_with_password"], false);
    for nothing in ["expires_at", "spending_cap", "last_used_at"] {
        assert_eq!(plain[nothing], Value::Null, "{nothing}");
    }
    app.finish().await;
}

async fn a_key_that_is_replaced_at_once_dies_and_one_with_an_overlap_runs_out(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let body = json!({ "name": "first", "scopes": ["models"], "spending_cap": "5" });
    let first = program(&ada, &body).await;
    rotate(&bob, &first.id, &json!({})).await.problem(404, "api_key.not_found");
    rotate(&ada, "x", &json!({})).await.problem(404, "path.invalid_id");
    rotate(&ada, &first.id, &json!({ "overlap_hours": 169 })).await.blames("overlap_hours");

    let before = now();
    let made = rotate(&ada, &first.id, &json!({ "overlap_hours": 24 })).await.with(201);
    let second = program_of(&ada, &made);
    assert_eq!((&made["name"], &made["scopes"]), (&json!("first"), &json!(["models"])));
    assert_eq!((&made["spending_cap"], &made["expires_at"]), (&json!("5.000000"), &Value::Null));
    first.models().await.with(200);
    second.models().await.with(200);
    let until = expiry(&listed(&ada, &first).await.expect("it is good")).expect("an end");
    assert!((before + 86_400..=now() + 86_400).contains(&until), "{until}");

    let made = rotate(&ada, &second.id, &json!({ "overlap_hours": 0 })).await.with(201);
    is_locked_out(&second).await;
    let ended = expiry(&listed(&ada, &second).await.expect("nobody took it back"));
    assert!(ended.is_some_and(|ended| ended <= now()), "{ended:?}");
    rotate(&ada, &second.id, &json!({})).await.problem(404, "api_key.not_found");
    program_of(&ada, &made).models().await.with(200);
    first.models().await.with(200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_was_used_says_when() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    assert_eq!(listed(&ada, &program).await.expect("a key")["last_used_at"], Value::Null);
    let before = now();
    program.models().await.with(200);
    // It is written down every ten seconds.
    app.instance.platform.keys.write_uses().await.expect("written");
    let used = listed(&ada, &program).await.expect("a key")["last_used_at"].clone();
    let used: DateTime<Utc> = used.as_str().expect("a time").parse().expect("a time");
    assert!((before..=now()).contains(&used.timestamp()), "{used}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_key_is_told_by_field() {
    let app = TestApp::on_sqlite(&[]).await;
    let ada = app.person("ada").await;
    let many = |text: &str| json!(vec![text; 101]);
    for (field, value) in [
        ("name", json!(" ")),
        ("name", json!("x".repeat(101))),
        ("scopes", json!([])),
        ("scopes", json!(["chat", "billing"])),
        ("scopes", many("chat")),
        ("allowed_models", json!([""])),
        ("allowed_models", many("gpt-4o-mini")),
        ("allowed_addresses", json!(["10.0.0.0/33"])),
        ("allowed_addresses", json!(["localhost"])),
        ("allowed_addresses", many("10.0.0.1")),
        ("spending_cap", json!("0")),
        ("spending_cap", json!("-1")),
        ("spending_cap", json!("1e3")),
        ("spending_cap", json!("0.0000001")),
        ("spending_cap", json!("99999999999999999999")),
    ] {
        let mut body = json!({ "name": "test" });
        body[field] = value;
        ada.post("/api/keys", &body).await.blames(field);
    }
    let over = json!({ "name": "test", "expires_at": "2020-01-01T00:00:00Z" });
    ada.post("/api/keys", &over).await.blames("expires_at");
    for wrong in [
        json!({}),
        json!({ "name": "test", "expires_at": "tomorrow" }),
        json!({ "name": "test", "spending_cap": 5 }),
        json!({ "name": "test", "role": "owner" }),
    ] {
        ada.post("/api/keys", &wrong).await.problem(400, "request.wrong_shape");
    }
    assert_eq!(ada.get("/api/keys").await.with(200)["data"], json!([]));
    app.finish().await;
}
