//! Two processes, one limit.
use std::sync::Arc;

use serde_json::Value;
use tokio::task::JoinSet;

use super::server::RedisServer;
use crate::app::{Answer, Place, TestApp, caller::saying};

/// What the free plan lets through in a minute.
const LIMIT: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_let_one_limit_through_and_both_say_where_it_stands() {
    let Some(place) = Place::postgres().await else { return };
    let Some(redis) = RedisServer::start() else { return };
    let variables = [("REDIS_URL", redis.url())];
    let one = TestApp::at(Arc::clone(&place), &variables).await;
    let (ada, program) = one.program("ada").await;
    let variables = [("REDIS_URL", redis.url()), ("CAPE_SANDBOX__URL", one.sandbox())];
    let other = TestApp::at(place, &variables).await;

    let mut calls = JoinSet::new();
    for number in 0..3 * LIMIT {
        let program = program.at(if number % 2 == 0 { &one } else { &other });
        calls.spawn(async move { program.chat(&saying("gpt-4o-mini", "hello")).await });
    }
    let answers = calls.join_all().await;
    let with = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((with(200), with(429)), (LIMIT, 2 * LIMIT));
    let refused = answers.iter().find(|answer| answer.status == 429).expect("one of them");
    assert_eq!(refused.header("x-ratelimit-rule"), Some("requests_per_minute"));
    assert_eq!(refused.header("x-ratelimit-remaining-requests"), Some("0"));

    for app in [&one, &other] {
        let limits = ada.at(app).get("/api/usage/limits").await;
        assert_eq!(used(&limits, "requests_per_minute"), LIMIT as u64);
    }
    other.finish().await;
    one.finish().await;
}

fn used(limits: &Answer, rule: &str) -> u64 {
    let limits = limits.with(200);
    let rules = limits["data"].as_array().or_else(|| limits["limits"].as_array());
    let found = rules.into_iter().flatten().find(|limit| limit["rule"] == rule);
    found.and_then(|limit| limit.get("used")).and_then(Value::as_u64).expect("the rule")
}
