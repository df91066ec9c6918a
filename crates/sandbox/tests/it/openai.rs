//! Chat completions as an `OpenAI` client sees them.
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::{Bench, events, json, read};

fn ask(bench: &Bench, body: &Value) -> RequestBuilder {
    bench.post("/openai/v1/chat/completions").bearer_auth("sk-sandbox").json(body)
}

fn hello() -> Value {
    json!({"model": "gpt-4o-mini", "messages": [
        {"role": "system", "content": "You are brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hello there"}]},
    ]})
}

fn with(mut body: Value, fields: Value) -> Value {
    for (name, value) in fields.as_object().expect("fields") {
        body[name] = value.clone();
    }
    body
}

fn weather() -> Value {
    json!([{"type": "function", "function": {"name": "weather", "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city", "days"],
    }}}])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completion_repeats_the_question_and_counts_exactly() {
    let bench = Bench::start();
    let (status, body) = read(ask(&bench, &hello())).await;
    assert_eq!(status, 200);
    let choice = &body["choices"][0];
    let text = choice["message"]["content"].as_str().expect("a text");
    assert!(text.starts_with("This is a sandbox answer to: Hello there. alpha"), "{text}");
    assert_eq!(text.split(' ').count(), 20);
    assert_eq!((&choice["finish_reason"], &choice["logprobs"]), (&json!("stop"), &Value::Null));
    assert_eq!(body["object"], "chat.completion");
    assert_eq!(body["created"], crate::BEGINNING);
    let usage = &body["usage"];
    assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&11.into(), &20.into()));
    assert_eq!(usage["total_tokens"], 31);
    let (_, again) = read(ask(&bench, &hello())).await;
    assert_eq!(again["choices"], body["choices"]);
    assert_ne!(again["id"], body["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_a_role_then_tokens_then_an_end_then_usage() {
    let bench = Bench::start();
    let options = json!({"stream": true, "stream_options": {"include_usage": true},
        "max_tokens": 5});
    let events = events(ask(&bench, &with(hello(), options))).await;
    let (last, chunks) = events.split_last().expect("events");
    assert_eq!(last.1, "[DONE]");
    let chunks: Vec<Value> = chunks.iter().map(|(_, data)| json(data)).collect();
    assert_eq!(chunks.len(), 8);
    let (usage, spoken) = chunks.split_last().expect("chunks");
    assert_eq!(usage["choices"], json!([]));
    assert_eq!(usage["usage"]["completion_tokens"], 5);
    for chunk in spoken {
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert_eq!(chunk["id"], usage["id"]);
        assert_eq!(chunk.get("usage"), Some(&Value::Null));
        assert!(chunk["choices"][0].get("finish_reason").is_some());
        assert_eq!(chunk["choices"][0].get("logprobs"), Some(&Value::Null));
    }
    let role = json!({"role": "assistant", "content": "", "refusal": null});
    assert_eq!(spoken[0]["choices"][0]["delta"], role);
    let words = spoken[1..6].iter().map(|chunk| {
        assert_eq!(chunk["choices"][0]["finish_reason"], Value::Null);
        chunk["choices"][0]["delta"]["content"].as_str().expect("content").to_owned()
    });
    assert_eq!(words.collect::<Vec<_>>(), ["This", " is", " a", " sandbox", " answer"]);
    assert_eq!(spoken[6]["choices"][0]["finish_reason"], "length");
    assert_eq!(spoken[6]["choices"][0]["delta"], json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_no_usage_unless_asked() {
    let bench = Bench::start();
    let events = events(ask(&bench, &with(hello(), json!({"stream": true})))).await;
    assert_eq!(events.len(), 1 + 20 + 1 + 1);
    for (_, data) in &events[..22] {
        assert!(json(data).get("usage").is_none());
    }
    let end = json(&events[21].1);
    assert_eq!(end["choices"][0]["finish_reason"], "stop");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_is_called_until_its_result_is_there() {
    let bench = Bench::start();
    let asked = with(hello(), json!({"tools": weather()}));
    let (_, body) = read(ask(&bench, &asked)).await;
    let choice = &body["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(choice["message"]["content"], Value::Null);
    let call = &choice["message"]["tool_calls"][0];
    assert_eq!(call["function"]["name"], "weather");
    let arguments = json(call["function"]["arguments"].as_str().expect("a text"));
    assert_eq!(arguments, json!({"city": "sandbox", "days": 1}));

    let mut answered = asked.clone();
    let messages = answered["messages"].as_array_mut().expect("messages");
    messages.push(choice["message"].clone());
    messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": "sunny"}));
    let (status, body) = read(ask(&bench, &answered)).await;
    assert_eq!((status, &body["choices"][0]["finish_reason"]), (200, &"stop".into()));
    answered["messages"][3]["tool_call_id"] = "call_other".into();
    assert_eq!(read(ask(&bench, &answered)).await.0, 400);

    let (_, body) = read(ask(&bench, &with(asked, json!({"tool_choice": "none"})))).await;
    assert!(body["choices"][0]["message"]["content"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_call_is_streamed_in_pieces_of_its_arguments() {
    let bench = Bench::start();
    let options = json!({"tools": weather(), "stream": true,
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
        "stream_options": {"include_usage": true}});
    let events = events(ask(&bench, &with(hello(), options))).await;
    let chunks: Vec<Value> =
        events[..events.len() - 1].iter().map(|(_, data)| json(data)).collect();
    let first = &chunks[0]["choices"][0]["delta"]["tool_calls"][0];
    assert_eq!((&first["index"], &first["function"]["arguments"]), (&0.into(), &"".into()));
    assert!(first["id"].as_str().is_some_and(|id| id.starts_with("call_")));
    let pieces: Vec<&str> = chunks
        .iter()
        .skip(1)
        .filter_map(|chunk| {
            chunk["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].as_str()
        })
        .collect();
    assert!(pieces.len() > 1);
    assert_eq!(json(&pieces.concat()), json!({"city": "sandbox", "days": 1}));
    let end = &chunks[chunks.len() - 2]["choices"][0];
    assert_eq!(end["finish_reason"], "tool_calls");
    let output = &chunks[chunks.len() - 1]["usage"]["completion_tokens"];
    assert_eq!(output, &(pieces.len() + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_answered_in_the_vendors_shape() {
    let bench = Bench::start();
    for (fields, status, code) in [
        (json!({"model": "gpt-99"}), 404, "model_not_found"),
        (json!({"n": 129}), 400, "invalid_value"),
        (json!({"max_tokens": 0}), 400, "invalid_value"),
        (json!({"max_tokens": "5"}), 400, "invalid_type"),
        (json!({"messages": []}), 400, "invalid_value"),
        (json!({"messages": [{"role": "king", "content": "x"}]}), 400, "invalid_value"),
        (json!({"messages": [{"role": "user"}]}), 400, "missing_required_parameter"),
        (json!({"colour": "red"}), 400, "unknown_parameter"),
        (json!({"stream_options": {"include_usage": true}}), 400, "invalid_value"),
        (json!({"tool_choice": "auto"}), 400, "invalid_value"),
        (json!({"model": "o3", "max_tokens": 5}), 400, "unsupported_parameter"),
    ] {
        let (found, body) = read(ask(&bench, &with(hello(), fields.clone()))).await;
        assert_eq!((found, &body["error"]["code"]), (status, &code.into()), "{fields}");
        assert_eq!(body["error"]["type"], "invalid_request_error");
        assert!(body["error"]["message"].is_string());
    }
    let bodies = ["", "[]", "{", "\"x\"", "\u{feff}{}"];
    for body in bodies {
        let request = bench.post("/openai/v1/chat/completions").bearer_auth("sk-x").body(body);
        assert_eq!(read(request).await.0, 400, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_checked_and_models_are_listed() {
    let bench = Bench::start();
    for key in [Some("sk-bad"), Some("pk-1"), None] {
        let request = bench.get("/openai/v1/models");
        let request = key.into_iter().fold(request, RequestBuilder::bearer_auth);
        let (status, body) = read(request).await;
        assert_eq!((status, &body["error"]["code"]), (401, &"invalid_api_key".into()));
    }
    let (status, body) = read(bench.get("/openai/v1/models").bearer_auth("sk-1")).await;
    assert_eq!((status, body["data"].as_array().map(Vec::len)), (200, Some(9)));
    let (_, model) = read(bench.get("/openai/v1/models/o3").bearer_auth("sk-1")).await;
    assert_eq!(model["id"], "o3");
    let (status, body) = read(bench.get("/openai/v1/files").bearer_auth("sk-1")).await;
    assert_eq!((status, &body["error"]["code"]), (404, &"unknown_url".into()));
}
