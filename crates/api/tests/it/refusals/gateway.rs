//! Calls that are not made: the request is wrong, the credits do not suffice, a limit is reached.
use serde_json::{Value, json};

use super::Before;
use crate::app::{
    Answer, TestApp,
    caller::{Credits, Program, saying, send},
};

async fn post(program: &Program, body: Vec<u8>) -> Answer {
    let request = program.request("POST", "/v1/chat/completions");
    send(request.header("content-type", "application/json").body(body)).await
}

/// A good request in which one field is another.
fn with(field: &str, value: Value) -> Value {
    let mut body = saying("gpt-4o-mini", "hello");
    body[field] = value;
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_cannot_be_read_is_refused_in_the_shape_of_openai() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let before = Before::at(&app).await;
    let good = saying("gpt-4o-mini", "hello").to_string();
    let nested = ["[".repeat(65), "]".repeat(65)].concat();
    for (body, code) in [
        (b"".to_vec(), "invalid_request"),
        (b"{".to_vec(), "invalid_request"),
        (b"null".to_vec(), "invalid_request"),
        (b"[]".to_vec(), "invalid_request"),
        (format!("{good}x").into_bytes(), "invalid_request"),
        ([good.trim_end_matches("\"}]}").as_bytes(), b"\xff\"}]}"].concat(), "invalid_request"),
        (good.replace("hello", "\\ud800").into_bytes(), "invalid_request"),
        (nested.into_bytes(), "request.too_deep"),
        ("{\"a\":".repeat(100_000).into_bytes(), "request.too_deep"),
    ] {
        let refused = post(&program, body).await;
        assert_eq!(refused.error(400, code)["type"], "invalid_request_error");
    }
    before.still_holds(&app).await;
    assert_eq!(ada.credits().await, Credits::free(100_000_000));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parameter_that_is_not_acceptable_is_named() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    let before = Before::at(&app).await;
    let image = json!([{ "role": "user", "content": [{ "type": "image_url", "image_url": { "url": "x" } }] }]);
    let stray = json!([{ "role": "tool", "content": "x" }]);
    let number = json!([{ "role": "user", "content": 1 }]);
    let nobody = json!([{ "role": "wizard", "content": "x" }]);
    let long = "x".repeat(600_000);
    for (field, value, status, code) in [
        ("model", json!(""), 404, "model_not_found"),
        ("model", json!("gpt-9"), 404, "model_not_found"),
        ("model", json!("GPT-4O-MINI"), 404, "model_not_found"),
        ("model", json!("gpt-4o-mini\0"), 404, "model_not_found"),
        ("model", json!("x".repeat(100_000)), 404, "model_not_found"),
        ("model", json!("gpt-4o"), 403, "model_not_in_plan"),
        ("model", json!(1), 400, "invalid_request"),
        ("messages", json!([]), 400, "invalid_request"),
        ("messages", json!("hello"), 400, "invalid_request"),
        ("messages", number, 400, "invalid_request"),
        ("messages", stray, 400, "invalid_request"),
        ("messages", image, 400, "invalid_request"),
        ("messages", nobody, 400, "unsupported_parameter"),
        ("messages", saying("", &long)["messages"].clone(), 400, "context_length_exceeded"),
        ("max_tokens", json!(0), 400, "output_out_of_range"),
        ("max_tokens", json!(16_385), 400, "output_out_of_range"),
        ("max_tokens", json!(u64::MAX), 400, "output_out_of_range"),
        ("max_tokens", json!(-1), 400, "invalid_request"),
        ("max_tokens", json!(1.5), 400, "invalid_request"),
        ("max_tokens", json!("5"), 400, "invalid_request"),
        ("max_completion_tokens", json!(-1), 400, "invalid_request"),
        ("temperature", json!(2.1), 400, "invalid_request"),
        ("temperature", json!("hot"), 400, "invalid_request"),
        ("top_p", json!(-0.1), 400, "invalid_request"),
        ("stream", json!("yes"), 400, "invalid_request"),
        ("n", json!(9), 400, "invalid_request"),
        ("logit_bias", json!({ "50256": -100 }), 400, "unsupported_parameter"),
        ("store", json!(true), 400, "unsupported_parameter"),
        ("surprise", json!(1), 400, "unsupported_parameter"),
    ] {
        for streamed in [false, true] {
            let mut body = with(field, value.clone());
            if streamed && field != "stream" {
                body["stream"] = true.into();
            }
            let refused = program.chat(&body).await;
            let error = refused.error(status, code);
            let param = error["param"].as_str().expect("a parameter");
            assert!(param.starts_with(field), "{field}: {}", refused.text);
            assert!(refused.text.len() < 110_000, "what was sent is not sent back");
        }
    }
    for field in ["model", "messages"] {
        let mut body = saying("gpt-4o-mini", "hello");
        body.as_object_mut().expect("an object").remove(field);
        assert_eq!(program.chat(&body).await.error(400, "invalid_request")["param"], field);
    }
    let beyond: String = with("max_tokens", json!(7)).to_string().replace(":7", ":1e30");
    post(&program, beyond.into()).await.error(400, "invalid_request");
    before.still_holds(&app).await;
    assert_eq!(ada.credits().await, Credits::free(100_000_000));
    assert_eq!(ada.get("/api/usage/quota").await.with(200)["used"], 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credits_that_do_not_suffice_for_the_worst_case_admit_nothing() {
    let app = TestApp::on_sqlite(&[("CAPE_ACCOUNTS__WELCOME_CREDITS", "1")]).await;
    let (ada, program) = app.program("ada").await;
    let before = Before::at(&app).await;
    // Not even the shortest answer fits: 120 x ((55 500 + 32) x 0.15 + 16 x 0.60) = 1 000 728
    let mut asked = saying("gpt-4o-mini", &"x".repeat(55_500));
    for streamed in [false, true] {
        asked["stream"] = streamed.into();
        let refused = program.chat(&asked).await;
        assert_eq!(refused.error(402, "insufficient_credits")["type"], "insufficient_quota");
    }
    before.still_holds(&app).await;
    assert_eq!(ada.credits().await, Credits::free(1_000_000));
    assert_eq!(ada.get("/api/usage/quota").await.with(200)["used"], 0);
    // Thirty tokens fit: 120 x ((55 400 + 32) x 0.15 + 30 x 0.60) = 999 936
    asked = saying("gpt-4o-mini", &"x".repeat(55_400));
    let answer = program.chat(&asked).await;
    answer.with(200);
    assert_eq!(answer.header("x-cape-max-tokens-lowered-to"), Some("30"));
    assert_eq!(answer.header("x-cape-model"), Some("gpt-4o-mini"));
    assert_eq!(ada.credits().await, Credits::free(1_000_000 - 1_512));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_beyond_a_limit_is_told_which_and_when_to_come_back() {
    let app = TestApp::on_sqlite(&[]).await;
    let (ada, program) = app.program("ada").await;
    for made in 1..=10 {
        let answer = program.say("gpt-4o-mini", "hello").await;
        answer.with(200);
        assert_eq!(answer.header("x-ratelimit-limit-requests"), Some("10"));
        let remaining = (10 - made).to_string();
        assert_eq!(answer.header("x-ratelimit-remaining-requests"), Some(&*remaining));
        let reset = answer.header("x-ratelimit-reset-requests").expect("a time");
        assert!(
            reset.strip_suffix('s').is_some_and(|it| it.parse::<u64>().is_ok_and(|it| it <= 60))
        );
        assert_eq!(answer.header("x-ratelimit-limit-tokens"), Some("50000"));
    }
    let before = (Before::at(&app).await, ada.credits().await);
    for streamed in [false, true] {
        let refused = program.chat(&with("stream", json!(streamed))).await;
        let error = refused.error(429, "rate_limit_exceeded");
        assert_eq!(error["type"], "rate_limit_error");
        assert!(error["message"].as_str().is_some_and(|it| it.contains("requests_per_minute")));
        assert_eq!(refused.header("x-ratelimit-rule"), Some("requests_per_minute"));
        let after = refused.header("retry-after").and_then(|it| it.parse::<u64>().ok());
        assert!(after.is_some_and(|seconds| (1..=61).contains(&seconds)), "{refused:?}");
    }
    before.0.still_holds(&app).await;
    assert_eq!(ada.credits().await, before.1);
    assert_eq!(ada.get("/api/usage/quota").await.with(200)["used"], 10);
    // Others are not concerned.
    let (_, other) = app.program("bob").await;
    other.say("gpt-4o-mini", "hello").await.with(200);
    // More than fits into an hour at all is not to be tried again.
    let mut huge = saying("gpt-5-mini", "hello");
    huge["max_completion_tokens"] = 60_000.into();
    let refused = other.chat(&huge).await;
    refused.error(429, "rate_limit_exceeded");
    assert_eq!(refused.header("x-ratelimit-rule"), Some("tokens_per_hour"));
    assert_eq!(refused.header("x-should-retry"), Some("false"));
    app.finish().await;
}
