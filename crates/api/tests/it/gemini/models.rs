//! Which models there are, in Google's shape.
use serde_json::{Value, json};

use crate::app::{
    TestApp,
    caller::{Program, send},
};

async fn list(program: &Program, path: &str) -> Value {
    let request = program.http.request("GET", path).header("x-goog-api-key", &program.key);
    send(request).await.with(200)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_models_are_listed_in_either_shape() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let as_openai = program.models().await.with(200);
    let ids: Vec<String> = as_openai["data"]
        .as_array()
        .expect("models")
        .iter()
        .map(|model| format!("models/{}", model["id"].as_str().expect("an id")))
        .collect();
    // Google's newest clients ask below /v1, where only the key tells whose they are.
    for path in ["/v1beta/models", "/v1/models"] {
        let listed = list(&program, path).await;
        let models = listed["models"].as_array().expect("models");
        let names: Vec<_> = models.iter().map(|it| it["name"].as_str().expect("a name")).collect();
        assert_eq!(names, ids);
        assert!(models.iter().all(|model| model["inputTokenLimit"].is_u64()), "{listed}");
    }
    let shown = list(&program, "/v1beta/models/gemini-1.5-flash").await;
    assert_eq!(
        shown,
        json!({ "name": "models/gemini-1.5-flash", "displayName": "gemini-1.5-flash",
            "inputTokenLimit": 128_000, "outputTokenLimit": 8_192,
            "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"] })
    );
    assert_eq!(list(&program, "/v1/models/gemini-1.5-flash").await, shown);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_comes_in_pages() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let all = list(&program, "/v1beta/models").await["models"].clone();
    let (mut found, mut token) = (Vec::new(), String::new());
    for _ in 0..100 {
        let path = format!("/v1beta/models?pageSize=2&pageToken={token}");
        let page = list(&program, &path).await;
        found.extend(page["models"].as_array().expect("models").clone());
        let Some(next) = page["nextPageToken"].as_str() else { break };
        token = next.to_owned();
    }
    assert_eq!(Value::from(found), all);
    let request = program.http.request("GET", "/v1beta/models?pageToken=x");
    let refused = send(request.header("x-goog-api-key", &program.key)).await;
    assert_eq!(refused.google_error(400, "INVALID_ARGUMENT").0, "pageToken");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_of_two_formats_do_not_collide() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let shown = send(program.request("GET", "/v1/models/gpt-4o-mini")).await.with(200);
    assert_eq!(shown["object"], "model");
    let refused = send(program.request("POST", "/v1/models/gpt-4o-mini")).await;
    refused.error(405, "route.method_not_allowed");
    for (method, path, status, kind) in [
        ("POST", "/v1/models/gpt-4o-mini:nothing", 405, "UNIMPLEMENTED"),
        ("PUT", "/v1beta/models/gpt-4o-mini:generateContent", 405, "UNIMPLEMENTED"),
        ("GET", "/v1beta/models/gpt-9", 404, "NOT_FOUND"),
        ("GET", "/v1beta/nothing", 404, "NOT_FOUND"),
    ] {
        send(program.request(method, path)).await.google_error(status, kind);
    }
    app.finish().await;
}
