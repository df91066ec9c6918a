//! What Gemini is sent of what not everybody can say.
use cape_domain::{
    json::RawJson,
    usage::{
        ChatProvider as _, ChatRequest, Image, ImageSource, LogProbs, Message, Part, Reasoning,
        Sampling, Thought, ToolCall,
    },
};
use serde_json::{Value, json};
use tokio::join;

use super::{
    anthropic, call, gemini, openai, request,
    vendor::{Vendor, whole},
};

const NOWHERE: &str = "http://127.0.0.1:9";

/// What the vendor was sent.
async fn sent(request: &ChatRequest) -> Value {
    let vendor = Vendor::open().await;
    let refusal = whole("500 Failure", "", "");
    let provider = gemini(&vendor.url());
    join!(vendor.play(&refusal), provider.complete(request)).0.body
}

fn refused(request: &ChatRequest) -> Option<String> {
    gemini(NOWHERE).check(request).err().map(|error| error.parameter)
}

fn inline(detail: Option<&str>) -> Part {
    let (media_type, base64) = ("image/png".to_owned(), "iVBORw0KGgo=".to_owned());
    let source = ImageSource::Inline { media_type, base64 };
    Part::Image(Image { source, detail: detail.map(str::to_owned) })
}

fn at(url: &str) -> Part {
    Part::Image(Image { source: ImageSource::Url(url.to_owned()), detail: None })
}

fn said(content: Vec<Part>) -> ChatRequest {
    let messages = vec![Message::User { content, name: None }];
    ChatRequest { messages, ..request() }
}

fn thought(text: &str, signature: Option<&str>, sealed: Option<&str>) -> Thought {
    let [signature, sealed] = [signature, sealed].map(|it| it.map(str::to_owned));
    Thought { text: text.to_owned(), signature, sealed }
}

/// What was asked, what the model said, and what its functions answered.
fn going_on(thoughts: Vec<Thought>, text: &str, tool_calls: Vec<ToolCall>) -> ChatRequest {
    let answers: Vec<Message> =
        tool_calls.iter().map(|call| Message::tool(call.id.as_str(), "sunny")).collect();
    let model = Message::Assistant { thoughts, text: text.to_owned(), tool_calls };
    let messages = [vec![Message::user("Weather?"), model], answers].concat();
    ChatRequest { messages, ..request() }
}

#[tokio::test]
async fn images_stand_among_the_texts_here_or_elsewhere() {
    let text = |text: &str| Part::Text(text.to_owned());
    let content =
        vec![text("Look:"), inline(None), at("https://a.test/b.JPG?c=d"), at("http://a.test/e")];
    assert_eq!(
        sent(&said(content)).await["contents"],
        json!([{"role": "user", "parts": [
            {"text": "Look:"},
            {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
            {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://a.test/b.JPG?c=d"}},
            {"fileData": {"fileUri": "http://a.test/e"}},
        ]}])
    );
    let unreachable = said(vec![text("a"), at("gs://bucket/a.png")]);
    assert_eq!(refused(&unreachable).as_deref(), Some("messages[0].content"));
}

#[tokio::test]
async fn all_images_are_looked_at_alike() {
    for (details, resolution) in [
        (vec![None, None], None),
        (vec![Some("auto")], None),
        (vec![Some("low"), Some("low")], Some("MEDIA_RESOLUTION_LOW")),
        (vec![Some("high")], Some("MEDIA_RESOLUTION_HIGH")),
    ] {
        let body = sent(&said(details.into_iter().map(inline).collect())).await;
        assert_eq!(body["generationConfig"]["mediaResolution"].as_str(), resolution);
    }
    for details in [vec![Some("low"), Some("high")], vec![None, Some("high")], vec![Some("x")]] {
        let request = said(details.iter().copied().map(inline).collect());
        assert_eq!(refused(&request).as_deref(), Some("messages[0].content"), "{details:?}");
    }
}

#[tokio::test]
async fn signatures_stand_where_the_vendor_put_them() {
    let thoughts = vec![
        thought("hm", Some("QUFB"), None),
        thought("", None, Some("QkJC")),
        thought("", Some("Q0ND"), None),
    ];
    let calls = vec![call("a", "f", "{}"), call("b", "f", "{}")];
    let body = sent(&going_on(thoughts, "I look.", calls)).await;
    assert_eq!(
        body["contents"][1]["parts"],
        json!([
            {"text": "hm", "thought": true, "thoughtSignature": "QUFB"},
            {"text": "I look.", "thoughtSignature": "QkJC"},
            {"functionCall": {"id": "a", "name": "f", "args": {}}, "thoughtSignature": "Q0ND"},
            {"functionCall": {"id": "b", "name": "f", "args": {}}},
        ])
    );
    let signed = vec![thought("", None, Some("QkJC")), thought("", Some("Q0ND"), None)];
    let body = sent(&going_on(signed, "", Vec::new())).await;
    assert_eq!(
        body["contents"][1]["parts"],
        json!([
            {"text": "", "thoughtSignature": "QkJC"},
            {"text": "", "thought": true, "thoughtSignature": "Q0ND"},
        ])
    );
}

#[tokio::test]
async fn the_third_generation_is_told_that_a_call_was_never_signed() {
    let calls = || vec![call("a", "f", "{}"), call("b", "f", "{}")];
    let unsigned = |model: &str, thoughts| {
        let request = going_on(thoughts, "", calls());
        ChatRequest { model: model.to_owned(), ..request }
    };
    for (request, expected) in [
        (unsigned("gemini-2.5-pro", Vec::new()), None),
        (unsigned("gemini-3-flash", Vec::new()), Some("skip_thought_signature_validator")),
        (unsigned("gemini-3-flash", vec![thought("", Some("Q0ND"), None)]), Some("Q0ND")),
    ] {
        let parts = &sent(&request).await["contents"][1]["parts"];
        assert_eq!(parts[0]["thoughtSignature"].as_str(), expected, "{}", request.model);
        assert_eq!(parts[1]["thoughtSignature"], Value::Null);
    }
}

#[tokio::test]
async fn what_a_function_answered_may_have_failed_and_may_be_an_image() {
    let answer = |content: Vec<Part>, failed| {
        let mut request = going_on(Vec::new(), "", vec![call("a", "f", "{}")]);
        request.messages[2] = Message::Tool { call: "a".to_owned(), content, failed };
        request
    };
    let text = |text: &str| vec![Part::Text(text.to_owned())];
    for (request, response) in [
        (answer(text(r#"{"sky":"blue"}"#), false), json!({"sky": "blue"})),
        (answer(text("blue"), false), json!({"result": "blue"})),
        (answer(text("no sky"), true), json!({"error": "no sky"})),
        (answer(text(r#"{"error":{"code":7}}"#), true), json!({"error": {"code": 7}})),
        (answer(text(r#"{"code":7}"#), true), json!({"error": r#"{"code":7}"#})),
    ] {
        let part = &sent(&request).await["contents"][2]["parts"][0];
        assert_eq!(part["functionResponse"]["response"], response);
        assert_eq!(part["functionResponse"]["parts"], Value::Null);
    }
    let seen = answer([text("a map"), vec![inline(None)]].concat(), false);
    let part = &sent(&seen).await["contents"][2]["parts"][0]["functionResponse"];
    assert_eq!(part["response"], json!({"result": "a map"}));
    let data = json!({"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}});
    assert_eq!(part["parts"], json!([data]));
    let elsewhere = answer(vec![at("https://a.test/b.png")], false);
    assert_eq!(refused(&elsewhere).as_deref(), Some("messages[2].content"));
}

#[tokio::test]
async fn thinking_is_asked_for_in_the_words_of_the_generation() {
    let reasoning = |effort: Option<&str>, budget, shown| Reasoning {
        effort: effort.map(str::to_owned),
        budget,
        shown,
    };
    for (model, wish, expected) in [
        ("gemini-2.5-pro", reasoning(None, None, false), Value::Null),
        ("gemini-2.5-pro", reasoning(None, None, true), json!({"includeThoughts": true})),
        ("gemini-2.5-pro", reasoning(None, Some(0), false), json!({"thinkingBudget": 0})),
        (
            "gemini-2.5-pro",
            reasoning(None, Some(512), true),
            json!({"thinkingBudget": 512, "includeThoughts": true}),
        ),
        ("gemini-2.5-pro", reasoning(Some("low"), None, false), json!({"thinkingBudget": 1_024})),
        ("gemini-2.5-pro", reasoning(Some("high"), None, false), json!({"thinkingBudget": 24_576})),
        ("gemini-2.5-pro", reasoning(Some("none"), None, false), json!({"thinkingBudget": 0})),
        ("gemini-3-pro", reasoning(Some("low"), None, false), json!({"thinkingLevel": "LOW"})),
        ("gemini-3-pro", reasoning(Some("xhigh"), None, false), json!({"thinkingLevel": "XHIGH"})),
    ] {
        let model = model.to_owned();
        let body = sent(&ChatRequest { model, reasoning: wish.clone(), ..request() }).await;
        assert_eq!(body["generationConfig"]["thinkingConfig"], expected, "{wish:?}");
    }
    for (model, wish, name) in [
        ("gemini-2.5-pro", reasoning(Some("xhigh"), None, false), "reasoning_effort"),
        ("gemini-3-pro", reasoning(Some("max"), None, false), "reasoning_effort"),
        ("gemini-3-pro", reasoning(Some("low"), Some(1), false), "reasoning_effort"),
        ("gemini-3-pro", reasoning(None, Some(u64::MAX), false), "reasoning_budget"),
    ] {
        let request = ChatRequest { model: model.to_owned(), reasoning: wish, ..request() };
        assert_eq!(refused(&request).as_deref(), Some(name));
    }
}

#[tokio::test]
async fn several_likely_and_safe_answers_are_asked_for() {
    let settings = r#"[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"OFF"}]"#;
    let request = ChatRequest {
        choices: 2,
        log_probs: Some(LogProbs { alternatives: 3 }),
        sampling: Sampling { top_k: Some(40), ..Sampling::default() },
        safety: Some(RawJson::new(settings)),
        ..request()
    };
    let body = sent(&request).await;
    assert_eq!(
        body["generationConfig"],
        json!({"maxOutputTokens": 64, "candidateCount": 2, "topK": 40, "responseLogprobs": true,
            "logprobs": 3})
    );
    assert_eq!(body["safetySettings"], serde_json::from_str::<Value>(settings).expect("JSON"));
    let alone = ChatRequest { log_probs: Some(LogProbs { alternatives: 0 }), ..super::request() };
    let config = &sent(&alone).await["generationConfig"];
    assert_eq!((&config["responseLogprobs"], &config["logprobs"]), (&json!(true), &Value::Null));
}

#[tokio::test]
async fn what_has_no_word_is_refused_by_name() {
    let wordy = ChatRequest { verbosity: Some("low".to_owned()), ..request() };
    assert_eq!(refused(&wordy).as_deref(), Some("verbosity"));
    let unreadable = ChatRequest { safety: Some(RawJson::new("7")), ..request() };
    assert_eq!(refused(&unreadable).as_deref(), Some("safetySettings"));
    // Nobody else withholds anything on request.
    let safe = ChatRequest { safety: Some(RawJson::new("[]")), ..request() };
    let name = |error: cape_domain::usage::UnsupportedParameter| error.parameter;
    let refused = [openai(NOWHERE).check(&safe), anthropic(NOWHERE).check(&safe)];
    for refusal in refused.map(|check| check.err().map(name)) {
        assert_eq!(refusal.as_deref(), Some("safetySettings"));
    }
}
