//! Generated content as a Google client sees it.
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::{Bench, events, json, read, send};

const WHOLE: &str = "/gemini/v1beta/models/gemini-2.5-flash:generateContent";
const STREAM: &str = "/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent";

fn ask(bench: &Bench, path: &str, body: &Value) -> RequestBuilder {
    bench.post(path).header("x-goog-api-key", "AIza-sandbox").json(body)
}

fn hello() -> Value {
    json!({
        "systemInstruction": {"parts": [{"text": "You are brief."}]},
        "contents": [{"role": "user", "parts": [{"text": "Hello there"}]}],
    })
}

fn weather() -> Value {
    json!([{"functionDeclarations": [{"name": "weather", "parameters": {"type": "OBJECT",
        "properties": {"city": {"type": "STRING"}}, "required": ["city"]}}]}])
}

#[tokio::test(flavor = "multi_thread")]
async fn content_is_generated_with_usage_under_both_versions() {
    let bench = Bench::start();
    for path in [WHOLE, "/gemini/v1/models/gemini-2.5-flash:generateContent"] {
        let (status, body) = read(ask(&bench, path, &hello())).await;
        assert_eq!(status, 200);
        let candidate = &body["candidates"][0];
        let text = candidate["content"]["parts"][0]["text"].as_str().expect("a text");
        assert!(text.starts_with("This is a sandbox answer to: Hello there."), "{text}");
        assert_eq!(candidate["finishReason"], "STOP");
        let usage = &body["usageMetadata"];
        assert_eq!(usage["promptTokenCount"], 11);
        assert_eq!(usage["candidatesTokenCount"], 20);
        assert_eq!(usage["totalTokenCount"], 31);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_usage_so_far_and_ends_with_a_reason() {
    let bench = Bench::start();
    let mut body = hello();
    body["generationConfig"] = json!({"maxOutputTokens": 3});
    let events = events(ask(&bench, &format!("{STREAM}?alt=sse"), &body)).await;
    let chunks: Vec<Value> = events.iter().map(|(_, data)| json(data)).collect();
    let words: Vec<&str> = chunks
        .iter()
        .filter_map(|chunk| chunk["candidates"][0]["content"]["parts"][0]["text"].as_str())
        .collect();
    assert_eq!(words, ["This", " is", " a", ""]);
    let written: Vec<u64> = chunks
        .iter()
        .filter_map(|chunk| chunk["usageMetadata"]["candidatesTokenCount"].as_u64())
        .collect();
    assert_eq!(written, [1, 2, 3, 3]);
    assert!(chunks[2]["candidates"][0].get("finishReason").is_none());
    assert_eq!(chunks[3]["candidates"][0]["finishReason"], "MAX_TOKENS");
    assert_eq!(chunks[3]["usageMetadata"]["totalTokenCount"], 14);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_without_sse_is_one_array() {
    let bench = Bench::start();
    let request = bench.post(&format!("{STREAM}?key=AIza-sandbox")).json(&hello());
    let (status, body) = read(request).await;
    assert_eq!((status, body.as_array().map(Vec::len)), (200, Some(21)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_is_called_until_its_response_is_there() {
    let bench = Bench::start();
    let mut body = hello();
    body["tools"] = weather();
    let events = events(ask(&bench, &format!("{STREAM}?alt=sse"), &body)).await;
    let call = json(&events[0].1)["candidates"][0]["content"]["parts"][0].clone();
    assert_eq!(call["functionCall"], json!({"name": "weather", "args": {"city": "sandbox"}}));
    assert_eq!(events.len(), 2);
    let contents = body["contents"].as_array_mut().expect("contents");
    contents.push(json!({"role": "model", "parts": [call]}));
    contents.push(json!({"role": "user", "parts": [
        {"functionResponse": {"name": "weather", "response": {"sky": "sunny"}}}]}));
    let (status, answer) = read(ask(&bench, WHOLE, &body)).await;
    assert_eq!(status, 200);
    let text = answer["candidates"][0]["content"]["parts"][0]["text"].as_str().expect("a text");
    assert!(text.contains("Hello there."), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_answered_in_googles_shape() {
    let bench = Bench::start();
    let unknown = "/gemini/v1beta/models/gemini-0:generateContent";
    let (status, body) = read(ask(&bench, unknown, &hello())).await;
    assert_eq!((status, &body["error"]["status"]), (404, &"NOT_FOUND".into()));
    for body in [json!({}), json!({"contents": []}), json!({"contents": [{"parts": [{}]}]})] {
        let (status, body) = read(ask(&bench, WHOLE, &body)).await;
        assert_eq!((status, &body["error"]["status"]), (400, &"INVALID_ARGUMENT".into()));
        assert_eq!(body["error"]["code"], 400);
    }
    let mut body = hello();
    body["max_tokens"] = 5.into();
    let (status, body) = read(ask(&bench, WHOLE, &body)).await;
    assert_eq!(status, 400);
    assert!(body["error"]["message"].as_str().is_some_and(|text| text.contains("max_tokens")));
    assert_eq!(send(bench.post(WHOLE).json(&hello())).await.status(), 403);
    let bad = bench.post(WHOLE).header("x-goog-api-key", "AIza-bad").json(&hello());
    let (status, body) = read(bad).await;
    assert_eq!((status, &body["error"]["details"][0]["reason"]), (400, &"API_KEY_INVALID".into()));
}
