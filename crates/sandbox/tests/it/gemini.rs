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

const COUNT: &str = "/gemini/v1beta/models/gemini-2.5-flash:countTokens";

fn configured(config: Value) -> Value {
    let mut body = hello();
    body["generationConfig"] = config;
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_thinks_when_asked_and_signs_what_follows() {
    let bench = Bench::start();
    let thinking = json!({"thinkingConfig": {"thinkingBudget": 512, "includeThoughts": true}});
    let (status, body) = read(ask(&bench, WHOLE, &configured(thinking))).await;
    assert_eq!(status, 200, "{body}");
    let parts = &body["candidates"][0]["content"]["parts"];
    assert_eq!(parts[0], json!({"text": "Let me think about that first.", "thought": true}));
    assert!(parts[1]["thoughtSignature"].is_string(), "{parts}");
    assert_eq!(body["usageMetadata"]["thoughtsTokenCount"], 6);
    assert_eq!(body["usageMetadata"]["totalTokenCount"], 37);

    let mut body = configured(json!({"thinking_config": {"thinking_budget": 512}}));
    body["tools"] = weather();
    let chunks = events(ask(&bench, &format!("{STREAM}?alt=sse"), &body)).await;
    let call = json(&chunks[0].1)["candidates"][0]["content"]["parts"][0].clone();
    assert!(call["thoughtSignature"].is_string(), "{call}");
    let contents = body["contents"].as_array_mut().expect("contents");
    contents.push(json!({"role": "model", "parts": [call]}));
    contents.push(json!({"role": "user", "parts": [
        {"functionResponse": {"name": "weather", "response": {"sky": "sunny"}}}]}));
    assert_eq!(read(ask(&bench, WHOLE, &body)).await.0, 200);
    body["contents"][1]["parts"][0]["thoughtSignature"] = "AAAA".into();
    let (status, refused) = read(ask(&bench, WHOLE, &body)).await;
    let told = refused["error"]["message"].as_str().expect("a message");
    assert!(status == 400 && told.contains("Corrupted thought signature"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_third_generation_wants_its_signatures_back() {
    let bench = Bench::start();
    let path = "/gemini/v1beta/models/gemini-3-flash-preview:generateContent";
    let mut body = hello();
    let call = json!({"functionCall": {"name": "weather", "args": {}}});
    let contents = body["contents"].as_array_mut().expect("contents");
    contents.push(json!({"role": "model", "parts": [call]}));
    contents.push(json!({"role": "user", "parts": [
        {"functionResponse": {"name": "weather", "response": {"sky": "sunny"}}}]}));
    let (status, refused) = read(ask(&bench, path, &body)).await;
    assert_eq!(status, 400);
    assert!(refused.to_string().contains("missing a thought_signature"), "{refused}");
    body["contents"][1]["parts"][0]["thoughtSignature"] = "skip_thought_signature_validator".into();
    assert_eq!(read(ask(&bench, path, &body)).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_candidates_say_the_same_each_at_its_place() {
    let bench = Bench::start();
    let several = configured(json!({"candidateCount": 3, "maxOutputTokens": 2}));
    let (_, body) = read(ask(&bench, WHOLE, &several)).await;
    let indices: Vec<&Value> =
        body["candidates"].as_array().expect("candidates").iter().map(|it| &it["index"]).collect();
    assert_eq!(indices, [0, 1, 2]);
    assert_eq!(body["usageMetadata"]["candidatesTokenCount"], 6);
    let events = events(ask(&bench, &format!("{STREAM}?alt=sse"), &several)).await;
    let said = |index: u64| -> String {
        let chunks = events.iter().map(|(_, data)| json(data));
        let of =
            chunks.flat_map(|chunk| chunk["candidates"].as_array().cloned().unwrap_or_default());
        of.filter(|candidate| candidate["index"] == index)
            .filter_map(|it| it["content"]["parts"][0]["text"].as_str().map(str::to_owned))
            .collect()
    };
    assert_eq!([said(0), said(1), said(2)], ["This is", "This is", "This is"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn likely_tokens_and_a_form_are_told() {
    let bench = Bench::start();
    let likely = json!({"responseLogprobs": true, "logprobs": 2, "maxOutputTokens": 2});
    let (_, body) = read(ask(&bench, WHOLE, &configured(likely))).await;
    let told = &body["candidates"][0]["logprobsResult"];
    assert_eq!(told["chosenCandidates"][1]["token"], " is");
    assert_eq!(told["topCandidates"][1]["candidates"].as_array().map(Vec::len), Some(2));

    let schema =
        json!({"type": "OBJECT", "properties": {"a": {"type": "INTEGER"}}, "required": ["a"]});
    let form = json!({"responseMimeType": "application/json", "responseSchema": schema});
    let (_, body) = read(ask(&bench, WHOLE, &configured(form.clone()))).await;
    assert_eq!(body["candidates"][0]["content"]["parts"][0]["text"], r#"{"a":1}"#);
    let events = events(ask(&bench, &format!("{STREAM}?alt=sse"), &configured(form))).await;
    let text: String = events
        .iter()
        .map(|(_, data)| json(data)["candidates"][0]["content"]["parts"][0]["text"].clone())
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect();
    assert_eq!(text, r#"{"a":1}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_counted_of_contents_and_of_a_whole_request() {
    let bench = Bench::start();
    let contents = json!({"contents": hello()["contents"]});
    let (status, body) = read(ask(&bench, COUNT, &contents)).await;
    assert_eq!((status, &body["totalTokens"]), (200, &5.into()));
    let mut whole = hello();
    whole["model"] = "models/gemini-2.5-flash".into();
    let whole = json!({"generateContentRequest": whole});
    let (status, body) = read(ask(&bench, COUNT, &whole)).await;
    assert_eq!((status, &body["totalTokens"]), (200, &11.into()));
    let broken = json!({"contents": [{"parts": [{"text": "Hi [[sandbox: status=503]]"}]}]});
    assert_eq!(read(ask(&bench, COUNT, &broken)).await.0, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_taken_and_other_media_are_not() {
    let bench = Bench::start();
    let with = |part: Value| {
        let mut body = hello();
        body["contents"][0]["parts"] = json!([{"text": "Look"}, part]);
        body
    };
    let inline = |kind: &str, data: &str| json!({"inline_data": {"mime_type": kind, "data": data}});
    for (part, status) in [
        (inline("image/png", "-_8="), 200),
        (json!({"fileData": {"fileUri": "https://example.com/a.png"}}), 200),
        (inline("image/bmp", "AAAA"), 400),
        (inline("image/png", "?"), 400),
        (json!({"fileData": {"fileUri": "gs://bucket/a.png"}}), 400),
        (json!({"text": "a", "inlineData": {"mimeType": "image/png", "data": "AAAA"}}), 400),
    ] {
        let (found, body) = read(ask(&bench, WHOLE, &with(part.clone()))).await;
        assert_eq!(found, status, "{part} {body}");
    }
    let (_, body) = read(ask(&bench, WHOLE, &with(inline("image/png", "AAAA")))).await;
    assert_eq!(body["usageMetadata"]["promptTokenCount"], 6 + 4 + 85);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_cannot_do_is_refused() {
    let bench = Bench::start();
    for (config, told) in [
        (json!({"candidateCount": 9}), "candidate_count"),
        (json!({"topP": 2}), "topP"),
        (json!({"logprobs": 3}), "logprobs"),
        (json!({"thinkingConfig": {"thinkingLevel": "LOW"}}), "thinking_config"),
        (json!({"thinkingConfig": {"thinkingBudget": -2}}), "thinking_budget"),
        (json!({"responseMimeType": "text/csv"}), "response_mime_type"),
        (json!({"responseSchema": {"type": "STRING"}}), "response_schema"),
        (json!({"speechConfig": {}}), "speechConfig"),
    ] {
        let (status, body) = read(ask(&bench, WHOLE, &configured(config.clone()))).await;
        let message = body["error"]["message"].as_str().expect("a message");
        assert!(status == 400 && message.contains(told), "{config} {message}");
    }
    let first = "/gemini/v1beta/models/gemini-1.5-flash:generateContent";
    let thinking = configured(json!({"thinkingConfig": {"thinkingBudget": 1}}));
    assert_eq!(read(ask(&bench, first, &thinking)).await.0, 400);
    let mut unsafe_body = hello();
    unsafe_body["safetySettings"] = json!([{"category": "HARM_CATEGORY_X", "threshold": "OFF"}]);
    assert_eq!(read(ask(&bench, WHOLE, &unsafe_body)).await.0, 400);
    let mut unanswered = hello();
    let contents = unanswered["contents"].as_array_mut().expect("contents");
    contents.push(json!({"role": "model", "parts": [{"functionCall": {"name": "f"}}]}));
    contents.push(json!({"role": "user", "parts": [{"text": "And?"}]}));
    let (status, body) = read(ask(&bench, WHOLE, &unanswered)).await;
    assert!(status == 400 && body.to_string().contains("function response parts"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_may_fail_in_the_middle() {
    let bench = Bench::start();
    let mut body = hello();
    body["contents"][0]["parts"][0]["text"] = "Hi [[sandbox: fail_after=2]]".into();
    let events = events(ask(&bench, &format!("{STREAM}?alt=sse"), &body)).await;
    assert_eq!(events.len(), 3);
    assert_eq!(json(&events[2].1)["error"]["status"], "UNAVAILABLE");
}
