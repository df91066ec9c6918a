//! How many tokens a request has, asked of each vendor where it tells.
use cape_domain::usage::{ChatProvider, ChatRequest, FailureKind, Message, ModelProviderError};
use serde_json::json;
use tokio::join;

use super::{
    anthropic, call, gemini, openai, request, tool,
    vendor::{Asked, Vendor, whole},
};

async fn counted(
    provider: &dyn ChatProvider,
    vendor: &Vendor,
    request: &ChatRequest,
    (status, body): (&str, &str),
) -> (Asked, Result<u64, ModelProviderError>) {
    let script = whole(status, "", body);
    join!(vendor.play(&script), provider.count_tokens(request))
}

/// A conversation with a function, its call and what that came to.
fn conversation() -> ChatRequest {
    let tool_calls = vec![call("call_1", "weather", r#"{"city":"Paris"}"#)];
    let messages = vec![
        Message::System { text: "Be brief.".to_owned() },
        Message::user("Weather?"),
        Message::Assistant { thoughts: vec![], text: String::new(), tool_calls },
        Message::tool("call_1", "12"),
    ];
    ChatRequest { messages, tools: vec![tool("weather")], ..request() }
}

#[tokio::test]
async fn anthropic_is_sent_the_request_without_what_concerns_its_answer() {
    let vendor = Vendor::open().await;
    let provider = anthropic(&vendor.url());
    let answer = ("200 OK", r#"{"input_tokens": 42, "new": 1}"#);
    let (asked, count) = counted(&provider, &vendor, &conversation(), answer).await;
    assert_eq!(asked.line(), "POST /v1/messages/count_tokens");
    assert_eq!(asked.header("x-api-key"), Some("sk-test-123"));
    let fields: Vec<&String> = asked.body.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["messages", "model", "system", "tools"]);
    assert_eq!(asked.body["messages"][1]["content"][0]["name"], "weather");
    assert_eq!(count.expect("counted"), 42);
}

#[tokio::test]
async fn gemini_is_sent_the_whole_request_under_the_name_of_its_model() {
    let vendor = Vendor::open().await;
    let provider = gemini(&vendor.url());
    let answer = ("200 OK", r#"{"totalTokens": 43, "promptTokensDetails": []}"#);
    let (asked, count) = counted(&provider, &vendor, &conversation(), answer).await;
    assert_eq!(asked.line(), "POST /v1beta/models/m-1:countTokens");
    let told = &asked.body["generateContentRequest"];
    assert_eq!(told["model"], "models/m-1");
    assert_eq!(told["systemInstruction"]["parts"][0]["text"], "Be brief.");
    assert_eq!(told["contents"].as_array().map(Vec::len), Some(3));
    assert_eq!(told["tools"][0]["functionDeclarations"][0]["name"], "weather");
    assert_eq!(count.expect("counted"), 43);
}

#[tokio::test]
async fn openai_is_told_the_conversation_as_a_response() {
    let vendor = Vendor::open().await;
    let provider = openai(&vendor.url());
    let answer = ("200 OK", r#"{"object": "response.input_tokens", "input_tokens": 44}"#);
    let (asked, count) = counted(&provider, &vendor, &conversation(), answer).await;
    assert_eq!(asked.line(), "POST /responses/input_tokens");
    assert_eq!(asked.body["model"], "m-1");
    let kinds: Vec<_> = asked.body["input"].as_array().expect("items").iter().collect();
    assert_eq!(kinds[0]["role"], "system");
    assert_eq!(kinds[1]["content"][0], json!({"type": "input_text", "text": "Weather?"}));
    assert_eq!(
        *kinds[2],
        json!({"type": "function_call", "call_id": "call_1", "name": "weather",
            "arguments": r#"{"city":"Paris"}"#})
    );
    assert_eq!(kinds[3]["call_id"], "call_1");
    assert_eq!(asked.body["tools"][0]["name"], "weather");
    assert_eq!(count.expect("counted"), 44);
}

#[tokio::test]
async fn what_is_no_count_is_none() {
    let vendor = Vendor::open().await;
    let providers: [&dyn ChatProvider; 3] =
        [&openai(&vendor.url()), &anthropic(&vendor.url()), &gemini(&vendor.url())];
    for provider in providers {
        for (status, body, failure) in [
            ("200 OK", "{}", FailureKind::Malformed),
            ("200 OK", "nothing", FailureKind::Malformed),
            ("401 Unauthorized", "{}", FailureKind::Credentials),
            ("404 Not Found", "{}", FailureKind::Rejected),
            ("429 Too Many Requests", "{}", FailureKind::RateLimited),
            ("500 Failure", "", FailureKind::Unavailable),
        ] {
            let (_, count) = counted(provider, &vendor, &request(), (status, body)).await;
            assert_eq!(count.expect_err("no count").kind(), failure, "{status} {body}");
        }
    }
}
