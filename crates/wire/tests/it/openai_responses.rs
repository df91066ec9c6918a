//! The Responses API: what callers send, and what they get.
use std::collections::BTreeMap;

use cape_wire::{
    Raw, TextOr,
    openai::{
        ToolMode,
        responses::{
            Content, CreateRequest, Event, FunctionCall, InputItem, InputPart, InputTokensDetails,
            ItemStatus, Message, Numbered, OutputItem, OutputText, OutputTokensDetails, Reasoning,
            ReasoningConfig, Response, ResponseObject, Status, SummaryText, TextConfig, TextFormat,
            Tool, ToolChoice, Usage,
        },
    },
};
use serde_json::Value;

use crate::golden::{data, read, written};

const REQUEST: &str = include_str!("golden/openai/responses/request.json");
const RESPONSE: &str = include_str!("golden/openai/responses/response.json");
const STREAM: &str = include_str!("golden/openai/responses/stream.sse");

fn golden() -> CreateRequest {
    CreateRequest::read(REQUEST.as_bytes()).expect("a request")
}

fn minimal(field: &str) -> String {
    format!(r#"{{"model":"m","input":"a",{field}}}"#)
}

fn items(items: &str) -> String {
    format!(r#"{{"model":"m","input":[{items}]}}"#)
}

#[test]
fn a_request_is_read_and_written_without_loss() {
    let request = golden();
    assert!(request.wants_stream() && request.unknown_paths().is_empty());
    let mut expected: Value = read(REQUEST);
    // What is left out is a message.
    expected["input"][0]["type"] = "message".into();
    assert_eq!(read::<Value>(&written(&request)), expected);
    assert_eq!(read::<CreateRequest>(&written(&request)), request);
}

#[test]
fn a_conversation_is_a_text_or_items() {
    let short: CreateRequest = read(r#"{"model":"m","input":"a"}"#);
    assert_eq!(short.input, TextOr::Text("a".to_owned()));
    let TextOr::Parts(items) = golden().input else { panic!("no items") };
    let [
        InputItem::Message(_),
        InputItem::Message(said),
        InputItem::Reasoning(thought),
        InputItem::Message(_),
        InputItem::FunctionCall(call),
        InputItem::FunctionCallOutput(_),
        InputItem::FunctionCallOutput(_),
    ] = items.as_slice()
    else {
        panic!("{items:?}")
    };
    let TextOr::Parts(parts) = &said.content else { panic!("no parts") };
    assert!(
        matches!(&parts[1], InputPart::InputImage(image) if image.detail.as_deref() == Some("low"))
    );
    assert_eq!(thought.encrypted_content.as_deref(), Some("gAAAA"));
    assert_eq!((call.call_id.as_str(), call.arguments.as_str()), ("call_1", r#"{"city":"Paarl"}"#));
}

#[test]
fn schemas_keep_the_order_of_their_keys_and_the_spelling_of_their_numbers() {
    let request = golden();
    let Some(format) = request.text.and_then(|text| text.format) else { panic!("no format") };
    let TextFormat::JsonSchema(format) = format.read().expect("a form") else { panic!("another") };
    assert!(format.schema.as_str().contains(r#"{"z": {"default": 1.0}, "a": {}}"#));
    let [Tool::Function(function)] = request.tools.as_slice() else { panic!("no function") };
    let schema = function.parameters.as_ref().expect("a schema").as_str();
    assert!(schema.contains(r#"{"z": {"maximum": 1e1}, "a": {}}"#), "{schema}");
}

#[test]
fn what_is_not_known_is_kept_and_can_be_named() {
    let json = r#"{
        "model": "m", "previous_response_id": "resp_1", "conversation": null, "prompt": {"id": "p"},
        "input": [
            {"role": "user", "phase": "x", "content": [
                {"type": "input_text", "text": "a", "cache": 1},
                {"type": "input_image", "file_id": "file_1"},
                {"type": "input_file", "file_id": "file_1"}
            ]},
            {"type": "item_reference", "id": "msg_1"},
            {"type": "reasoning", "summary": [], "content": [{"text": "a"}]},
            {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "", "z": 0}]}
        ],
        "tools": [{"type": "function", "name": "f", "parameters": null, "strict": null, "defer_loading": true}, {"type": "web_search"}],
        "text": {"stop": "x"}, "reasoning": {"generate_summary": "auto"}, "stream_options": {"other": 1}
    }"#;
    let request: CreateRequest = read(json);
    assert_eq!(
        request.unknown_paths(),
        [
            "previous_response_id",
            "prompt",
            "input[0].phase",
            "input[0].content[0].cache",
            "input[0].content[1].file_id",
            "input[2].content",
            "input[3].output[0].z",
            "tools[0].defer_loading",
            "text.stop",
            "reasoning.generate_summary",
            "stream_options.other",
        ]
    );
    let TextOr::Parts(items) = &request.input else { panic!("no items") };
    assert!(matches!(&items[1], InputItem::Other(raw) if raw.as_str().contains("item_reference")));
    assert!(matches!(&request.tools[1], Tool::Other(_)));
}

#[test]
fn a_tool_choice_is_a_word_or_an_object() {
    for (json, choice) in [
        (r#""required""#, ToolChoice::Mode(ToolMode::Required)),
        (r#"{"type":"function","name":"f"}"#, ToolChoice::Function("f".to_owned())),
    ] {
        assert_eq!(read::<ToolChoice>(json), choice);
        assert_eq!(written(&choice), json);
    }
    assert!(matches!(read(r#"{"type":"web_search"}"#), ToolChoice::Other(_)));
    for json in ["1", "[]", "{}", r#"{"type":"function"}"#] {
        assert!(serde_json::from_str::<ToolChoice>(json).is_err(), "{json}");
    }
}

#[test]
fn a_refused_request_names_the_parameter() {
    for (json, param) in [
        (r#"{"input":"a"}"#.to_owned(), "model"),
        (r#"{"model":"m"}"#.to_owned(), "input"),
        (r#"{"model":"m","input":1}"#.to_owned(), "input"),
        (minimal(r#""max_output_tokens":-1"#), "max_output_tokens"),
        (minimal(r#""tools":[{"type":"function"}]"#), "tools[0]"),
        (minimal(r#""tools":[{"type":"function","name":"f"},1]"#), "tools[1]"),
        (minimal(r#""tool_choice":7"#), "tool_choice"),
        (minimal(r#""text":"short""#), "text"),
        (minimal(r#""metadata":{"a":1}"#), "metadata"),
        (items("1"), "input[0]"),
        (items(r#"{"role":"user","content":"a"},{"role":"user"}"#), "input[1]"),
        (items(r#"{"role":"user","content":[{"type":"input_text"}]}"#), "input[0].content[0]"),
        (items(r#"{"type":"function_call","name":"f","arguments":"{}"}"#), "input[0]"),
        (
            items(r#"{"type":"function_call_output","call_id":"c","output":[{"text":"a"}]}"#),
            "input[0].output[0]",
        ),
    ] {
        let refusal = CreateRequest::read(json.as_bytes()).expect_err("no request");
        assert_eq!(refusal.param.as_deref(), Some(param), "{json}: {refusal}");
    }
    for json in ["", "null", "[]", "{", r#"{"model":"m","input":["#] {
        let refusal = CreateRequest::read(json.as_bytes()).expect_err("no request");
        assert_eq!(refusal.param, None, "{json}");
    }
}

fn said(text: &str) -> Message {
    let text = OutputText { text: text.to_owned(), ..OutputText::default() };
    let content = vec![Content::OutputText(text)];
    Message { status: ItemStatus::Completed, content, ..Message::begun("msg_1") }
}

#[test]
fn a_response_is_written_as_openai_writes_it() {
    let reasoning = Reasoning {
        id: "rs_1".to_owned(),
        summary: vec![SummaryText::new("Hm.")],
        encrypted_content: None,
        status: ItemStatus::Completed,
    };
    let call = FunctionCall {
        id: "fc_1".to_owned(),
        status: ItemStatus::Completed,
        call_id: "call_1".to_owned(),
        name: "get_weather".to_owned(),
        arguments: "{}".to_owned(),
    };
    let format = Some(Raw::new(r#"{"type": "text"}"#).expect("json"));
    let response = Response {
        id: "resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b".to_owned(),
        object: ResponseObject,
        created_at: 1_741_476_542,
        status: Status::Completed,
        background: false,
        error: None,
        incomplete_details: None,
        instructions: None,
        max_output_tokens: None,
        model: "gpt-5-mini".to_owned(),
        output: vec![
            OutputItem::Reasoning(reasoning),
            OutputItem::Message(said("Molo, wêreld 🌍")),
            OutputItem::FunctionCall(call),
        ],
        parallel_tool_calls: true,
        previous_response_id: None,
        reasoning: ReasoningConfig::default(),
        store: false,
        temperature: Some(1.0),
        text: TextConfig { format, ..TextConfig::default() },
        tool_choice: ToolChoice::Mode(ToolMode::Auto),
        tools: Vec::new(),
        top_logprobs: 0,
        top_p: Some(1.0),
        truncation: cape_wire::openai::responses::response::Untruncated,
        usage: Some(Usage {
            input_tokens: 36,
            input_tokens_details: InputTokensDetails { cached_tokens: 8, cache_write_tokens: 0 },
            output_tokens: 87,
            output_tokens_details: OutputTokensDetails { reasoning_tokens: 64 },
            total_tokens: 123,
        }),
        user: None,
        metadata: BTreeMap::new(),
    };
    let json = serde_json::to_string_pretty(&response).expect("can be written");
    assert_eq!(json, RESPONSE.trim_end());
}

#[test]
fn events_are_written_with_their_names_and_numbers() {
    let (item_id, call_id) = ("msg_1".to_owned(), "fc_1".to_owned());
    let probable = Raw::new(r#"{"token":"Molo","logprob":-0.10}"#).expect("json");
    let (output_index, content_index) = (0, 0);
    let events = [
        Event::ItemAdded { output_index, item: OutputItem::Message(Message::begun("msg_1")) },
        Event::PartAdded {
            item_id: item_id.clone(),
            output_index,
            content_index,
            part: Content::OutputText(OutputText::default()),
        },
        Event::TextDelta {
            item_id: item_id.clone(),
            output_index,
            content_index,
            delta: "Molo".to_owned(),
            logprobs: vec![probable],
        },
        Event::TextDone {
            item_id,
            output_index,
            content_index,
            text: "Molo".to_owned(),
            logprobs: Vec::new(),
        },
        Event::ArgumentsDelta {
            item_id: call_id.clone(),
            output_index: 1,
            delta: r#"{"city":"#.to_owned(),
        },
        Event::ArgumentsDone {
            item_id: call_id,
            output_index: 1,
            name: "get_weather".to_owned(),
            arguments: r#"{"city":1}"#.to_owned(),
        },
        Event::SummaryDelta {
            item_id: "rs_1".to_owned(),
            output_index: 2,
            summary_index: 0,
            delta: "Hm.".to_owned(),
        },
        Event::Error {
            code: Some("provider_unavailable".to_owned()),
            message: "No.".to_owned(),
            param: None,
        },
    ];
    let names: Vec<_> = events.iter().map(Event::name).collect();
    let told: Vec<_> = STREAM.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!(names, told);
    let numbered = events.into_iter().zip(2..);
    let json: Vec<_> = numbered
        .map(|(event, sequence_number)| written(&Numbered { event, sequence_number }))
        .collect();
    assert_eq!(json, data(STREAM).collect::<Vec<_>>());
}
