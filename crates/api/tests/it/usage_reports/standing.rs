//! What is left of every limit.
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{MINI, list};
use crate::app::{Place, TestApp, caller::Person, on_both_databases};

on_both_databases!(every_limit_of_the_plan_is_told_and_asking_counts_nowhere);

async fn limits(person: &Person) -> Vec<Value> {
    let shown = person.get("/api/usage/limits").await.with(200);
    assert_eq!(shown["plan"], "free");
    // Those that operators set are for each person.
    let of_plan = |limit: &&Value| limit["scope"] == "workspace";
    list(&shown, "limits").iter().filter(of_plan).cloned().collect()
}

fn resets_at(limit: &Value) -> DateTime<Utc> {
    limit["resets_at"].as_str().expect("a time").parse().expect("a time")
}

async fn every_limit_of_the_plan_is_told_and_asking_counts_nowhere(place: Arc<Place>) {
    let app = TestApp::at(place, &[]).await;
    let (ada, program) = app.program("ada").await;
    let bob = app.person("bob").await;
    let pricing = app.http.get("/api/payment/pricing").await.with(200);
    let plan = list(&pricing, "plans").iter().find(|plan| plan["code"] == "free").expect("free");
    for _ in 0..3 {
        let before = limits(&ada).await;
        let rules: Vec<_> = before.iter().filter_map(|limit| limit["rule"].as_str()).collect();
        let expected =
            ["requests_per_minute", "requests_per_hour", "tokens_per_hour", "requests_per_month"];
        assert_eq!(rules, expected, "of the plan");
        for limit in &before {
            let rule = limit["rule"].as_str().expect("a name");
            assert_eq!(limit["limit"], plan["limits"][rule], "{rule}");
            assert_eq!((&limit["used"], &limit["remaining"]), (&json!(0), &limit["limit"]));
            let (measure, window) = rule.split_once("_per_").expect("a name");
            assert_eq!((&limit["measure"], &limit["window"]), (&json!(measure), &json!(window)));
            assert_eq!(limit["resets_at"].is_null(), window != "month", "nothing to forget");
        }
    }
    let answer = program.say(MINI, "hello").await;
    answer.with(200);
    let after = limits(&ada).await;
    let used: Vec<_> = after.iter().filter_map(|limit| limit["used"].as_u64()).collect();
    assert_eq!(used, [1, 1, 24, 1], "24 tokens went in and came out");
    let left = answer.header("x-ratelimit-remaining-requests").expect("it is told");
    assert_eq!(after[0]["remaining"].to_string(), left, "as the call was told");
    let record = ada.get("/api/usage/records").await.with(200);
    let made = record["data"][0]["started_at"].as_str().expect("a time");
    let made: DateTime<Utc> = made.parse().expect("a time");
    for (limit, (least, most)) in after.iter().zip([(60, 61), (3_600, 3_660), (3_600, 3_660)]) {
        let lasts = (resets_at(limit) - made).num_milliseconds();
        assert!((least * 1_000..=most * 1_000).contains(&lasts), "{limit} {lasts}");
    }
    let quota = ada.get("/api/usage/quota").await.with(200);
    assert_eq!((&quota["used"], &quota["resets_at"]), (&json!(1), &after[3]["resets_at"]));
    assert!(limits(&bob).await.iter().all(|limit| limit["used"] == 0), "each for itself");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_limits_are_lifted_there_are_none() {
    let app = TestApp::on_sqlite(&[("CAPE_USAGE__LIMITS", "off")]).await;
    let ada = app.person("ada").await;
    assert_eq!(limits(&ada).await, Vec::<Value>::new());
    app.finish().await;
}
