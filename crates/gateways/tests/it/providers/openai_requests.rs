//! What `OpenAI`, and those who speak as it does, are sent.
use cape_domain::{
    json::RawJson,
    secret::Secret,
    usage::{
        ChatProvider as _, ChatRequest, Image, ImageSource, LogProbs, Message, Part, Reasoning,
        Sampling, Thought,
    },
};
use cape_gateways::usage::providers::{
    OpenAiDialect, OpenAiFormat, OpenAiProvider, ProviderOptions,
};
use serde_json::{Value, json};
use tokio::join;

use super::{
    KEY, call, client, openai, options, request,
    vendor::{Asked, Vendor, whole},
};

fn image(source: ImageSource, detail: Option<&str>) -> Part {
    Part::Image(Image { source, detail: detail.map(str::to_owned) })
}

fn picture() -> Part {
    let (media_type, base64) = ("image/png".to_owned(), "iVBORw0KGgo=".to_owned());
    image(ImageSource::Inline { media_type, base64 }, None)
}

fn saying(messages: Vec<Message>) -> ChatRequest {
    ChatRequest { messages, ..request() }
}

fn user(content: Vec<Part>) -> Message {
    Message::User { content, name: None }
}

fn thinking(tool: &str) -> Message {
    let thought = Thought { text: "Hm.".to_owned(), signature: Some("s".to_owned()), sealed: None };
    let sealed = Thought { sealed: Some("x".to_owned()), ..Thought::default() };
    let (thoughts, text) = (vec![thought, sealed], String::new());
    Message::Assistant { thoughts, text, tool_calls: vec![call("c", tool, "{}")] }
}

/// What is sent, whole and in pieces.
async fn sent(provider: &OpenAiProvider, vendor: &Vendor, request: &ChatRequest) -> [Asked; 2] {
    let refusal = whole("500 Failure", "", "");
    let (first, _) = join!(vendor.play(&refusal), provider.complete(request));
    let (second, _) = join!(vendor.play(&refusal), provider.stream(request));
    [first, second]
}

async fn body(request: &ChatRequest) -> Value {
    let vendor = Vendor::open().await;
    let [asked, _] = sent(&openai(&vendor.url()), &vendor, request).await;
    asked.body
}

#[tokio::test]
async fn images_are_parts_and_a_text_alone_is_a_text() {
    let url = ImageSource::Url("https://example.com/a.png".to_owned());
    let content = vec![Part::Text("Look".to_owned()), image(url, Some("low")), picture()];
    let body = body(&saying(vec![user(content), Message::user("Well?")])).await;
    let expected = json!([
        {"role": "user", "content": [
            {"type": "text", "text": "Look"},
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
        ]},
        {"role": "user", "content": "Well?"},
    ]);
    assert_eq!(body["messages"], expected);
}

#[tokio::test]
async fn all_wishes_are_passed_on() {
    let request = ChatRequest {
        choices: 3,
        log_probs: Some(LogProbs { alternatives: 2 }),
        verbosity: Some("low".to_owned()),
        reasoning: Reasoning { effort: Some("high".to_owned()), budget: None, shown: true },
        ..request()
    };
    let body = body(&request).await;
    let expected = json!({
        "model": "m-1", "messages": [{"role": "user", "content": "Say hi"}],
        "max_completion_tokens": 64, "n": 3, "logprobs": true, "top_logprobs": 2,
        "verbosity": "low", "reasoning_effort": "high",
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn not_to_think_is_said_to_those_alone_who_could() {
    for (model, effort) in [("gpt-5.1", json!("none")), ("gpt-4o-mini", Value::Null)] {
        let reasoning = Reasoning { budget: Some(0), ..Reasoning::default() };
        let request = ChatRequest { model: model.to_owned(), reasoning, ..request() };
        assert_eq!(body(&request).await["reasoning_effort"], effort, "{model}");
    }
}

#[tokio::test]
async fn a_result_says_that_it_failed_and_thoughts_stay_here() {
    let failed = Message::Tool {
        call: "c".to_owned(),
        content: vec![Part::Text("no".to_owned()), Part::Text(" city".to_owned())],
        failed: true,
    };
    let body = body(&saying(vec![thinking("weather"), failed])).await;
    let expected = json!([
        {"role": "assistant", "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "weather", "arguments": "{}"}},
        ]},
        {"role": "tool", "tool_call_id": "c", "content": "Error: no city"},
    ]);
    assert_eq!(body["messages"], expected);
}

#[tokio::test]
async fn what_the_format_has_no_word_for_is_refused_by_name() {
    let provider = openai("http://127.0.0.1:9");
    let shown = Message::Tool { call: "c".to_owned(), content: vec![picture()], failed: false };
    for (request, refused) in [
        (
            ChatRequest {
                sampling: Sampling { top_k: Some(5), ..Sampling::default() },
                ..request()
            },
            "top_k",
        ),
        (
            ChatRequest {
                reasoning: Reasoning { budget: Some(1_024), ..Reasoning::default() },
                ..request()
            },
            "reasoning_budget",
        ),
        (ChatRequest { safety: Some(RawJson::new("[]")), ..request() }, "safetySettings"),
        (saying(vec![thinking("f"), shown]), "messages[1].content"),
    ] {
        let error = provider.check(&request).expect_err(refused);
        assert_eq!(error.parameter, refused);
    }
}

#[tokio::test]
async fn each_dialect_has_its_own_words() {
    let vendor = Vendor::open().await;
    let request = ChatRequest {
        sampling: Sampling { seed: Some(7), ..Sampling::default() },
        ..saying(vec![thinking("f"), Message::tool("c", "1")])
    };
    let (bearer, header) = (("authorization", "Bearer sk-test-123"), ("api-key", KEY));
    let shared = "POST /chat/completions";
    let deployed = "POST /deployments/m-1/chat/completions?api-version=2024-10-21";
    let bound = json!({"include_usage": true});
    for (dialect, line, (name, key), bounded, seed, usage, thought) in [
        (
            OpenAiDialect::openai(),
            shared,
            bearer,
            "max_completion_tokens",
            "seed",
            bound.clone(),
            Value::Null,
        ),
        (
            OpenAiDialect::azure("2024-10-21"),
            deployed,
            header,
            "max_completion_tokens",
            "seed",
            bound.clone(),
            Value::Null,
        ),
        (
            OpenAiDialect::compatible(),
            shared,
            bearer,
            "max_tokens",
            "seed",
            bound.clone(),
            json!("Hm."),
        ),
        (
            OpenAiDialect::mistral(),
            shared,
            bearer,
            "max_tokens",
            "random_seed",
            Value::Null,
            Value::Null,
        ),
    ] {
        let format = OpenAiFormat::of(dialect.clone());
        let provider = OpenAiProvider::speaking(format, &client(), options(&vendor.url()));
        let provider = provider.expect("sound options");
        for asked in sent(&provider, &vendor, &request).await {
            assert_eq!((asked.line(), asked.header(name)), (line, Some(key)), "{dialect:?}");
            let bounds = ["max_tokens", "max_completion_tokens"];
            let bounds: Vec<_> =
                bounds.into_iter().filter(|name| !asked.body[*name].is_null()).collect();
            assert_eq!(bounds, [bounded]);
            let seeds = ["seed", "random_seed"];
            let seeds: Vec<_> =
                seeds.into_iter().filter(|name| !asked.body[*name].is_null()).collect();
            assert_eq!(seeds, [seed]);
            assert_eq!(asked.body["messages"][0]["reasoning_content"], thought);
            let streamed = asked.body["stream"] == true;
            let expected = if streamed { usage.clone() } else { Value::Null };
            assert_eq!(asked.body["stream_options"], expected);
        }
    }
}

#[tokio::test]
async fn a_server_without_keys_is_sent_none() {
    let vendor = Vendor::open().await;
    let options = ProviderOptions { api_key: Secret::new(""), ..options(&vendor.url()) };
    let format = OpenAiFormat::of(OpenAiDialect::compatible());
    let provider = OpenAiProvider::speaking(format, &client(), options).expect("sound options");
    for asked in sent(&provider, &vendor, &request()).await {
        assert_eq!((asked.header("authorization"), asked.header("api-key")), (None, None));
    }
}
