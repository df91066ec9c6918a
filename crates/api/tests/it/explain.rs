//! `/v1/explain`: what would become of a call, without making it.
use serde_json::{Value, json};

use crate::app::{
    TestApp,
    caller::{Program, saying, send},
};

async fn explain(program: &Program, asked: &Value) -> Value {
    send(program.request("POST", "/v1/explain").json(asked)).await.with(200)
}

fn check<'a>(explained: &'a Value, rule: &str) -> &'a Value {
    let mut checks = explained["checks"].as_array().expect("checks").iter();
    checks.find(|check| check["rule"] == rule).expect("it is looked at")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_become_of_a_call_is_told_and_nothing_is_done() {
    let app = TestApp::on_sqlite(&[("CAPE_ACCOUNTS__WELCOME_CREDITS", "1")]).await;
    let (ada, program) = app.program("ada").await;
    app.mails_are_sent().await;
    let before = app.place.rows().await;

    let explained = explain(&program, &saying("fast", "hello")).await;
    assert_eq!((&explained["admitted"], &explained["plan"]), (&json!(true), &json!("free")));
    let models = explained["models"].as_array().expect("models");
    let ids: Vec<_> = models.iter().map(|model| &model["model"]).collect();
    assert_eq!(ids, ["gpt-4o-mini", "gemini-2.5-flash", "claude-haiku-4-5"]);
    let minute = check(&explained, "requests_per_minute");
    let numbers = (&minute["limit"], &minute["used"], &minute["wanted"]);
    assert_eq!(numbers, (&json!(10), &json!(0), &json!(1)));

    // Not even the shortest answer fits: 120 x ((55 500 + 32) x 0.15 + 4 096 x 0.60) = 1 294 488
    let dear = explain(&program, &saying("gpt-4o-mini", &"x".repeat(55_500))).await;
    assert_eq!(dear["admitted"], false);
    let credits = check(&dear, "credits");
    assert_eq!((&credits["limit"], &credits["wanted"]), (&json!(1_000_000), &json!(1_294_488)));
    assert_eq!(credits["change"], "0.294488 more credits");

    let out_of_reach = explain(&program, &saying("smart", "hello")).await;
    assert_eq!(out_of_reach["admitted"], false);
    assert_eq!(out_of_reach["models"][0]["refusal"]["code"], "model_not_in_plan");

    assert_eq!(app.place.rows().await, before, "nothing is left behind");
    assert_eq!(ada.get("/api/usage/quota").await.with(200)["used"], 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_is_used_up_is_told_as_it_is_refused() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    for _ in 0..10 {
        program.say("gpt-4o-mini", "hello").await.with(200);
    }
    let explained = explain(&program, &saying("gpt-4o-mini", "hello")).await;
    assert_eq!(explained["admitted"], false);
    let minute = check(&explained, "requests_per_minute");
    assert_eq!((&minute["passed"], &minute["used"]), (&json!(false), &json!(10)));
    assert!(minute["change"].as_str().is_some_and(|change| change.starts_with("wait until ")));
    let refused = program.say("gpt-4o-mini", "hello").await;
    refused.error(429, "rate_limit_exceeded");
    assert_eq!(refused.header("x-ratelimit-rule"), Some("requests_per_minute"));
    app.finish().await;
}
