//! What cannot be carried out, whoever runs the model, whole and in events.
use serde_json::{Value, json};

use super::{MODELS, WELCOME, asking, offering, picture, with};
use crate::app::{TestApp, caller::Program};

/// Refused by this name, by every model, and the same in events.
async fn refused(program: &Program, change: impl Fn(Value) -> Value, named: &str) {
    for model in MODELS {
        for streamed in [false, true] {
            let body = with(change(asking(model, "hello")), "stream", json!(streamed));
            let answer = program.message(&body).await;
            let told = answer.anthropic_error(400, "invalid_request_error");
            assert!(told.contains(named), "{model}, {named}: {told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parameter_that_nobody_can_carry_out_is_refused_by_name() {
    let app = TestApp::on_sqlite(&[("CAPE_USAGE__LIMITS", "off")]).await;
    let (owner, program) = app.program("ada").await;
    for (field, value, named) in [
        ("mcp_servers", json!([{ "url": "https://example.com" }]), "mcp_servers"),
        ("container", json!("c"), "container"),
        ("context_management", json!({ "edits": [{}] }), "context_management"),
        ("inference_geo", json!("eu"), "inference_geo"),
        ("service_tier", json!("priority"), "service_tier"),
        ("speed", json!("fast"), "speed"),
        ("temperature", json!(1.5), "temperature"),
        ("top_p", json!(1.5), "top_p"),
        ("top_k", json!(-1), "-1"),
        ("max_tokens", json!(0), "output_out_of_range"),
        ("max_tokens", json!(-1), "-1"),
        ("max_tokens", Value::Null, "null"),
        ("model", json!(1), "string"),
        ("messages", json!([]), "messages"),
        ("metadata", json!({ "plan": "gold" }), "metadata.plan"),
        ("output_config", json!({ "mood": "sad" }), "output_config.mood"),
        ("cache_control", json!({ "type": "ephemeral", "ttl": "1h" }), "cache_control.ttl"),
        ("cache_control", json!({ "type": "ephemeral", "ttl": "2m" }), "cache_control.ttl"),
        ("cache_control", json!({ "type": "eternal" }), "cache_control.type"),
    ] {
        refused(&program, |body| with(body, field, value.clone()), named).await;
    }
    // What asks for nothing is no matter.
    for (field, value) in [("container", Value::Null), ("mcp_servers", json!([]))] {
        program.message(&with(asking(MODELS[1], "hello"), field, value)).await.with(200);
    }
    let spent = owner.get("/api/usage/records").await.with(200);
    assert_eq!(spent["data"].as_array().map(Vec::len), Some(2), "{spent}");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_that_nobody_can_read_is_refused_by_its_place() {
    let app = TestApp::on_sqlite(&[("CAPE_USAGE__LIMITS", "off")]).await;
    let (owner, program) = app.program("ada").await;
    let hour = json!({ "type": "ephemeral", "ttl": "1h" });
    let file = json!({ "type": "image", "source": { "type": "file", "file_id": "f" } });
    let at = |url: &str| json!({ "type": "image", "source": { "type": "url", "url": url } });
    let mut bitmap = picture();
    bitmap["source"]["media_type"] = "image/bmp".into();
    let mut broken = picture();
    broken["source"]["data"] = "?".into();
    for (block, named) in [
        (
            json!({ "type": "document", "source": {} }),
            "`messages.0.content.0`, which is of type `document`",
        ),
        (json!({ "type": "search_result", "source": "s" }), "`search_result`"),
        (
            json!({ "type": "tool_use", "id": "t", "name": "f", "input": {} }),
            "messages.0.content.0",
        ),
        (json!({ "type": "thinking", "thinking": "a", "signature": "b" }), "messages.0.content.0"),
        (
            json!({ "type": "text", "text": "a", "citations": [{}] }),
            "messages.0.content.0.citations",
        ),
        (
            json!({ "type": "text", "text": "a", "cache_control": hour }),
            "content.0.cache_control.ttl",
        ),
        (file, "messages.0.content.0.source.file_id"),
        (at("http://example.com/a.png"), "messages.0.content.0.source.url"),
        (bitmap, "messages.0.content.0.source.media_type"),
        (broken, "messages.0.content.0.source.data"),
    ] {
        let turn = json!([{ "role": "user", "content": [block] }]);
        refused(&program, |body| with(body, "messages", turn.clone()), named).await;
    }
    for (turn, named) in [
        (json!({ "role": "system", "content": "a" }), "messages.0.role"),
        (json!({ "role": "user", "content": [] }), "messages.0.content"),
        (json!({ "role": "user", "content": "a", "name": "Ada" }), "messages.0.name"),
        (json!({ "role": "assistant", "content": [picture()] }), "messages.0.content.0"),
    ] {
        refused(&program, |body| with(body, "messages", json!([turn.clone()])), named).await;
    }
    for (tool, named) in [
        (json!({ "type": "web_search_20250305", "name": "web_search" }), "`web_search_20250305`"),
        (json!({ "type": "bash_20250124", "name": "bash" }), "`tools.0`"),
        (json!({ "name": "", "input_schema": {} }), "tools.0.name"),
        (
            json!({ "name": "f", "input_schema": {}, "defer_loading": true }),
            "tools.0.defer_loading",
        ),
        (
            json!({ "name": "f", "input_schema": {}, "cache_control": hour }),
            "tools.0.cache_control.ttl",
        ),
    ] {
        refused(&program, |body| with(offering(body), "tools", json!([tool.clone()])), named).await;
    }
    let system = json!([{ "type": "image", "source": {} }]);
    refused(&program, |body| with(body, "system", system.clone()), "system.0").await;
    owner.has(WELCOME).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_provider_has_no_word_for_is_named_as_the_caller_named_it() {
    let app = TestApp::on_sqlite(&[]).await;
    let (owner, program) = app.program("ada").await;
    let schema = json!({ "type": "json_schema", "schema": { "type": "object" } });
    for (model, field, value, named) in [
        (MODELS[0], "top_k", json!(5), "top_k"),
        (MODELS[1], "output_config", json!({ "effort": "low" }), "output_config.effort"),
        (MODELS[1], "output_config", json!({ "format": schema }), "output_config.format"),
    ] {
        for streamed in [false, true] {
            let body = with(asking(model, "hello"), field, value.clone());
            let answer = program.message(&with(body, "stream", json!(streamed))).await;
            let told = answer.anthropic_error(400, "invalid_request_error");
            assert!(told.contains(named) && told.contains("unsupported_parameter"), "{told}");
        }
    }
    program.message(&with(asking(MODELS[1], "hello"), "top_k", json!(5))).await.with(200);
    owner.get("/api/usage/records").await.with(200);
    app.finish().await;
}
