//! Limits that operators set: each refuses over HTTP, says so, and counts nothing that was refused.
use std::sync::Arc;

use serde_json::{Value, json};

use crate::app::{
    Answer, Place, TestApp,
    caller::{Person, Program, saying, send},
    eventually, on_both_databases,
};

on_both_databases!(
    every_measure_refuses_for_everybody_it_is_about,
    refused_calls_are_listed_by_person_and_rule_and_count_nowhere_else,
    limits_are_listed_set_replaced_and_taken_away,
);

/// The usual model.
const MODEL: &str = "gpt-4o-mini";

pub(super) async fn set(operator: &Person, rule: &Value) -> Value {
    send(operator.request("POST", "/api/admin/limits").json(rule)).await.with(201)
}

fn rule(name: &str, applies_to: &Value, per: &str, measure: &str, limit: u64) -> Value {
    json!({ "name": name, "applies_to": applies_to, "per": per, "measure": measure,
        "window": "day", "limit": limit })
}

/// A limit as somebody sees it.
async fn shown(person: &Person, rule: &str) -> Option<Value> {
    let limits = person.get("/api/usage/limits").await.with(200);
    let limits = limits["limits"].as_array().expect("a list").clone();
    limits.into_iter().find(|limit| limit["rule"] == rule)
}

pub(super) async fn explained(program: &Program, rule: &str) -> Option<Value> {
    let asked = program.request("POST", "/v1/explain").json(&saying(MODEL, "hello"));
    let asked = send(asked).await.with(200);
    let checks = asked["checks"].as_array().expect("a list").clone();
    checks.into_iter().find(|check| check["rule"] == rule)
}

/// The refusal once the rule is known, which it is within a second. Asking what would become of a
/// call counts nowhere.
async fn refused(program: &Program, rule: &str) -> Answer {
    eventually("it is known", async || explained(program, rule).await.is_some()).await;
    let answer = program.say(MODEL, "hello").await;
    assert_eq!(answer.header("x-ratelimit-rule"), Some(rule));
    answer
}

async fn every_measure_refuses_for_everybody_it_is_about(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, program) = app.program("ada").await;
    let (_, rivals) = app.program("eve").await;
    let operator = app.operator("grace").await;
    let signed_in = ada.http.refresh(&ada.refresh).await.with(200);
    let about = |kind: &str, target: &str| json!({ "kind": kind, "target": target });
    let workspace = signed_in["workspace"]["id"].as_str().expect("an id");
    let own = [
        ("of-key", about("key", &program.id), "key", "requests"),
        ("of-workspace", about("workspace", workspace), "workspace", "tokens"),
        ("of-model", about("model", MODEL), "user", "input_tokens"),
        ("of-provider", about("provider", "openai"), "user", "output_tokens"),
        ("of-plan", about("plan", "free"), "workspace", "micro_credits"),
        ("of-all", json!({ "kind": "all" }), "platform", "requests"),
    ];
    for (name, applies_to, per, measure) in own {
        let made = set(&operator, &rule(name, &applies_to, per, measure, 0)).await;
        let answer = refused(&program, name).await;
        answer.error(429, "rate_limit_exceeded");
        assert_eq!(answer.header("x-ratelimit-scope"), Some(per), "{name}");
        assert_eq!(answer.header("x-should-retry"), Some("false"), "nothing is ever let through");
        let wanted: u64 = answer.header("x-ratelimit-wanted").expect("told").parse().expect("it");
        assert!(wanted > 0, "{name}");
        let header = format!("x-ratelimit-limit-{}", measure.replace('_', "-"));
        assert_eq!(answer.header(&header), Some("0"), "{name}");
        let check = explained(&program, name).await.expect("it is explained");
        let told = (&check["passed"], &check["limit"], &check["used"]);
        assert_eq!(told, (&json!(false), &json!(0), &json!(0)), "{name}");
        // What is about one key is told to who has it.
        if per != "key" {
            let shown = shown(&ada, name).await.expect("it is shown");
            assert_eq!((&shown["limit"], &shown["scope"]), (&json!(0), &json!(per)), "{name}");
        }
        let spares = ["of-key", "of-workspace"].contains(&name);
        assert_eq!(rivals.say(MODEL, "hello").await.status == 200, spares, "{name}");
        let path = format!("/api/admin/limits/{}", made["id"].as_str().expect("an id"));
        assert_eq!(operator.delete(&path).await.status, 204);
        eventually("it holds no more", async || explained(&program, name).await.is_none()).await;
    }
    program.say(MODEL, "hello").await.with(200);
    app.finish().await;
}

async fn refused_calls_are_listed_by_person_and_rule_and_count_nowhere_else(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, program) = app.program("ada").await;
    let eve = app.person("eve").await;
    let operator = app.operator("grace").await;
    let applies_to = json!({ "kind": "provider", "target": "openai" });
    set(&operator, &rule("two-a-day", &applies_to, "user", "requests", 2)).await;
    eventually("it is known", async || explained(&program, "two-a-day").await.is_some()).await;
    for _ in 0..2 {
        program.say(MODEL, "hello").await.with(200);
    }
    for _ in 0..3 {
        let refused = program.say(MODEL, "hello").await;
        refused.error(429, "rate_limit_exceeded");
        assert_eq!(refused.header("x-ratelimit-rule"), Some("two-a-day"));
        assert_eq!(refused.header("x-ratelimit-remaining-requests"), Some("0"));
    }
    let list = async || ada.get("/api/usage/violations").await.with(200)["data"].clone();
    let calls = async || {
        let rows = list().await;
        let rows = rows.as_array().expect("a list");
        rows.iter().filter_map(|row| row["calls"].as_u64()).sum::<u64>()
    };
    eventually("they are written", async || calls().await == 3).await;
    let rows = list().await;
    for row in rows.as_array().expect("a list") {
        assert_eq!((&row["rule"], &row["scope"]), (&json!("two-a-day"), &json!("user")));
        assert_eq!(row["key_id"], json!(program.id));
    }
    assert_eq!(shown(&ada, "two-a-day").await.expect("shown")["used"], 2);
    assert_eq!(shown(&ada, "requests_per_minute").await.expect("shown")["used"], 2);
    assert_eq!(ada.get("/api/usage/quota").await.with(200)["used"], 2);
    let records = ada.get("/api/usage/records").await.with(200);
    assert_eq!(records["data"].as_array().expect("a list").len(), 2);
    assert_eq!(eve.get("/api/usage/violations").await.with(200)["data"], json!([]));
    let page = app.http.get("/metrics").await.text;
    let counted = r#"cape_limits_refused_total{rule="two-a-day",scope="user"}"#;
    assert!(page.contains(counted), "{counted} in {page}");
    app.finish().await;
}

async fn limits_are_listed_set_replaced_and_taken_away(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let ada = app.person("ada").await;
    let operator = app.operator("grace").await;
    ada.get("/api/admin/limits").await.problem(403, "access.forbidden");
    let listed = operator.get("/api/admin/limits").await.with(200);
    let seeded: Vec<(&str, u64)> = listed["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["name"].as_str().expect("a name"), one["limit"].as_u64().expect("one")))
        .collect();
    let expected = [
        ("anthropic_requests_per_minute", 50),
        ("anthropic_tokens_per_minute", 80_000),
        ("gemini_requests_per_minute", 40),
        ("gemini_tokens_per_minute", 70_000),
        ("openai_requests_per_minute", 60),
        ("openai_tokens_per_minute", 100_000),
    ];
    assert_eq!(seeded, expected);

    let post =
        async |body: &Value| send(operator.request("POST", "/api/admin/limits").json(body)).await;
    let all = json!({ "kind": "all" });
    let good = rule("team", &all, "user", "requests", 5);
    let made = set(&operator, &good).await;
    assert_eq!((&made["version"], &made["enabled"]), (&json!(1), &json!(true)));
    post(&good).await.problem(409, "limit.name_taken");
    let unknown = json!({ "kind": "provider", "target": "claude" });
    post(&rule("typo", &unknown, "user", "requests", 5)).await.problem(404, "limit.unknown_target");
    for (field, wrong) in [
        ("name", json!("Two words")),
        ("applies_to", json!({ "kind": "all", "target": "x" })),
        ("applies_to", json!({ "kind": "team", "target": "x" })),
        ("per", json!("team")),
        ("measure", json!("words")),
        ("window", json!("month")),
        ("limit", json!(1_000_000_000_000_001_u64)),
    ] {
        let mut body = good.clone();
        body["name"] = json!("other");
        body[field] = wrong;
        let problem = post(&body).await.problem(422, "request.invalid_fields");
        assert!(problem["errors"][field].is_string(), "{field}: {problem}");
    }

    let path = format!("/api/admin/limits/{}", made["id"].as_str().expect("an id"));
    let mut next = good.clone();
    (next["limit"], next["enabled"]) = (json!(7), json!(false));
    let replaced = send(operator.request("PUT", &path).json(&next)).await.with(200);
    let told = (&replaced["version"], &replaced["limit"], &replaced["enabled"]);
    assert_eq!(told, (&json!(2), &json!(7), &json!(false)));
    assert_eq!(operator.delete(&path).await.status, 204);
    operator.delete(&path).await.problem(404, "limit.not_found");
    send(operator.request("PUT", &path).json(&next)).await.problem(404, "limit.not_found");
    let trail = "SELECT count(*) FROM audit_entries WHERE action IN
        ('limit.created', 'limit.changed', 'limit.deleted')";
    assert_eq!(app.place.count(trail).await, 3);
    app.finish().await;
}
