//! The form of an answer and the effort that goes into it, as an Anthropic client sees them.
use serde_json::{Value, json};

use super::{ask, hello, weather};
use crate::{Bench, events, json, read};

fn schema() -> Value {
    json!({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city", "days"], "additionalProperties": false})
}

fn with_config(model: &str, config: Value) -> Value {
    let mut body = hello();
    body["model"] = model.into();
    body["output_config"] = config;
    body
}

fn formed() -> Value {
    let format = json!({"type": "json_schema", "schema": schema()});
    with_config("claude-haiku-4-5", json!({ "format": format }))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_follows_a_schema_is_a_text() {
    let bench = Bench::start();
    let (_, answer) = read(ask(&bench, &formed())).await;
    let block = &answer["content"][0];
    assert_eq!((&block["type"], &answer["stop_reason"]), (&json!("text"), &json!("end_turn")));
    let text = block["text"].as_str().expect("a text");
    assert_eq!(json(text), json!({"city": "sandbox", "days": 1}));
    let pieces = text.len().div_ceil(8) as u64;
    assert_eq!(answer["usage"]["output_tokens"], pieces);

    let mut body = formed();
    body["stream"] = true.into();
    let events = events(ask(&bench, &body)).await;
    let data: Vec<Value> = events.iter().map(|(_, data)| json(data)).collect();
    let streamed: String = data.iter().filter_map(|data| data["delta"]["text"].as_str()).collect();
    assert_eq!(streamed, text);
    assert_eq!(data[data.len() - 2]["delta"]["stop_reason"], "end_turn");

    let mut calling = formed();
    calling["tools"] = weather();
    let (_, answer) = read(ask(&bench, &calling)).await;
    assert_eq!(answer["stop_reason"], "tool_use", "a function is called all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn less_effort_is_fewer_thoughts() {
    let bench = Bench::start();
    for (config, thoughts) in [
        (json!({"effort": "low"}), 2),
        (json!({"effort": "medium"}), 4),
        (json!({"effort": "high"}), 7),
        (json!({}), 7),
    ] {
        let mut body = with_config("claude-opus-4-5", config);
        body["max_tokens"] = 4_000.into();
        body["thinking"] = json!({"type": "enabled", "budget_tokens": 2_048});
        let (_, answer) = read(ask(&bench, &body)).await;
        let usage = &answer["usage"];
        assert_eq!(usage["output_tokens_details"], json!({"thinking_tokens": thoughts}));
        assert_eq!(usage["output_tokens"], 20 + thoughts);
        let thought = answer["content"][0]["thinking"].as_str().expect("a thought");
        assert_eq!(thought.split_whitespace().count() as u64, thoughts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_form_or_effort_of_the_model_is_refused() {
    let bench = Bench::start();
    let of = |schema: Value| json!({"format": {"type": "json_schema", "schema": schema}});
    let open = json!({"type": "object", "properties": {}});
    let inner = json!({"type": "object", "properties": {"a": open}, "additionalProperties": false});
    for (model, config, told) in [
        ("claude-haiku-4-5", json!({"effort": "low"}), "does not support the effort parameter"),
        ("claude-opus-4-5", json!({"effort": "max"}), "output_config.effort"),
        ("claude-opus-4-5", json!({"mood": "sad"}), "output_config.mood"),
        (
            "claude-opus-4-5",
            json!({"format": {"type": "json_object"}}),
            "output_config.format.type",
        ),
        (
            "claude-opus-4-5",
            json!({"format": {"type": "json_schema"}}),
            "output_config.format.schema",
        ),
        ("claude-haiku-4-5", of(open.clone()), "'additionalProperties' must be"),
        ("claude-haiku-4-5", of(inner), "'additionalProperties' must be"),
        ("claude-3-haiku-20240307", of(schema()), "does not support output format"),
        ("claude-haiku-4-5", json!([]), "output_config"),
    ] {
        let (status, refused) = read(ask(&bench, &with_config(model, config))).await;
        let message = refused["error"]["message"].as_str().unwrap_or_default();
        assert!(status == 400 && message.contains(told), "{told}: {refused}");
    }
}
