//! Counting tokens: the provider is asked, and nothing is paid.
use serde_json::{Value, json};

use super::{MODELS, THINKER, WELCOME, asking, offering, picture, with};
use crate::app::{TestApp, caller::send};

fn counting(mut body: Value) -> Value {
    body.as_object_mut().expect("an object").remove("max_tokens");
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_is_what_the_call_will_be_told_and_costs_nothing() {
    let app = TestApp::on_sqlite(&[]).await;
    for model in MODELS {
        let (owner, program) = app.program(&model.replace('.', "-")).await;
        let body = asking(model, "How many words are these?");
        let counted = program.count_tokens(&counting(body.clone())).await.with(200);
        owner.has(WELCOME).await;
        assert_eq!(owner.get("/api/usage/records").await.with(200)["data"], json!([]));
        assert_eq!(owner.get("/api/usage/quota").await.with(200)["used"], 0);
        let answered = program.message(&body).await.with(200);
        assert_eq!(
            counted,
            json!({ "input_tokens": answered["usage"]["input_tokens"] }),
            "{model}"
        );
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_can_be_said_can_be_counted() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let mut body = counting(offering(asking(THINKER, "")));
    body["messages"][0]["content"] = json!([{ "type": "text", "text": "Look" }, picture()]);
    body["thinking"] = json!({ "type": "enabled", "budget_tokens": 2_048 });
    body["tool_choice"] = json!({ "type": "auto" });
    body["cache_control"] = json!({ "type": "ephemeral" });
    // Three for each of two messages; two words, one, and a picture.
    let counted = program.count_tokens(&body).await.with(200);
    assert_eq!(counted, json!({ "input_tokens": 3 + 2 + 3 + 1 + 85 }));
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_counted_is_told_in_anthropics_words() {
    let app = TestApp::on_sqlite(&[]).await;
    let (owner, program) = app.program("ada").await;
    let body = counting(asking(MODELS[1], "hello"));
    for (field, value, named) in [
        ("max_tokens", json!(5), "max_tokens"),
        ("stream", json!(true), "stream"),
        ("temperature", json!(0.5), "temperature"),
        ("messages", json!([]), "messages"),
        ("thinking", json!({ "type": "enabled", "budget_tokens": 1 }), "thinking.budget_tokens"),
        ("output_config", json!({ "effort": "low" }), "output_config.effort"),
    ] {
        let refused = program.count_tokens(&with(body.clone(), field, value)).await;
        let told = refused.anthropic_error(400, "invalid_request_error");
        assert!(told.contains(named), "{field}: {told}");
    }
    let unknown = program.count_tokens(&with(body.clone(), "model", json!("claude-0"))).await;
    unknown.anthropic_error(404, "not_found_error");
    let large = program.count_tokens(&with(body.clone(), "model", json!("claude-opus-4-5"))).await;
    large.anthropic_error(403, "permission_error");
    let failing = counting(asking(MODELS[1], "[[sandbox: status=500]]"));
    program.count_tokens(&failing).await.anthropic_error(502, "api_error");
    for request in [
        app.http.request("POST", "/v1/messages/count_tokens"),
        app.http.request("POST", "/v1/messages/count_tokens").bearer_auth(&owner.access),
    ] {
        send(request.json(&body)).await.anthropic_error(401, "authentication_error");
    }
    app.finish().await;
}
