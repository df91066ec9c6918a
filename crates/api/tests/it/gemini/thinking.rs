//! Thoughts, and what proves that they are the model's.
use serde_json::{Value, json};

use super::{asking, configured, going_on, text_of, with, with_tool};
use crate::app::TestApp;

/// Models that think and show it.
const THINKERS: [&str; 2] = ["gemini-2.5-flash", "claude-haiku-4-5"];

fn thinking(body: Value) -> Value {
    let body = configured(body, "maxOutputTokens", json!(2_000));
    let wish = json!({ "thinkingBudget": 1_024, "includeThoughts": true });
    configured(body, "thinkingConfig", wish)
}

fn thoughts(responses: &[Value]) -> String {
    let parts =
        responses.iter().filter_map(|it| it["candidates"][0]["content"]["parts"].as_array());
    let thought = parts.flatten().filter(|part| part["thought"] == true);
    thought.filter_map(|part| part["text"].as_str()).collect()
}

/// What the model said, put together as clients keep it: every part, in its order.
fn said(responses: &[Value]) -> Value {
    let parts =
        responses.iter().filter_map(|it| it["candidates"][0]["content"]["parts"].as_array());
    json!({ "role": "model", "parts": parts.flatten().cloned().collect::<Vec<_>>() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thoughts_are_shown_apart_from_what_is_said_and_are_paid() {
    let app = TestApp::on_sqlite(&[]).await;
    for model in THINKERS {
        let (owner, program) = app.program(&model.replace('.', "-")).await;
        let body = thinking(asking("hello"));
        let answer = program.content(model, &body).await;
        let whole = answer.with(200);
        let all = std::slice::from_ref(&whole);
        assert!(!thoughts(all).is_empty() && !text_of(all, 0).contains(&thoughts(all)), "{whole}");
        let (_, responses) = program.responses(model, &body).await;
        assert_eq!(
            (thoughts(&responses), text_of(&responses, 0)),
            (thoughts(all), text_of(all, 0))
        );
        let record = owner.record(answer.header("x-cape-call-id").expect("a call")).await;
        let usage = &whole["usageMetadata"];
        let counted = |value: &Value| value.as_u64().unwrap_or_default();
        assert_eq!(counted(&usage["candidatesTokenCount"]), counted(&record["tokens"]["output"]));
        assert_eq!(counted(&usage["thoughtsTokenCount"]), counted(&record["tokens"]["reasoning"]));
        let hidden = configured(body, "thinkingConfig", json!({ "thinkingBudget": 1_024 }));
        let told = program.content(model, &hidden).await.with(200);
        assert_eq!(thoughts(&[told]), "", "{model}");
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signatures_come_back_to_whoever_signed() {
    let app = TestApp::on_sqlite(&[]).await;
    for model in THINKERS {
        let (_, program) = app.program(&model.replace('.', "-")).await;
        let mut body = thinking(with_tool(asking("How is the weather?")));
        // Claude does not think where it has to call.
        body["toolConfig"] = json!({ "functionCallingConfig": { "mode": "AUTO" } });
        let whole = program.content(model, &body).await.with(200);
        let (_, responses) = program.responses(model, &body).await;
        for said in [whole["candidates"][0]["content"].clone(), said(&responses)] {
            assert!(said.to_string().contains("thoughtSignature"), "{said}");
            let answer = json!([{ "functionResponse": { "name": "get_weather",
                "response": { "sky": "blue" } } }]);
            let next = going_on(body.clone(), &said, answer.clone());
            let mut next = with(next, "toolConfig", body["toolConfig"].clone());
            program.content(model, &next).await.with(200);
            // As the clients in Python spell it.
            let spelled = next.to_string();
            let parts = next["contents"][1]["parts"].as_array_mut().expect("parts");
            for part in parts {
                if let Some(signature) = part["thoughtSignature"].as_str() {
                    let other = signature.replace('+', "-").replace('/', "_");
                    part["thoughtSignature"] = other.into();
                }
            }
            program.content(model, &next).await.with(200);
            let forged = spelled.replace("thoughtSignature\":\"", "thoughtSignature\":\"AAAA");
            let forged: Value = serde_json::from_str(&forged).expect("JSON");
            let refused = program.content(model, &forged).await;
            assert_eq!(refused.google_error(400, "INVALID_ARGUMENT").1, "PROVIDER_REJECTED");
        }
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_hard_to_think_is_told_to_who_thinks() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let level = |level: &str| {
        configured(asking("hello"), "thinkingConfig", json!({ "thinkingLevel": level }))
    };
    let mut body = level("LOW");
    body["generationConfig"]["maxOutputTokens"] = json!(2_000);
    for model in ["gpt-5-mini", "gemini-2.5-flash"] {
        let told = program.content(model, &body).await.with(200);
        let thought = told["usageMetadata"]["thoughtsTokenCount"].as_u64();
        assert!(thought.is_some_and(|count| count > 0), "{model} {told}");
    }
    let dynamic = configured(asking("hello"), "thinkingConfig", json!({ "thinkingBudget": -1 }));
    program.content("gpt-4o-mini", &dynamic).await.with(200);
    let refused = program.content("gemini-2.5-flash", &level("XHIGH")).await;
    let (field, reason) = refused.google_error(400, "INVALID_ARGUMENT");
    assert_eq!(field, "generationConfig.thinkingConfig.thinkingLevel");
    assert_eq!(reason, "UNSUPPORTED_PARAMETER");
    app.finish().await;
}
