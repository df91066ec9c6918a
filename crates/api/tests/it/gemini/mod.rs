//! Calling models in Google's format, whatever provider runs them.
mod content;
mod counting;
mod keys;
mod models;
mod refusals;
mod streams;
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

fn asking(text: &str) -> Value {
    json!({
        "systemInstruction": { "parts": [{ "text": "Be brief." }] },
        "contents": [{ "role": "user", "parts": [{ "text": text }] }],
        "generationConfig": { "maxOutputTokens": 100 },
    })
}

/// The same request, with this in its configuration.
fn configured(mut body: Value, field: &str, value: Value) -> Value {
    body["generationConfig"][field] = value;
    body
}

/// The same request, changed.
fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

/// The same request, with a function that has to be called.
fn with_tool(body: Value) -> Value {
    let schema = json!({ "type": "OBJECT", "properties": { "city": { "type": "STRING" } },
        "required": ["city"] });
    let declaration = json!({ "name": "get_weather", "parameters": schema });
    let body = with(body, "tools", json!([{ "functionDeclarations": [declaration] }]));
    with(body, "toolConfig", json!({ "functionCallingConfig": { "mode": "ANY" } }))
}

/// The same request, after the model called a function that answered so.
fn going_on(mut body: Value, said: &Value, answers: Value) -> Value {
    body["toolConfig"] = json!({ "functionCallingConfig": { "mode": "NONE" } });
    let contents = body["contents"].as_array_mut().expect("contents");
    contents.push(said.clone());
    contents.push(json!({ "role": "user", "parts": answers }));
    body
}

/// All the text that one candidate has in these responses.
fn text_of(responses: &[Value], index: u64) -> String {
    let candidates = responses.iter().filter_map(|response| response["candidates"].as_array());
    let of = candidates.flatten().filter(|candidate| candidate["index"] == index);
    let parts = of.filter_map(|candidate| candidate["content"]["parts"].as_array()).flatten();
    parts.filter(|part| part["thought"] != true).filter_map(|part| part["text"].as_str()).collect()
}

impl Answer {
    /// What it tells in Google's shape, after a look at that: the error, and our code.
    #[track_caller]
    fn google_error(&self, status: u16, kind: &str) -> (Value, String) {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        let error = self.with(status)["error"].clone();
        assert_eq!((&error["code"], &error["status"]), (&status.into(), &kind.into()), "{error}");
        let detail = |kind: &str| {
            let of = format!("type.googleapis.com/google.rpc.{kind}");
            let mut details = error["details"].as_array().expect("details").iter();
            details.find(|detail| detail["@type"] == *of).cloned().unwrap_or_default()
        };
        let request = detail("RequestInfo")["requestId"].clone();
        assert_eq!(request.as_str(), self.header("x-request-id"), "{error}");
        let reason = detail("ErrorInfo")["reason"].as_str().expect("a reason").to_owned();
        let field = detail("BadRequest")["fieldViolations"][0]["field"].clone();
        (field, reason)
    }
}

impl Program {
    /// Asks in Google's format, below one version of it or the other.
    async fn google(&self, version: &str, model: &str, action: &str, body: &Value) -> Answer {
        let path = format!("/{version}/models/{model}:{action}");
        let request = self.http.request("POST", &path).header("x-goog-api-key", &self.key);
        send(request.json(body)).await
    }

    async fn content(&self, model: &str, body: &Value) -> Answer {
        self.google("v1beta", model, "generateContent", body).await
    }

    /// The responses of a stream, in their order.
    async fn responses(&self, model: &str, body: &Value) -> (Answer, Vec<Value>) {
        let answer = self.google("v1beta", model, "streamGenerateContent?alt=sse", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        let response = |block: &str| {
            let data = block.trim_start().strip_prefix("data: ").expect("data");
            serde_json::from_str(data).expect("JSON")
        };
        let blocks = answer.text.split("\n\n").filter(|block| !block.trim().is_empty());
        let responses = blocks.map(response).collect();
        (answer, responses)
    }
}
