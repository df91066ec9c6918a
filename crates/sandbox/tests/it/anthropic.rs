//! Messages as an Anthropic client sees them.
mod output;
mod requests;
mod thinking;

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::{Bench, events, json, read};

fn ask(bench: &Bench, body: &Value) -> RequestBuilder {
    bench
        .post("/anthropic/v1/messages")
        .header("x-api-key", "sk-ant-sandbox")
        .header("anthropic-version", "2023-06-01")
        .json(body)
}

fn hello() -> Value {
    json!({"model": "claude-haiku-4-5", "max_tokens": 100, "system": "You are brief.",
        "messages": [{"role": "user", "content": "Hello there"}]})
}

fn weather() -> Value {
    json!([{"name": "weather", "input_schema": {"type": "object",
        "properties": {"city": {"type": "string"}}, "required": ["city"]}}])
}

fn picture() -> Value {
    json!({"type": "image", "source": {
        "type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_counts_the_system_prompt_as_a_message() {
    let bench = Bench::start();
    let (status, body) = read(ask(&bench, &hello())).await;
    assert_eq!(
        (status, &body["type"], &body["role"]),
        (200, &"message".into(), &"assistant".into())
    );
    let text = body["content"][0]["text"].as_str().expect("a text");
    assert!(text.starts_with("This is a sandbox answer to: Hello there."), "{text}");
    assert_eq!(body["stop_reason"], "end_turn");
    let usage = &body["usage"];
    assert_eq!((&usage["input_tokens"], &usage["output_tokens"]), (&11.into(), &20.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_its_input_first_and_its_output_last() {
    let bench = Bench::start();
    let mut body = hello();
    body["stream"] = true.into();
    body["max_tokens"] = 2.into();
    body["messages"][0]["content"] = "Hello there [[sandbox: cached_tokens=4]]".into();
    let events = events(ask(&bench, &body)).await;
    let kinds: Vec<&str> = events.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    let data: Vec<Value> = events.iter().map(|(_, data)| json(data)).collect();
    for (kind, data) in kinds.iter().zip(&data) {
        assert_eq!(data["type"], *kind);
    }
    let usage = &data[0]["message"]["usage"];
    let (input, cached) = (&usage["input_tokens"], &usage["cache_read_input_tokens"]);
    assert_eq!((input, cached, &usage["output_tokens"]), (&9.into(), &4.into(), &1.into()));
    assert_eq!(data[0]["message"]["content"], json!([]));
    assert_eq!(data[1]["content_block"], json!({"type": "text", "text": ""}));
    assert_eq!(data[4]["delta"], json!({"type": "text_delta", "text": " is"}));
    let stopped = json!({"stop_reason": "max_tokens", "stop_sequence": null});
    assert_eq!(data[6]["delta"], stopped);
    assert_eq!(data[6]["usage"], json!({"output_tokens": 2}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_is_used_until_its_result_is_there() {
    let bench = Bench::start();
    let mut body = hello();
    body["tools"] = weather();
    let (_, answer) = read(ask(&bench, &body)).await;
    assert_eq!(answer["stop_reason"], "tool_use");
    let call = &answer["content"][0];
    assert_eq!((&call["type"], &call["input"]), (&"tool_use".into(), &json!({"city": "sandbox"})));
    let messages = body["messages"].as_array_mut().expect("messages");
    messages.push(json!({"role": "assistant", "content": answer["content"]}));
    messages.push(json!({"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": call["id"], "content": "sunny and warm"}]}));
    let (status, answer) = read(ask(&bench, &body)).await;
    assert_eq!((status, &answer["stop_reason"]), (200, &"end_turn".into()));
    // Three for each of four messages; 3 + 2 words, and 3 of the tool.
    assert_eq!(answer["usage"]["input_tokens"], 20);
    let text = answer["content"][0]["text"].as_str().expect("a text");
    assert!(text.contains("Hello there."), "{text}");
    body["messages"][2]["content"][0]["tool_use_id"] = "toolu_other".into();
    assert_eq!(read(ask(&bench, &body)).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tools_input_is_streamed_as_pieces_of_json() {
    let bench = Bench::start();
    let mut body = hello();
    body["tools"] = weather();
    body["stream"] = true.into();
    body["tool_choice"] = json!({"type": "tool", "name": "weather"});
    let events = events(ask(&bench, &body)).await;
    let data: Vec<Value> = events.iter().map(|(_, data)| json(data)).collect();
    assert_eq!(data[1]["content_block"]["type"], "tool_use");
    assert_eq!(data[1]["content_block"]["input"], json!({}));
    let pieces: Vec<&str> =
        data.iter().filter_map(|data| data["delta"]["partial_json"].as_str()).collect();
    assert_eq!(pieces[0], "");
    assert_eq!(json(&pieces.concat()), json!({"city": "sandbox"}));
    assert_eq!(data[data.len() - 2]["delta"]["stop_reason"], "tool_use");
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_answered_in_the_vendors_shape() {
    let bench = Bench::start();
    for (field, value, status, kind) in [
        ("max_tokens", Value::Null, 400, "invalid_request_error"),
        ("max_tokens", 0.into(), 400, "invalid_request_error"),
        ("model", "claude-99".into(), 404, "not_found_error"),
        ("messages", json!([{"role": "system", "content": "x"}]), 400, "invalid_request_error"),
        ("n", 1.into(), 400, "invalid_request_error"),
        ("temperature", json!(1.5), 400, "invalid_request_error"),
    ] {
        let mut body = hello();
        body[field] = value;
        let (found, body) = read(ask(&bench, &body)).await;
        assert_eq!((found, &body["type"]), (status, &"error".into()), "{field}");
        assert_eq!(body["error"]["type"], kind);
    }
    let bare = || bench.post("/anthropic/v1/messages").json(&hello());
    let (status, body) = read(bare().header("anthropic-version", "2023-06-01")).await;
    assert_eq!((status, &body["error"]["type"]), (401, &"authentication_error".into()));
    let bad = bare().header("anthropic-version", "2023-06-01").header("x-api-key", "sk-1");
    assert_eq!(read(bad).await.0, 401);
    let (status, body) = read(bare().header("x-api-key", "sk-ant-1")).await;
    assert_eq!((status, &body["error"]["type"]), (400, &"invalid_request_error".into()));
    let other = bare().header("x-api-key", "sk-ant-1").header("anthropic-version", "2026-10-21");
    assert_eq!(read(other).await.0, 400);
}
