//! The form of Anthropic's answers and how much goes into them, and which models know neither.
use cape_domain::{
    json::RawJson,
    usage::{ChatProvider as _, ChatRequest, Reasoning},
};
use serde_json::{Value, json};
use tokio::join;

use super::{
    anthropic, request,
    vendor::{Vendor, whole},
};

const SCHEMA: &str =
    r#"{"type":"json_schema","json_schema":{"name":"s","strict":true,"schema":{"type":"object"}}}"#;

/// What is sent for this.
async fn sent(request: &ChatRequest) -> Value {
    let vendor = Vendor::open().await;
    let provider = anthropic(&vendor.url());
    let refusal = whole("500 Failure", "", "");
    let (asked, _) = join!(vendor.play(&refusal), provider.complete(request));
    asked.body
}

fn with_effort(model: &str, effort: &str) -> ChatRequest {
    let reasoning = Reasoning { effort: Some(effort.to_owned()), ..Reasoning::default() };
    ChatRequest { model: model.to_owned(), reasoning, ..request() }
}

fn with_schema(model: &str) -> ChatRequest {
    let response_format = Some(RawJson::new(SCHEMA));
    ChatRequest { model: model.to_owned(), response_format, ..request() }
}

#[tokio::test]
async fn a_schema_and_an_effort_stand_in_one_place() {
    let both = ChatRequest {
        reasoning: with_effort("m", "medium").reasoning,
        ..with_schema("claude-opus-4-5")
    };
    let expected = json!({
        "effort": "medium", "format": { "type": "json_schema", "schema": { "type": "object" } },
    });
    assert_eq!(sent(&both).await["output_config"], expected);
    assert_eq!(sent(&request()).await.get("output_config"), None);
    let text =
        ChatRequest { response_format: Some(RawJson::new(r#"{"type":"text"}"#)), ..request() };
    assert_eq!(sent(&text).await.get("output_config"), None);
}

#[tokio::test]
async fn every_effort_has_its_word() {
    for (effort, word) in [
        ("minimal", "low"),
        ("low", "low"),
        ("medium", "medium"),
        ("high", "high"),
        ("xhigh", "xhigh"),
        ("max", "max"),
    ] {
        let body = sent(&with_effort("claude-opus-4-5", effort)).await;
        assert_eq!(body["output_config"], json!({ "effort": word }));
        assert_eq!(body.get("thinking"), None, "{effort}");
    }
    let none = sent(&with_effort("claude-haiku-4-5", "none")).await;
    assert_eq!(none["thinking"], json!({ "type": "disabled" }));
    assert_eq!(none.get("output_config"), None);
}

#[tokio::test]
async fn an_effort_goes_together_with_a_budget_unless_it_is_none() {
    let reasoning = |effort: &str, budget| Reasoning {
        effort: Some(effort.to_owned()),
        budget: Some(budget),
        shown: true,
    };
    let asked = |effort: &str, budget| ChatRequest {
        max_output_tokens: 4_000,
        reasoning: reasoning(effort, budget),
        ..request()
    };
    let body = sent(&asked("low", 2_048)).await;
    assert_eq!(body["output_config"]["effort"], "low");
    assert_eq!(body["thinking"]["budget_tokens"], 2_048);
    assert_eq!(sent(&asked("none", 0)).await["thinking"], json!({ "type": "disabled" }));
    let refused = anthropic("http://127.0.0.1:9").check(&asked("none", 2_048)).err();
    assert_eq!(refused.map(|it| it.parameter).as_deref(), Some("reasoning_effort"));
}

#[test]
fn models_that_know_neither_are_not_asked_for_it() {
    let provider = anthropic("http://127.0.0.1:9");
    let (hard, format) = (Some("reasoning_effort"), Some("response_format"));
    for (model, for_effort, for_schema) in [
        ("claude-3-haiku-20240307", hard, format),
        ("claude-sonnet-4-20250514", hard, format),
        ("claude-opus-4-1", hard, None),
        ("claude-haiku-4-5", hard, None),
        ("claude-sonnet-4-5-20250929", hard, None),
        ("claude-opus-4-5", None, None),
        ("claude-sonnet-4-6", None, None),
        ("claude-haiku-5", None, None),
    ] {
        let refused = |request| provider.check(&request).err().map(|error| error.parameter);
        assert_eq!(refused(with_effort(model, "low")).as_deref(), for_effort, "{model}");
        assert_eq!(refused(with_schema(model)).as_deref(), for_schema, "{model}");
    }
}
