//! What is refused, by its name in Google's format.
use serde_json::{Value, json};

use super::{WELCOME, asking, configured, going_on, with, with_tool};
use crate::app::TestApp;

fn parts(parts: Value) -> Value {
    with(asking(""), "contents", json!([{ "role": "user", "parts": parts }]))
}

/// Requests that nobody could carry out, with the field that is to blame.
fn nobody_can() -> Vec<(Value, &'static str)> {
    let config = |field: &str, value: Value| configured(asking("hello"), field, value);
    let inline =
        |kind: &str, data: &str| json!([{ "inlineData": { "mimeType": kind, "data": data } }]);
    let at = |uri: &str| json!([{ "fileData": { "fileUri": uri } }]);
    let uploaded = "https://generativelanguage.googleapis.com/v1beta/files/abc";
    vec![
        (with(asking("a"), "cachedContent", json!("x")), "cachedContent"),
        (with(asking("a"), "tools", json!([{ "googleSearch": {} }])), "tools[0].googleSearch"),
        (with(asking("a"), "contents", json!([])), "contents"),
        (with(asking("a"), "contents", json!("a")), "contents"),
        (with(asking("a"), "model", json!("models/other")), "model"),
        (config("speechConfig", json!({})), "generationConfig.speechConfig"),
        (config("responseModalities", json!(["IMAGE"])), "generationConfig.responseModalities"),
        (config("temperature", json!(2.5)), "generationConfig.temperature"),
        (config("temperature", json!("hot")), "generationConfig.temperature"),
        (config("topP", json!(1.5)), "generationConfig.topP"),
        (config("topK", json!(0)), "generationConfig.topK"),
        (config("topK", json!(1.5)), "generationConfig.topK"),
        (config("candidateCount", json!(9)), "generationConfig.candidateCount"),
        (config("candidateCount", json!(0)), "generationConfig.candidateCount"),
        (config("logprobs", json!(1)), "generationConfig.logprobs"),
        (config("maxOutputTokens", json!(0)), "generationConfig.maxOutputTokens"),
        (config("responseMimeType", json!("text/x.enum")), "generationConfig.responseMimeType"),
        (config("responseSchema", json!(7)), "generationConfig.responseSchema"),
        (
            config("mediaResolution", json!("MEDIA_RESOLUTION_MEDIUM")),
            "generationConfig.mediaResolution",
        ),
        (
            config("thinkingConfig", json!({ "thinkingBudget": -2 })),
            "generationConfig.thinkingConfig.thinkingBudget",
        ),
        (
            config("thinkingConfig", json!({ "thinkingLevel": "VERY" })),
            "generationConfig.thinkingConfig.thinkingLevel",
        ),
        (parts(json!([])), "contents[0].parts"),
        (parts(json!([{}])), "contents[0].parts[0]"),
        (parts(json!([{ "text": "a", "functionCall": { "name": "f" } }])), "contents[0].parts[0]"),
        (
            parts(json!([{ "text": "a" }, { "functionCall": { "name": "f" } }])),
            "contents[0].parts[1]",
        ),
        (parts(json!([{ "executableCode": {} }])), "contents[0].parts[0].executableCode"),
        (parts(inline("application/pdf", "AAAA")), "contents[0].parts[0].inlineData.mimeType"),
        (parts(inline("image/png", "?")), "contents[0].parts[0].inlineData.data"),
        (parts(at("gs://bucket/a.png")), "contents[0].parts[0].fileData.fileUri"),
        (parts(at(uploaded)), "contents[0].parts[0].fileData.fileUri"),
        (
            parts(json!([{ "functionResponse": { "name": "f", "response": {} } }])),
            "contents[0].parts[0].functionResponse",
        ),
        (
            with(
                asking("a"),
                "contents",
                json!([{ "role": "system", "parts": [{ "text": "a" }] }]),
            ),
            "contents[0].role",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_can_carry_out_is_refused_by_name_and_costs_nothing() {
    let app = TestApp::on_sqlite(&[]).await;
    let (owner, program) = app.program("ada").await;
    for (body, named) in nobody_can() {
        let refused = program.content("gemini-1.5-flash", &body).await;
        let (field, _) = refused.google_error(400, "INVALID_ARGUMENT");
        assert_eq!(field, named, "{}", refused.text);
    }
    owner.has(WELCOME).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_that_do_not_fit_are_refused_by_name() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let config = |config: Value| {
        with(with_tool(asking("a")), "toolConfig", json!({ "functionCallingConfig": config }))
    };
    let declared = |declaration: Value| {
        with(asking("a"), "tools", json!([{ "functionDeclarations": [declaration] }]))
    };
    let at = "toolConfig.functionCallingConfig";
    for (body, named) in [
        (config(json!({ "mode": "SOMETIMES" })), format!("{at}.mode")),
        (
            config(json!({ "allowedFunctionNames": ["get_weather"] })),
            format!("{at}.allowedFunctionNames"),
        ),
        (
            config(json!({ "mode": "ANY", "allowedFunctionNames": ["f"] })),
            format!("{at}.allowedFunctionNames"),
        ),
        (declared(json!({ "name": "" })), "tools.functionDeclarations[0].name".to_owned()),
        (
            declared(json!({ "name": "f", "behavior": "NON_BLOCKING" })),
            "tools[0].functionDeclarations[0].behavior".to_owned(),
        ),
        (
            declared(json!({ "name": "f", "parameters": {}, "parametersJsonSchema": {} })),
            "tools.functionDeclarations[0].parameters".to_owned(),
        ),
    ] {
        let refused = program.content("gemini-1.5-flash", &body).await;
        assert_eq!(refused.google_error(400, "INVALID_ARGUMENT").0, named, "{}", refused.text);
    }
    for allowed in [json!(["get_weather"]), json!([])] {
        let one = config(json!({ "mode": "ANY", "allowedFunctionNames": allowed }));
        program.content("gpt-4o-mini", &one).await.with(200);
    }
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_provider_has_no_word_for_is_refused_by_the_callers_name() {
    let app = TestApp::on_sqlite(&[]).await;
    let (owner, program) = app.program("ada").await;
    let config = |field: &str, value: Value| configured(asking("hello"), field, value);
    for (model, body, named) in [
        ("claude-3-haiku", config("seed", json!(7)), "generationConfig.seed"),
        ("claude-3-haiku", config("candidateCount", json!(2)), "generationConfig.candidateCount"),
        (
            "claude-3-haiku",
            config("responseLogprobs", json!(true)),
            "generationConfig.responseLogprobs",
        ),
        ("claude-3-haiku", config("presencePenalty", json!(1)), "generationConfig.presencePenalty"),
        (
            "claude-3-haiku",
            config("responseMimeType", json!("application/json")),
            "generationConfig.responseMimeType",
        ),
        ("gpt-4o-mini", config("topK", json!(7)), "generationConfig.topK"),
        ("gemini-1.5-flash", config("seed", json!(5_000_000_000_i64)), "generationConfig.seed"),
    ] {
        let refused = program.content(model, &body).await;
        let (field, reason) = refused.google_error(400, "INVALID_ARGUMENT");
        assert_eq!((field, reason.as_str()), (json!(named), "UNSUPPORTED_PARAMETER"), "{model}");
    }
    owner.has(WELCOME).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_are_told_in_googles_words() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let model = "gemini-1.5-flash";
    let unknown = program.content("gemini-0", &asking("hello")).await;
    assert_eq!(unknown.google_error(404, "NOT_FOUND").1, "MODEL_NOT_FOUND");
    for (status, told, kind, reason) in [
        (400, 400, "INVALID_ARGUMENT", "PROVIDER_REJECTED"),
        (504, 504, "DEADLINE_EXCEEDED", "PROVIDER_TIMEOUT"),
        (500, 502, "INTERNAL", "PROVIDER_UNAVAILABLE"),
    ] {
        let body = asking(&format!("[[sandbox: status={status}]]"));
        let answer = program.content(model, &body).await;
        assert_eq!(answer.google_error(told, kind).1, reason);
    }
    let request = program.request("POST", "/v1beta/models/gemini-1.5-flash:generateContent");
    let malformed = crate::app::caller::send(request.body("{")).await;
    assert_eq!(malformed.google_error(400, "INVALID_ARGUMENT").1, "INVALID_REQUEST");
    let odd = program.google("v1beta", model, "generateContent?alt=proto", &asking("a")).await;
    assert_eq!(odd.google_error(400, "INVALID_ARGUMENT").0, "alt");
    let odd = program.google("v1beta", model, "generateContent?fields=a", &asking("a")).await;
    assert_eq!(odd.google_error(400, "INVALID_ARGUMENT").1, "REQUEST_QUERY");
    let said = json!({ "role": "model", "parts": [{ "text": "Hi" }] });
    let lost = json!([{ "functionResponse": { "name": "f", "response": {} } }]);
    let lost = program.content(model, &going_on(asking("a"), &said, lost)).await;
    let (field, _) = lost.google_error(400, "INVALID_ARGUMENT");
    assert_eq!(field, "contents[2].parts[0].functionResponse");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_to_wait_is_told_how_long_in_both_places() {
    let app = TestApp::on_sqlite(&[]).await;
    let (_, program) = app.program("ada").await;
    let busy = asking("[[sandbox: status=429, retry_after=7]]");
    let answer = program.content("gemini-1.5-flash", &busy).await;
    answer.google_error(503, "UNAVAILABLE");
    assert_eq!(answer.header("retry-after"), Some("7"));
    assert!(answer.text.contains(r#""retryDelay":"7s""#), "{}", answer.text);
    app.finish().await;
}
