//! The form of an answer and the effort that goes into it: said in one format, understood in every
//! other.
use std::fs;

use serde_json::{Value, json};

use super::{MODELS, THINKER, asking, put_together, with};
use crate::app::{
    Place, TestApp,
    caller::{saying, send},
};

/// The one model that is told how much to put into an answer, within every plan's reach.
const EFFORTFUL: &str = r#"
[[models]]
id = "effortful"
provider = "anthropic"
upstream = "claude-opus-4-5"
class = "small"
context_window = 200_000
output_cap = 64_000
released = 2025-11-24

[[models.prices]]
version = "free"
effective = 2025-11-24
free = true
"#;

fn schema() -> Value {
    json!({ "type": "object", "properties": { "a": { "type": "integer" } }, "required": ["a"],
        "additionalProperties": false })
}

fn formed(model: &str) -> Value {
    let format = json!({ "type": "json_schema", "schema": schema() });
    with(asking(model, "hello"), "output_config", json!({ "format": format }))
}

fn read(text: &Value) -> Value {
    serde_json::from_str(text.as_str().expect("a text")).expect("JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_follows_its_schema_whatever_format_asks_for_it() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let message = program.message(&formed(THINKER)).await.with(200);
    assert_eq!(read(&message["content"][0]["text"]), json!({ "a": 1 }));
    assert_eq!(message["stop_reason"], "end_turn");
    let (_, events) = program.events(&formed(THINKER)).await;
    assert_eq!(put_together(&events)["content"], message["content"]);

    let mut chat = saying(THINKER, "hello");
    chat["response_format"] =
        json!({ "type": "json_schema", "json_schema": { "name": "s", "schema": schema() } });
    let answer = program.chat(&chat).await.with(200);
    assert_eq!(read(&answer["choices"][0]["message"]["content"]), json!({ "a": 1 }));

    let form = json!({ "type": "json_schema", "name": "s", "schema": schema() });
    let asked = json!({ "model": THINKER, "input": "hello", "text": { "format": form } });
    let answer = send(program.request("POST", "/v1/responses").json(&asked)).await.with(200);
    assert_eq!(read(&answer["output"][0]["content"][0]["text"]), json!({ "a": 1 }));

    let dialect = json!({ "type": "OBJECT", "properties": { "a": { "type": "INTEGER" } },
        "required": ["a"] });
    let asked = json!({
        "contents": [{ "role": "user", "parts": [{ "text": "hello" }] }],
        "generationConfig": { "responseMimeType": "application/json", "responseSchema": dialect },
    });
    let path = format!("/v1beta/models/{THINKER}:generateContent");
    let answer = send(program.request("POST", &path).json(&asked)).await.with(200);
    let text = &answer["candidates"][0]["content"]["parts"][0]["text"];
    assert_eq!(read(text), json!({ "a": 1 }));

    // And the other way round.
    let told = program.message(&formed(MODELS[2])).await.with(200);
    assert_eq!(read(&told["content"][0]["text"]), json!({ "a": 1 }));
    program.message(&formed(MODELS[0])).await.with(200);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_effort_is_the_same_in_every_format() {
    let place = Place::sqlite().await;
    let prices = place.file("more.toml");
    fs::write(&prices, EFFORTFUL).expect("a price book");
    let prices = prices.to_str().expect("a path");
    let settings = [("CAPE_USAGE__MORE_PRICES", prices), ("CAPE_USAGE__LIMITS", "off")];
    let app = TestApp::at(place, &settings).await;
    let (_, program) = app.program("ada").await;
    let model = "effortful";
    let thinking = |config: Value| {
        let body = with(asking(model, "hello"), "max_tokens", json!(4_000));
        let body = with(body, "thinking", json!({ "type": "enabled", "budget_tokens": 2_048 }));
        with(body, "output_config", config)
    };
    for (effort, thoughts) in [("low", 2), ("medium", 4), ("high", 7)] {
        let told = program.message(&thinking(json!({ "effort": effort }))).await.with(200);
        let counted = &told["usage"]["output_tokens_details"]["thinking_tokens"];
        assert_eq!(*counted, json!(thoughts), "{told}");

        // Whoever shows thoughts of this model asks for them, and for how much of them.
        let mut chat = saying(model, "hello");
        chat["reasoning_effort"] = effort.into();
        chat["include_reasoning"] = true.into();
        let answer = program.chat(&chat).await.with(200);
        let counted = &answer["usage"]["completion_tokens_details"]["reasoning_tokens"];
        assert_eq!(*counted, json!(thoughts), "{answer}");

        let asked = json!({
            "contents": [{ "role": "user", "parts": [{ "text": "hello" }] }],
            "generationConfig": { "thinkingConfig": {
                "thinkingLevel": effort.to_uppercase(), "includeThoughts": true,
            } },
        });
        let path = format!("/v1beta/models/{model}:generateContent");
        let answer = send(program.request("POST", &path).json(&asked)).await.with(200);
        assert_eq!(answer["usageMetadata"]["thoughtsTokenCount"], thoughts, "{answer}");
    }
    let mut none = saying(model, "hello");
    none["reasoning_effort"] = "none".into();
    let answer = program.chat(&none).await.with(200);
    assert_eq!(answer["usage"]["completion_tokens_details"]["reasoning_tokens"], 0);
    // The vendor has a word that this model does not take: it says so itself.
    let refused = program.message(&thinking(json!({ "effort": "max" }))).await;
    let told = refused.anthropic_error(400, "invalid_request_error");
    assert!(told.contains("effort") && told.ends_with("(provider_rejected)"), "{told}");
    let refused = program.message(&thinking(json!({ "effort": "hardest" }))).await;
    let told = refused.anthropic_error(400, "invalid_request_error");
    assert!(told.contains("output_config.effort"), "{told}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_model_of_anthropic_does_not_take_is_refused_by_the_callers_name() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let form = json!({ "type": "json_schema", "json_schema": { "name": "s", "schema": schema() } });
    for (model, field, value) in [
        (MODELS[1], "response_format", form),
        (THINKER, "response_format", json!({ "type": "json_object" })),
        (THINKER, "reasoning_effort", json!("low")),
    ] {
        let mut body = saying(model, "hello");
        body[field] = value;
        let refused = program.chat(&body).await;
        assert_eq!(refused.error(400, "unsupported_parameter")["param"], field);
    }
    let asked = json!({ "model": THINKER, "input": "hello", "reasoning": { "effort": "low" } });
    let refused = send(program.request("POST", "/v1/responses").json(&asked)).await;
    assert_eq!(refused.error(400, "unsupported_parameter")["param"], "reasoning.effort");
    app.finish().await;
}
