//! `/v1/explain`: what would become of a call, without making it.
use serde_json::{Value, json};

use crate::app::{
    TestApp,
    caller::{Program, saying, send},
    eventually,
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_of_every_endpoint_are_explained_as_they_would_be_held() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    app.mails_are_sent().await;
    let before = app.place.rows().await;
    let user = json!([{ "role": "user", "content": "hello" }]);
    let contents = json!([{ "role": "user", "parts": [{ "text": "hello" }] }]);
    // Likely input: a token for four bytes, and one for each message and around all of them.
    for (endpoint, request, model, likely, most) in [
        (
            "/v1/chat/completions",
            json!({ "model": "gpt-4o-mini", "messages": user, "max_tokens": 50 }),
            "gpt-4o-mini",
            4,
            50,
        ),
        (
            "/v1/responses",
            json!({ "model": "gpt-4o-mini", "input": "hello", "max_output_tokens": 50 }),
            "gpt-4o-mini",
            4,
            50,
        ),
        (
            "/v1/messages",
            json!({ "model": "claude-haiku-4-5", "messages": user, "max_tokens": 50 }),
            "claude-haiku-4-5",
            4,
            50,
        ),
        (
            "/v1beta/models/gemini-2.5-flash:streamGenerateContent",
            json!({ "contents": contents, "generationConfig": { "maxOutputTokens": 50 } }),
            "gemini-2.5-flash",
            4,
            50,
        ),
        (
            "/v1/embeddings",
            json!({ "model": "text-embedding-3-small", "input": ["hello", "you"] }),
            "text-embedding-3-small",
            3,
            0,
        ),
        ("/v1/moderations", json!({ "input": "hello" }), "omni-moderation-latest", 2, 0),
    ] {
        let explained =
            explain(&program, &json!({ "endpoint": endpoint, "request": request })).await;
        assert_eq!(explained["admitted"], true, "{explained}");
        let shown = &explained["models"][0];
        assert_eq!((&shown["model"], &shown["refusal"]), (&json!(model), &Value::Null));
        assert_eq!(
            (&shown["input_tokens_estimate"], &shown["max_output_tokens"]),
            (&json!(likely), &json!(most)),
            "{endpoint}"
        );
        let is_free = endpoint == "/v1/moderations";
        assert_eq!(shown["worst_case_micro_credits"] == 0, is_free, "{shown}");
        let tokens = check(&explained, "tokens_per_hour");
        assert_eq!(tokens["wanted"], json!(likely + most), "{endpoint}");
        for rule in ["requests_per_minute", "requests_per_hour", "requests_per_month", "credits"] {
            assert_eq!(check(&explained, rule)["passed"], true, "{endpoint} {rule}");
        }
    }
    assert_eq!(app.place.rows().await, before, "nothing is left behind");
    assert_eq!(ada.get("/api/usage/quota").await.with(200)["used"], 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn why_a_model_is_out_of_reach_is_told_in_the_callers_words_and_what_would_change_it() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let operator = app.operator("grace").await;
    let user = json!([{ "role": "user", "content": "hello" }]);
    let config = json!({ "maxOutputTokens": 50, "seed": 7 });
    let contents = json!([{ "parts": [{ "text": "hello" }] }]);
    let effort = json!({ "effort": "low" });
    for (endpoint, request, code, parameter, change) in [
        (
            "/v1/messages",
            json!({ "model": "claude-haiku-4-5", "messages": user, "max_tokens": 50,
                "output_config": effort }),
            "unsupported_parameter",
            "output_config.effort",
            "another model, or a request without the parameter",
        ),
        (
            "/v1/responses",
            json!({ "model": "claude-haiku-4-5", "input": "hello", "reasoning": effort }),
            "unsupported_parameter",
            "reasoning.effort",
            "another model, or a request without the parameter",
        ),
        (
            "/v1beta/models/claude-haiku-4-5:generateContent",
            json!({ "contents": contents, "generationConfig": config }),
            "unsupported_parameter",
            "generationConfig.seed",
            "another model, or a request without the parameter",
        ),
        (
            "/v1/embeddings",
            json!({ "model": "gpt-4o-mini", "input": "hello" }),
            "model_wrong_kind",
            "model",
            "a model of the other kind, or its own endpoint",
        ),
        (
            "/v1/embeddings",
            json!({ "model": "text-embedding-3-small", "input": "a", "dimensions": 9_999 }),
            "dimensions_out_of_range",
            "dimensions",
            "fewer dimensions",
        ),
        (
            "/v1/moderations",
            json!({ "model": "omni-moderation-9", "input": "hello" }),
            "model_not_found",
            "model",
            "the name of a model of `/v1/models`",
        ),
    ] {
        let explained =
            explain(&program, &json!({ "endpoint": endpoint, "request": request })).await;
        assert_eq!((&explained["admitted"], &explained["checks"]), (&json!(false), &json!([])));
        let refusal = &explained["models"][0]["refusal"];
        assert_eq!((&refusal["code"], &refusal["parameter"]), (&json!(code), &json!(parameter)));
        assert_eq!(refusal["change"], change, "{endpoint}");
    }
    let switch = operator.request("PUT", "/api/admin/switches/model/gpt-4o-mini");
    send(switch.json(&json!({ "reason": "misused" }))).await.with(200);
    let refusal = async || {
        let explained = explain(&program, &saying("gpt-4o-mini", "hello")).await;
        explained["models"][0]["refusal"].clone()
    };
    eventually("it is stopped", async || refusal().await["code"] == "model_stopped").await;
    assert_eq!(refusal().await["change"], "an operator who lets the model go on");
    let odd = json!({ "endpoint": "/v1/nothing", "request": {} });
    let odd = send(program.request("POST", "/v1/explain").json(&odd)).await;
    assert_eq!(odd.error(400, "invalid_request")["param"], "endpoint");
    app.finish().await;
}
