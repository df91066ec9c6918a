//! Counting tokens beforehand.
use serde_json::json;

use super::{WELCOME, asking, with_tool};
use crate::app::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_counted_by_the_provider_and_cost_nothing() {
    let app = TestApp::on_sqlite(&[]).await;
    for model in ["claude-3-haiku", "gemini-1.5-flash"] {
        let (owner, program) = app.program(&model.replace('.', "-")).await;
        let contents = json!({ "contents": asking("hello")["contents"] });
        let mut whole = asking("hello");
        whole["model"] = format!("models/{model}").into();
        let whole = json!({ "generateContentRequest": whole });
        for version in ["v1", "v1beta"] {
            let counted = program.google(version, model, "countTokens", &contents).await.with(200);
            assert_eq!(counted, json!({ "totalTokens": 4 }));
            let counted = program.google(version, model, "countTokens", &whole).await.with(200);
            assert_eq!(counted, json!({ "totalTokens": 9 }), "the instructions count");
        }
        owner.has(WELCOME).await;
        assert_eq!(owner.get("/api/usage/records").await.with(200)["data"], json!([]));
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_that_cannot_be_made_is_refused_in_googles_shape() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let count =
        async |model: &str, body| program.google("v1beta", model, "countTokens", &body).await;
    let model = "gemini-1.5-flash";
    let both =
        json!({ "contents": asking("a")["contents"], "generateContentRequest": asking("a") });
    let (field, _) = count(model, both).await.google_error(400, "INVALID_ARGUMENT");
    assert_eq!(field, "contents");
    let (field, _) = count(model, with_tool(json!({}))).await.google_error(400, "INVALID_ARGUMENT");
    assert_eq!(field, "toolConfig");
    let (field, _) = count(model, json!({})).await.google_error(400, "INVALID_ARGUMENT");
    assert_eq!(field, "contents");
    let other = json!({ "generateContentRequest": { "model": "models/x", "contents": asking("a")["contents"] } });
    let (field, _) = count(model, other).await.google_error(400, "INVALID_ARGUMENT");
    assert_eq!(field, "model");
    let broken = json!({ "contents": asking("[[sandbox: status=500]]")["contents"] });
    assert_eq!(count(model, broken).await.google_error(502, "INTERNAL").1, "PROVIDER_UNAVAILABLE");
    let unknown = count("gemini-0", asking("a")).await;
    assert_eq!(unknown.google_error(400, "INVALID_ARGUMENT").0, "generationConfig");
    let alone = json!({ "contents": asking("a")["contents"] });
    assert_eq!(count("gemini-0", alone).await.google_error(404, "NOT_FOUND").1, "MODEL_NOT_FOUND");
    app.finish().await;
}
