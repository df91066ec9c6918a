//! What is sent to Anthropic and what it answers.
use cape_wire::{
    Raw, TextOr,
    anthropic::{
        AdaptiveThinking, BlockDelta, ContentBlock, CountTokensRequest, EnabledThinking, ErrorBody,
        ErrorKind, ImageSource, InputBlock, InputMessage, MessageResponse, MessagesRequest, Role,
        StopReason, StreamEvent, Thinking, ThinkingDisplay, TokenCount, Tool, ToolChoice,
    },
};
use serde_json::Value;

use crate::golden::{
    ANTHROPIC_ERROR, ANTHROPIC_REQUEST, ANTHROPIC_RESPONSE, ANTHROPIC_STREAM,
    ANTHROPIC_STREAM_ERROR, assert_kept, data, read, written,
};

#[test]
fn a_request_is_read_and_written_without_loss() {
    assert_kept::<MessagesRequest>(ANTHROPIC_REQUEST);
    let request: MessagesRequest = read(ANTHROPIC_REQUEST);
    assert_eq!(read::<MessagesRequest>(&written(&request)), request);
    let schema = request.tools[0].input_schema.as_str();
    assert!(schema.starts_with(r#"{"type": "object", "properties": {"zip""#), "{schema}");
    let TextOr::Parts(said) = &request.messages[1].content else { panic!("no blocks") };
    let InputBlock::ToolUse(call) = &said[3] else { panic!("no call") };
    assert_eq!(call.input.as_str(), r#"{"unit": "celsius", "city": "Cape Town", "days": 1.0}"#);
}

#[test]
fn what_is_built_is_what_the_vendor_documents() {
    let input_schema = Raw::new(r#"{"type":"object"}"#).expect("json");
    let tool = Tool {
        name: "f".to_owned(),
        description: None,
        input_schema,
        strict: None,
        cache_control: None,
    };
    let request = MessagesRequest {
        system: Some("s".into()),
        tools: vec![tool],
        tool_choice: Some(ToolChoice::Auto { disable_parallel_tool_use: Some(true) }),
        stream: Some(true),
        ..MessagesRequest::new(
            "m",
            9,
            vec![
                InputMessage::new(Role::User, "a"),
                InputMessage::new(Role::Assistant, vec![InputBlock::text("b")]),
            ],
        )
    };
    assert_eq!(
        written(&request),
        concat!(
            r#"{"model":"m","max_tokens":9,"system":"s","messages":[{"role":"user","content":"a"},"#,
            r#"{"role":"assistant","content":[{"type":"text","text":"b"}]}],"#,
            r#""tools":[{"name":"f","input_schema":{"type":"object"}}],"#,
            r#""tool_choice":{"type":"auto","disable_parallel_tool_use":true},"stream":true}"#,
        )
    );
    assert_eq!(written(&ToolChoice::None), r#"{"type":"none"}"#);
    let source = ImageSource::Url { url: "https://a".to_owned() };
    assert_eq!(written(&source), r#"{"type":"url","url":"https://a"}"#);
}

#[test]
fn a_response_is_read_with_blocks_that_are_not_known() {
    let response: MessageResponse = read(ANTHROPIC_RESPONSE);
    let [thought, text, other, call] = response.content.as_slice() else { panic!("four blocks") };
    assert!(matches!(thought, ContentBlock::Thinking(block) if block.thinking == "They greet me."));
    assert!(matches!(text, ContentBlock::Text(block) if block.text == "Hi!"));
    assert!(matches!(other, ContentBlock::Other(raw) if raw.as_str().contains("web_search")));
    let ContentBlock::ToolUse(call) = call else { panic!("no call") };
    assert_eq!(call.input.as_str(), r#"{"unit": "c", "city": "Cape Town"}"#);
    assert_eq!(response.stop_reason, Some(StopReason::ToolUse));
    assert_eq!(response.usage.input_tokens, Some(2095));
    assert_eq!(response.usage.cache_read_input_tokens, Some(0));
    let written_to_cache = response.usage.cache_creation.expect("told");
    assert_eq!(written_to_cache.ephemeral_5m_input_tokens, Some(2051));
    assert_eq!(read::<MessageResponse>(&written(&response)), response);
}

#[test]
fn every_event_of_a_stream_is_kept() {
    for json in data(ANTHROPIC_STREAM).chain(data(ANTHROPIC_STREAM_ERROR)) {
        let event: StreamEvent = read(json);
        assert!(!matches!(event, StreamEvent::Other(_)), "{json}");
        assert_kept::<StreamEvent>(json);
    }
}

#[test]
fn a_stream_adds_up_to_its_text_arguments_and_usage() {
    let (mut text, mut thought, mut arguments) = (String::new(), String::new(), String::new());
    let (mut sent, mut produced, mut reason, mut done) = (None, None, None, false);
    for json in data(ANTHROPIC_STREAM) {
        match read(json) {
            StreamEvent::MessageStart(start) => sent = Some(start.message.usage),
            StreamEvent::ContentBlockDelta(added) => match added.delta {
                BlockDelta::TextDelta(delta) => text.push_str(&delta.text),
                BlockDelta::InputJsonDelta(delta) => arguments.push_str(&delta.partial_json),
                BlockDelta::ThinkingDelta(delta) => thought.push_str(&delta.thinking),
                BlockDelta::SignatureDelta(_) => {}
                BlockDelta::Other(raw) => panic!("{raw}"),
            },
            StreamEvent::MessageDelta(change) => {
                reason = change.delta.stop_reason;
                produced = change.usage.output_tokens;
                assert_eq!(change.usage.input_tokens, None);
            }
            StreamEvent::MessageStop => done = true,
            StreamEvent::ContentBlockStart(_)
            | StreamEvent::ContentBlockStop(_)
            | StreamEvent::Ping => {}
            StreamEvent::Error(_) | StreamEvent::Other(_) => panic!("{json}"),
        }
    }
    assert_eq!((text.as_str(), thought.as_str()), ("Molo, wêreld 🌍", "They greet me."));
    assert_eq!(arguments, r#"{"city": "Paarl"}"#);
    let sent = sent.expect("told");
    assert_eq!((sent.input_tokens, sent.cache_read_input_tokens), (Some(25), Some(11)));
    assert_eq!((produced, reason, done), (Some(89), Some(StopReason::ToolUse), true));
}

#[test]
fn a_failure_in_the_middle_of_a_stream_is_an_event() {
    let last = data(ANTHROPIC_STREAM_ERROR).last().expect("an event");
    let StreamEvent::Error(event) = read(last) else { panic!("{last}") };
    assert_eq!(event.error.kind, ErrorKind::Overloaded);
}

#[test]
fn unknown_events_deltas_reasons_and_errors_are_kept() {
    let event = r#"{"type":"message_paused","z":1,"a":{"b":2.0}}"#;
    assert!(matches!(read(event), StreamEvent::Other(raw) if raw.as_str() == event));
    let delta = r#"{"type":"citations_delta","citation":{"type":"page_location"}}"#;
    assert!(matches!(read(delta), BlockDelta::Other(raw) if raw.as_str() == delta));
    assert_eq!(read::<StopReason>(r#""tired""#), StopReason::Other("tired".to_owned()));
    let body: ErrorBody = read(r#"{"type":"error","error":{"type":"new_error","message":null}}"#);
    assert_eq!(body.error.kind, ErrorKind::Other("new_error".to_owned()));
    let start =
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"hologram","x":[]}}"#;
    assert_kept::<StreamEvent>(start);
}

#[test]
fn known_events_that_are_malformed_are_refused() {
    for json in [
        "",
        "7",
        "{}",
        "[]",
        r#"["ping"]"#,
        r#"{"type":7}"#,
        r#"{"type":"message_start"}"#,
        r#"{"type":"content_block_delta","index":0}"#,
        r#"{"type":"content_block_delta","index":-1,"delta":{"type":"text_delta","text":"a"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta"}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use"}}"#,
    ] {
        assert!(serde_json::from_str::<StreamEvent>(json).is_err(), "{json}");
    }
    let error = serde_json::from_str::<StreamEvent>(
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta"}}"#,
    );
    assert_eq!(error.expect_err("malformed").to_string(), "missing field `text`");
}

#[test]
fn a_missing_counter_is_not_zero_and_a_zero_is_not_missing() {
    let usage = |json: &str| {
        let json = format!(r#"{{"content":[],"usage":{json}}}"#);
        let usage = read::<MessageResponse>(&json).usage;
        (usage.input_tokens, usage.output_tokens)
    };
    assert_eq!(usage("{}"), (None, None));
    assert_eq!(usage("null"), (None, None));
    assert_eq!(usage(r#""none""#), (None, None));
    assert_eq!(usage(r#"{"input_tokens":0,"output_tokens":0}"#), (Some(0), Some(0)));
    assert_eq!(usage(r#"{"input_tokens":3.0,"output_tokens":-1}"#), (Some(3), None));
    let delta =
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null}}"#;
    let StreamEvent::MessageDelta(delta) = read(delta) else { panic!("{delta}") };
    assert_eq!(delta.usage.output_tokens, None);
}

#[test]
fn an_error_is_read_and_is_no_answer() {
    assert_kept::<ErrorBody>(ANTHROPIC_ERROR);
    let body: ErrorBody = read(ANTHROPIC_ERROR);
    assert_eq!(body.error.kind, ErrorKind::NotFound);
    assert_eq!(body.request_id.as_deref(), Some("req_011CSHoEeqs5C35K2UUqR7Fy"));
    assert!(serde_json::from_str::<MessageResponse>(ANTHROPIC_ERROR).is_err());
    assert!(serde_json::from_str::<ErrorBody>(ANTHROPIC_RESPONSE).is_err());
}

#[test]
fn each_way_of_thinking_is_read_and_an_unknown_one_is_kept() {
    let thinking = |json: &str| {
        let json = format!(r#"{{"model":"m","max_tokens":1,"messages":[],"thinking":{json}}}"#);
        assert_kept::<MessagesRequest>(&json);
        read::<MessagesRequest>(&json).thinking.expect("there")
    };
    let display = Some(ThinkingDisplay::Omitted);
    assert_eq!(
        thinking(r#"{"type":"adaptive","display":"omitted"}"#),
        Thinking::Adaptive(AdaptiveThinking { display })
    );
    assert_eq!(
        thinking(r#"{"type":"enabled","budget_tokens":1024}"#),
        Thinking::Enabled(EnabledThinking { budget_tokens: 1_024, display: None })
    );
    assert_eq!(thinking(r#"{"type":"disabled"}"#), Thinking::Disabled);
    let unknown = r#"{"type":"between_tools"}"#;
    assert!(matches!(thinking(unknown), Thinking::Other(raw) if raw.as_str() == unknown));
    let without = r#"{"model":"m","max_tokens":1,"messages":[],"thinking":{"type":"enabled"}}"#;
    assert!(serde_json::from_str::<MessagesRequest>(without).is_err());
}

#[test]
fn what_is_counted_is_the_request_without_its_answer() {
    let request: MessagesRequest = read(ANTHROPIC_REQUEST);
    let counted = CountTokensRequest::from(request.clone());
    let json = written(&counted);
    assert_kept::<CountTokensRequest>(&json);
    let fields: Value = read(&json);
    let names: Vec<&String> = fields.as_object().expect("an object").keys().collect();
    assert_eq!(
        names,
        [
            "cache_control",
            "messages",
            "model",
            "output_config",
            "system",
            "thinking",
            "tool_choice",
            "tools"
        ]
    );
    let whole = counted.with_max_tokens(9);
    assert_eq!((whole.max_tokens, whole.stream, whole.top_k), (9, None, None));
    assert_eq!((whole.messages, whole.tools), (request.messages, request.tools));
    assert_eq!(read::<TokenCount>(r#"{"input_tokens":7}"#).input_tokens, Some(7));
    assert_eq!(read::<TokenCount>("{}").input_tokens, None);
}
