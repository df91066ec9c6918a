//! What only Anthropic is told, and what it cannot be told.
use cape_domain::{
    json::RawJson,
    usage::{
        CachePoint, ChatProvider as _, ChatRequest, Image, ImageSource, LogProbs, Message, Part,
        Reasoning, Sampling, Thought, Tool, ToolChoice,
    },
};
use serde_json::{Value, json};
use tokio::join;

use super::{
    anthropic, call, request, tool,
    vendor::{Vendor, whole},
};

const NOWHERE: &str = "http://127.0.0.1:9";

async fn sent(request: &ChatRequest) -> Value {
    let vendor = Vendor::open().await;
    let provider = anthropic(&vendor.url());
    let refusal = whole("500 Failure", "", "");
    join!(vendor.play(&refusal), provider.complete(request)).0.body
}

fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

fn picture() -> Part {
    let source = ImageSource::Inline {
        media_type: "image/png".to_owned(),
        base64: "iVBORw0KGgo=".to_owned(),
    };
    Part::Image(Image { source, detail: Some("auto".to_owned()) })
}

fn picture_at(url: &str, detail: Option<&str>) -> Part {
    let detail = detail.map(str::to_owned);
    Part::Image(Image { source: ImageSource::Url(url.to_owned()), detail })
}

fn asking(content: Vec<Part>) -> ChatRequest {
    ChatRequest { messages: vec![Message::User { content, name: None }], ..request() }
}

fn thinking(budget: Option<u64>, shown: bool) -> ChatRequest {
    let reasoning = Reasoning { effort: None, budget, shown };
    ChatRequest { reasoning, max_output_tokens: 4_000, ..request() }
}

#[tokio::test]
async fn images_are_shown_in_questions_and_in_results() {
    let elsewhere = picture_at("https://example.com/a.png", None);
    let result = Message::Tool {
        call: "call_1".to_owned(),
        content: vec![text("seen"), picture()],
        failed: true,
    };
    let tool_calls = vec![call("call_1", "weather", "{}")];
    let asked = Message::Assistant { thoughts: vec![], text: String::new(), tool_calls };
    let messages = [asking(vec![text("Look"), picture(), elsewhere]).messages, vec![asked, result]];
    let body = sent(&ChatRequest { messages: messages.concat(), ..request() }).await;
    let image = json!({"type": "image", "source": {
        "type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo=",
    }});
    let url = json!({"type": "url", "url": "https://example.com/a.png"});
    assert_eq!(
        body["messages"][0]["content"],
        json!([{"type": "text", "text": "Look"}, image, {"type": "image", "source": url}])
    );
    assert_eq!(
        body["messages"][2]["content"],
        json!([{"type": "tool_result", "tool_use_id": "call_1", "is_error": true,
            "content": [{"type": "text", "text": "seen"}, image]}])
    );
}

#[tokio::test]
async fn thinking_is_asked_for_as_it_is_wanted() {
    let budget =
        |display: &str| json!({"type": "enabled", "budget_tokens": 2_048, "display": display});
    for (budget, shown, expected) in [
        (None, false, Value::Null),
        (Some(0), false, json!({"type": "disabled"})),
        (Some(0), true, json!({"type": "disabled"})),
        (None, true, json!({"type": "adaptive", "display": "summarized"})),
        (Some(2_048), true, budget("summarized")),
        (Some(2_048), false, budget("omitted")),
    ] {
        let body = sent(&thinking(budget, shown)).await;
        assert_eq!(body["thinking"], expected, "{budget:?} {shown}");
    }
}

#[tokio::test]
async fn thoughts_are_told_back_as_they_were_and_before_what_was_said() {
    let proven = Thought { text: "hm".to_owned(), signature: Some("x".to_owned()), sealed: None };
    let sealed = Thought { sealed: Some("y".to_owned()), ..Thought::default() };
    let said = |thoughts, text: &str| Message::Assistant {
        thoughts,
        text: text.to_owned(),
        tool_calls: vec![],
    };
    let messages = vec![
        Message::user("a"),
        said(vec![proven], "b"),
        said(vec![sealed], ""),
        Message::user("c"),
    ];
    let body = sent(&ChatRequest { messages, ..request() }).await;
    assert_eq!(
        body["messages"][1]["content"],
        json!([
            {"type": "thinking", "thinking": "hm", "signature": "x"},
            {"type": "text", "text": "b"},
            {"type": "redacted_thinking", "data": "y"},
        ])
    );
}

#[tokio::test]
async fn what_is_to_be_kept_is_marked_where_it_ends() {
    let tool_calls = vec![call("call_1", "weather", "{}"), call("call_2", "weather", "{}")];
    let messages = vec![
        Message::System { text: "a".to_owned() },
        Message::System { text: "b".to_owned() },
        Message::User { content: vec![text("c"), text("d")], name: None },
        Message::Assistant { thoughts: vec![], text: "e".to_owned(), tool_calls },
        Message::Tool { call: "call_1".to_owned(), content: vec![text("f")], failed: false },
        Message::Tool { call: "call_2".to_owned(), content: vec![text("g")], failed: false },
    ];
    let places = [
        (CachePoint::Tool(0), "/tools/0"),
        (CachePoint::Message(0), "/system/0"),
        (CachePoint::Part { message: 2, part: 1 }, "/messages/0/content/1"),
        (CachePoint::Said(3), "/messages/1/content/0"),
        (CachePoint::Call { message: 3, call: 1 }, "/messages/1/content/2"),
        (CachePoint::Message(4), "/messages/2/content/0"),
        (CachePoint::Part { message: 5, part: 0 }, "/messages/2/content/1/content/0"),
        (CachePoint::End, ""),
    ];
    for (point, place) in places {
        let tools = vec![tool("weather")];
        let marked = ChatRequest {
            messages: messages.clone(),
            tools,
            cache_points: vec![point],
            ..request()
        };
        let body = sent(&marked).await;
        let block = body.pointer(place).unwrap_or_else(|| panic!("{place} in {body}"));
        assert_eq!(block["cache_control"], json!({"type": "ephemeral"}), "{place}");
        assert_eq!(body.to_string().matches("ephemeral").count(), 1, "{body}");
    }
}

#[tokio::test]
async fn how_many_continuations_to_choose_from_is_said() {
    let sampling = Sampling { top_k: Some(5), ..Sampling::default() };
    assert_eq!(sent(&ChatRequest { sampling, ..request() }).await["top_k"], 5);
}

/// What is asked, and by whose name it is refused.
fn rows() -> Vec<(ChatRequest, &'static str)> {
    let sampled = |sampling| ChatRequest { sampling, ..request() };
    let thinks = |sampling| ChatRequest { sampling, ..thinking(Some(2_048), true) };
    let none = Sampling::default();
    let foreign = Thought { text: "hm".to_owned(), ..Thought::default() };
    let told =
        Message::Assistant { thoughts: vec![foreign], text: String::new(), tool_calls: vec![] };
    let svg =
        ImageSource::Inline { media_type: "image/svg+xml".to_owned(), base64: "YQ==".to_owned() };
    let tools: Vec<Tool> = vec![tool("weather")];
    let forced = |choice| ChatRequest {
        tools: tools.clone(),
        tool_choice: Some(choice),
        ..thinking(Some(2_048), true)
    };
    vec![
        (ChatRequest { choices: 2, ..request() }, "n"),
        (ChatRequest { log_probs: Some(LogProbs { alternatives: 0 }), ..request() }, "logprobs"),
        (ChatRequest { verbosity: Some("low".to_owned()), ..request() }, "verbosity"),
        (ChatRequest { safety: Some(RawJson::new("[]")), ..request() }, "safetySettings"),
        (sampled(Sampling { seed: Some(1), ..none }), "seed"),
        (sampled(Sampling { presence_penalty: Some(1.0), ..none }), "presence_penalty"),
        (sampled(Sampling { frequency_penalty: Some(1.0), ..none }), "frequency_penalty"),
        (sampled(Sampling { temperature: Some(1.5), ..none }), "temperature"),
        (thinks(Sampling { temperature: Some(0.5), ..none }), "temperature"),
        (thinks(Sampling { top_p: Some(0.5), ..none }), "top_p"),
        (thinks(Sampling { top_k: Some(5), ..none }), "top_k"),
        (forced(ToolChoice::Required), "tool_choice"),
        (forced(ToolChoice::Function("weather".to_owned())), "tool_choice"),
        (thinking(Some(1_023), true), "reasoning_budget"),
        (thinking(Some(4_000), true), "reasoning_budget"),
        (
            ChatRequest { messages: vec![Message::user("a"), told], ..request() },
            "messages[1].thoughts[0]",
        ),
        (asking(vec![picture_at("http://example.com/a.png", None)]), "messages[0].content[0]"),
        (asking(vec![Part::Image(Image { source: svg, detail: None })]), "messages[0].content[0]"),
        (
            asking(vec![text("a"), picture_at("https://example.com/a.png", Some("high"))]),
            "messages[0].content[1].image_url.detail",
        ),
    ]
}

#[test]
fn what_anthropic_has_no_word_for_is_refused_by_name() {
    for (request, name) in rows() {
        let found = anthropic(NOWHERE).check(&request).err().map(|error| error.parameter);
        assert_eq!(found.as_deref(), Some(name), "{request:?}");
    }
    let free = ChatRequest { tool_choice: Some(ToolChoice::Auto), ..thinking(Some(3_999), true) };
    let sampling = Sampling { temperature: Some(1.0), top_p: Some(0.95), ..Sampling::default() };
    assert_eq!(anthropic(NOWHERE).check(&ChatRequest { sampling, ..free }), Ok(()));
}
