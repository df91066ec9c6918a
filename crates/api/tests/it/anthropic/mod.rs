//! Calling models in Anthropic's format, whatever provider runs them.
mod content;
mod counting;
mod messages;
mod output;
mod refusals;
mod thinking;

use serde_json::{Value, json};

use crate::app::{
    Answer,
    caller::{Program, send},
};

/// What a new workspace is given, in millionths of a credit.
const WELCOME: i64 = 100_000_000;
/// One of each provider.
const MODELS: [&str; 3] = ["gpt-4o-mini", "claude-3-haiku", "gemini-1.5-flash"];
/// One of Anthropic's that thinks.
const THINKER: &str = "claude-haiku-4-5";

fn asking(model: &str, text: &str) -> Value {
    json!({
        "model": model,
        "max_tokens": 100,
        "system": "Be brief.",
        "messages": [{ "role": "user", "content": text }],
    })
}

/// The same, with a tool.
fn offering(mut body: Value) -> Value {
    let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
    body["tools"] = json!([{ "name": "get_weather", "input_schema": schema }]);
    body
}

/// The same, with a tool that has to be called.
fn with_tool(body: Value) -> Value {
    let mut body = offering(body);
    body["tool_choice"] = json!({ "type": "any" });
    body
}

/// The smallest picture there is.
fn picture() -> Value {
    json!({ "type": "image", "source": {
        "type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo=",
    } })
}

/// The same request, changed.
fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

impl Program {
    async fn message(&self, body: &Value) -> Answer {
        let request = self.http.request("POST", "/v1/messages").header("x-api-key", &self.key);
        send(request.json(body)).await
    }

    async fn count_tokens(&self, body: &Value) -> Answer {
        let request = self.http.request("POST", "/v1/messages/count_tokens");
        send(request.header("x-api-key", &self.key).json(body)).await
    }

    /// The events of an answer, each with its name, in their order.
    async fn events(&self, body: &Value) -> (Answer, Vec<(String, Value)>) {
        let mut body = body.clone();
        body["stream"] = true.into();
        let answer = self.message(&body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        let event = |block: &str| {
            let (name, data) = block.split_once('\n').expect("two lines");
            let name = name.strip_prefix("event: ").expect("a name").to_owned();
            let data = data.strip_prefix("data: ").expect("data");
            let data: Value = serde_json::from_str(data).expect("JSON");
            assert_eq!(data["type"], *name);
            (name, data)
        };
        let events =
            answer.text.split("\n\n").filter(|block| !block.is_empty()).map(event).collect();
        (answer, events)
    }
}

/// The message that events make, block by block. One block is open at a time.
fn put_together(events: &[(String, Value)]) -> Value {
    let mut message = events[0].1["message"].clone();
    let mut open = None;
    for (name, data) in &events[1..] {
        let blocks = message["content"].as_array_mut().expect("blocks");
        match name.as_str() {
            "content_block_start" => {
                assert_eq!((open, &data["index"]), (None, &json!(blocks.len())), "{data}");
                open = data["index"].as_u64();
                blocks.push(data["content_block"].clone());
            }
            "content_block_delta" => {
                assert_eq!(data["index"].as_u64(), open, "{data}");
                add(blocks.last_mut().expect("a block"), &data["delta"]);
            }
            "content_block_stop" => {
                assert_eq!(data["index"].as_u64(), open.take(), "{data}");
            }
            "message_delta" => {
                message["stop_reason"] = data["delta"]["stop_reason"].clone();
                message["usage"] = data["usage"].clone();
            }
            "message_stop" => assert_eq!(open, None),
            "ping" => {}
            other => panic!("{other}: {data}"),
        }
    }
    for block in message["content"].as_array_mut().expect("blocks") {
        if let Some(json) = block["input"].as_str() {
            block["input"] = serde_json::from_str(json).expect("JSON");
        }
    }
    message
}

fn add(block: &mut Value, delta: &Value) {
    for (field, of) in [
        ("text", "text"),
        ("thinking", "thinking"),
        ("signature", "signature"),
        ("input", "partial_json"),
    ] {
        if let Some(more) = delta[of].as_str() {
            let so_far = block[field].as_str().unwrap_or_default();
            block[field] = format!("{so_far}{more}").into();
        }
    }
}
