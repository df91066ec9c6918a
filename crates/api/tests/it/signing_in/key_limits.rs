//! What a key is good for, and for no more.
use std::sync::Arc;

use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{is_locked_out, program};
use crate::app::{
    Place, TestApp,
    caller::{Person, Program, micros, saying, send},
    on_both_databases, soon,
};

on_both_databases!(
    a_key_opens_what_it_is_for_and_nothing_else,
    a_key_never_spends_more_than_its_cap,
);

const MINI: &str = "gpt-4o-mini";
/// What "hello" to it costs: 120 x (4 x 0.15 + 20 x 0.60).
const HELLO: i64 = 1_512;

/// The models that a program sees.
async fn seen(program: &Program) -> Vec<Value> {
    let all = program.models().await.with(200);
    all["data"].as_array().expect("models").iter().map(|model| model["id"].clone()).collect()
}

async fn a_key_opens_what_it_is_for_and_nothing_else(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.person("ada").await;
    let reader = program(&ada, &json!({ "name": "reader", "scopes": ["models"] })).await;
    reader.models().await.with(200);
    reader.say(MINI, "hello").await.error(403, "access.forbidden");
    let talker = program(&ada, &json!({ "name": "talker", "scopes": ["chat"] })).await;
    talker.models().await.error(403, "access.forbidden");
    talker.say(MINI, "hello").await.with(200);

    let narrow = program(&ada, &json!({ "name": "narrow", "allowed_models": [MINI] })).await;
    assert_eq!(seen(&narrow).await, [json!(MINI)]);
    assert!(seen(&reader).await.len() > 1);
    narrow.say(MINI, "hello").await.with(200);
    narrow.say("claude-3-haiku", "hello").await.error(403, "model_not_for_key");
    let narrower = json!({ "name": "none", "allowed_models": ["no-such-model"] });
    assert_eq!(seen(&program(&ada, &narrower).await).await, Vec::<Value>::new());
    assert_eq!(ada.get("/api/usage/summary").await.with(200)["calls"], 2);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_good_until_it_expires() {
    let app = TestApp::on_sqlite(&[]).await;
    let ada = app.person("ada").await;
    let lasting = expiring(&ada, TimeDelta::hours(1)).await;
    lasting.models().await.with(200);
    let brief = expiring(&ada, TimeDelta::seconds(1)).await;
    is_locked_out(&brief).await;
    brief.say(MINI, "hello").await.error(401, "invalid_api_key");
    lasting.models().await.with(200);
    app.finish().await;
}

/// A program whose key is good for so long.
#[expect(clippy::disallowed_methods, reason = "the platform under test runs by the same clock")]
async fn expiring(person: &Person, life: TimeDelta) -> Program {
    let expiry = (Utc::now() + life).to_rfc3339_opts(SecondsFormat::Micros, true);
    program(person, &json!({ "name": "test", "expires_at": expiry })).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_good_from_where_it_may_be_used() {
    let app = TestApp::on_sqlite(&[("CAPE_HTTP__TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let ada = app.person("ada").await;
    let networks = ["203.0.113.0/24", "2001:db8::/48"];
    let at_home = json!({ "name": "at home", "allowed_addresses": networks });
    let at_home = program(&ada, &at_home).await;
    for (forwarded, good) in [
        ("203.0.113.9", true),
        ("2001:db8::7", true),
        ("198.51.100.1, 203.0.113.9", true),
        ("::ffff:203.0.113.9", true),
        ("198.51.100.1", false),
        ("2001:db8:1::7", false),
        // What a caller writes itself stands further left.
        ("203.0.113.9, 198.51.100.1", false),
        ("203.0.113.9, x", false),
        ("", false),
    ] {
        let body = saying(MINI, "hello");
        for request in [
            at_home.request("GET", "/v1/models"),
            at_home.request("POST", "/v1/chat/completions").json(&body),
        ] {
            let answer = send(request.header("x-forwarded-for", forwarded)).await;
            if good {
                assert_eq!(answer.status, 200, "{forwarded}: {}", answer.text);
            } else {
                answer.error(403, "address_not_allowed");
            }
        }
    }
    // Whoever has no good key does not learn where it would be good.
    let stranger = Program { key: format!("{}0", at_home.key), ..at_home };
    stranger.models().await.error(401, "invalid_api_key");
    app.finish().await;
}

async fn a_key_never_spends_more_than_its_cap(place: Arc<Place>) {
    let app = TestApp::at(place, &[("CAPE_USAGE__LIMITS", "off")]).await;
    let ada = app.person("ada").await;
    let capped = program(&ada, &json!({ "name": "capped", "spending_cap": "0.02" })).await;
    let mut hello = saying(MINI, "hello");
    hello["max_tokens"] = json!(20);
    let mut calls = JoinSet::new();
    for _ in 0..50 {
        let (capped, hello) = (capped.clone(), hello.clone());
        calls.spawn(async move { capped.chat(&hello).await });
    }
    let mut answered = 0;
    while let Some(call) = soon(calls.join_next()).await {
        let answer = call.expect("no panic");
        if answer.status == 200 {
            answered += 1;
        } else {
            answer.error(402, "key_cap_reached");
        }
    }
    assert!((1..50).contains(&answered), "{answered}");
    // What was held and not used can be spent after all.
    loop {
        let answer = capped.chat(&hello).await;
        if answer.status != 200 {
            answer.error(402, "key_cap_reached");
            break;
        }
        answered += 1;
        assert!(answered < 50, "each costs something");
    }
    let spent = micros(&ada.get("/api/usage/summary").await.with(200)["charge"]);
    // The last answers are as short as what was left.
    assert!(spent <= answered * HELLO && spent <= 20_000 && spent > 20_000 - 2 * HELLO, "{spent}");
    // The others of the workspace have caps of their own.
    let other = ada.program().await;
    other.chat(&hello).await.with(200);
    app.finish().await;
}
