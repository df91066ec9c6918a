//! Messages, whole and in events, from each provider.
use serde_json::{Value, json};

use super::{MODELS, WELCOME, asking, with_tool};
use crate::app::{
    TestApp,
    caller::{micros, send},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_provider_answers_with_a_message_that_costs_what_it_says() {
    let app = TestApp::on_sqlite(&[]).await;
    for model in MODELS {
        let (owner, program) = app.program(&model.replace('.', "-")).await;
        let answer = program.message(&asking(model, "hello")).await;
        let message = answer.with(200);
        assert!(message["id"].as_str().is_some_and(|id| id.starts_with("msg_")), "{message}");
        assert_eq!((&message["type"], &message["role"]), (&json!("message"), &json!("assistant")));
        assert_eq!(
            (&message["model"], &message["stop_reason"]),
            (&json!(model), &json!("end_turn"))
        );
        assert_eq!(message["content"].as_array().map(Vec::len), Some(1));
        assert!(message["content"][0]["text"].as_str().is_some_and(|text| !text.is_empty()));
        let record = owner.record(answer.header("x-cape-call-id").expect("a call")).await;
        let tokens = &record["tokens"];
        assert_eq!(message["usage"]["input_tokens"], tokens["input"], "{record}");
        assert_eq!(message["usage"]["output_tokens"], tokens["output"], "{record}");
        owner.has(WELCOME - micros(&record["charge"])).await;
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_says_the_same_as_a_whole_answer() {
    let app = TestApp::on_sqlite(&[]).await;
    for model in MODELS {
        let (owner, program) = app.program(&model.replace('.', "-")).await;
        let whole = program.message(&asking(model, "hello")).await.with(200);
        let (answer, events) = program.events(&asking(model, "hello")).await;
        let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names[..2], ["message_start", "content_block_start"]);
        assert_eq!(
            names[names.len() - 3..],
            ["content_block_stop", "message_delta", "message_stop"]
        );
        let text: String =
            events.iter().filter_map(|(_, data)| data["delta"]["text"].as_str()).collect();
        assert_eq!(whole["content"][0]["text"], text);
        let (_, end) = &events[events.len() - 2];
        assert_eq!(end["delta"]["stop_reason"], "end_turn");
        for counter in ["input_tokens", "output_tokens"] {
            assert_eq!(end["usage"][counter], whole["usage"][counter], "{model} {counter}");
        }
        owner.ended(answer.header("x-cape-call-id").expect("a call")).await;
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_is_called_and_its_result_is_taken() {
    let app = TestApp::on_sqlite(&[]).await;
    for model in MODELS {
        let (_, program) = app.program(&model.replace('.', "-")).await;
        let body = with_tool(asking(model, "How is the weather?"));
        let asked = program.message(&body).await.with(200);
        assert_eq!(asked["stop_reason"], "tool_use", "{asked}");
        let call = asked["content"].as_array().expect("blocks").last().expect("a block").clone();
        assert_eq!((&call["type"], &call["name"]), (&json!("tool_use"), &json!("get_weather")));
        assert!(call["input"].is_object(), "{call}");

        let (_, events) = program.events(&body).await;
        let arguments: String =
            events.iter().filter_map(|(_, data)| data["delta"]["partial_json"].as_str()).collect();
        assert_eq!(serde_json::from_str::<Value>(&arguments).expect("JSON"), call["input"]);

        let mut going_on = body;
        going_on["tool_choice"] = json!({ "type": "none" });
        let result = json!({ "type": "tool_result", "tool_use_id": call["id"], "content": "Sun" });
        let turns = going_on["messages"].as_array_mut().expect("turns");
        turns.push(json!({ "role": "assistant", "content": asked["content"] }));
        turns.push(json!({ "role": "user", "content": [result] }));
        let answer = program.message(&going_on).await.with(200);
        assert_eq!(answer["content"][0]["type"], "text", "{answer}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_taken_from_either_header_and_failures_are_told_in_anthropics_words() {
    let app = TestApp::on_sqlite(&[]).await;
    let (owner, program) = app.program("ada").await;
    let body = asking("claude-3-haiku", "hello");
    send(program.request("POST", "/v1/messages").json(&body)).await.with(200);
    for request in [
        app.http.request("POST", "/v1/messages"),
        app.http.request("POST", "/v1/messages").header("x-api-key", "cape_sk_nobody"),
        app.http.request("POST", "/v1/messages").bearer_auth(&owner.access),
    ] {
        send(request.json(&body)).await.anthropic_error(401, "authentication_error");
    }
    let failing = asking("claude-3-haiku", "[[sandbox: status=500]]");
    program.message(&failing).await.anthropic_error(502, "api_error");
    let cut = asking("claude-3-haiku", "[[sandbox: cut_after=3]]");
    let (_, events) = program.events(&cut).await;
    let (name, last) = events.last().expect("events");
    assert_eq!((name.as_str(), &last["error"]["type"]), ("error", &json!("api_error")));
    app.finish().await;
}
