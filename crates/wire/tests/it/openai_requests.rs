//! What callers send.
use cape_wire::{
    TextOr,
    openai::{
        ChatRequest, ContentPart, FunctionDefinition, InvalidRequest, Message, ResponseFormat,
        Role, StreamOptions, Tool, ToolCall, ToolChoice, ToolMode,
    },
};
use serde_json::{Value, json};

use crate::golden::{OPENAI_REQUEST, read, written};

fn golden() -> ChatRequest {
    ChatRequest::read(OPENAI_REQUEST.as_bytes()).expect("a request")
}

fn refused(json: &str) -> InvalidRequest {
    ChatRequest::read(json.as_bytes()).expect_err("no request")
}

#[test]
fn a_request_is_read_and_written_without_loss() {
    let request = golden();
    assert!(request.wants_stream() && request.wants_stream_usage());
    assert!(request.unknown_paths().is_empty());
    assert_eq!(request.temperature, Some(1.0));
    assert_eq!(request.seed, Some(-7));
    let mut expected: Value = read(OPENAI_REQUEST);
    expected["temperature"] = json!(1.0);
    // Nothing is said where there are calls: `null` and absent are the same.
    expected["messages"][2].as_object_mut().expect("an object").remove("content");
    assert_eq!(read::<Value>(&written(&request)), expected);
    assert_eq!(read::<ChatRequest>(&written(&request)), request);
}

#[test]
fn messages_have_their_parts_calls_and_results() {
    let request = golden();
    let roles: Vec<&Role> = request.messages.iter().map(|message| &message.role).collect();
    assert_eq!(
        roles,
        [
            &Role::Developer,
            &Role::User,
            &Role::Assistant,
            &Role::Tool,
            &Role::Assistant,
            &Role::User
        ]
    );
    let Some(TextOr::Parts(parts)) = &request.messages[1].content else { panic!("no parts") };
    assert_eq!(
        parts[1],
        ContentPart::image("data:image/png;base64,iVBORw0KGgo=", Some("low".to_owned()))
    );
    let [ToolCall::Function(call)] = request.messages[2].tool_calls.as_slice() else {
        panic!("no call")
    };
    assert_eq!(call.function.arguments, r#"{"city":"Cape Town","days":1}"#);
    assert_eq!(request.messages[2].content, None);
    assert_eq!(request.messages[3].tool_call_id.as_deref(), Some("call_9Qx1"));
}

#[test]
fn a_schema_keeps_the_order_of_its_keys_and_the_spelling_of_its_numbers() {
    let request = golden();
    let [Tool::Function(tool)] = request.tools.as_slice() else { panic!("no tool") };
    let schema = tool.function.parameters.as_ref().expect("a schema").as_str();
    assert!(schema.starts_with(r#"{"type": "object", "properties": {"zip""#), "{schema}");
    assert!(schema.contains(r#""maximum": 1e1, "default": 1.0"#), "{schema}");
    assert!(written(&request).contains(schema));
    assert!(
        written(&request.clone()).contains(r#""schema": {"type": "object", "properties": {"z""#)
    );
}

#[test]
fn a_response_format_can_be_read_from_what_is_carried() {
    let format: ResponseFormat =
        golden().response_format.expect("a form").read().expect("a known form");
    let ResponseFormat::JsonSchema(format) = format else { panic!("another form") };
    assert_eq!(format.json_schema.name, "answer");
    assert_eq!(read::<ResponseFormat>(r#"{"type":"json_object"}"#), ResponseFormat::JsonObject);
    assert_eq!(written(&ResponseFormat::Text), r#"{"type":"text"}"#);
    let grammar = r#"{"type":"grammar","grammar":"a*"}"#;
    assert_eq!(written(&read::<ResponseFormat>(grammar)), grammar);
}

#[test]
fn unknown_fields_are_kept_and_can_be_named() {
    let json = r#"{
        "model": "m", "surprise": "low", "prediction": {"type": "content", "n": [1, 2.5]},
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
                {"type": "image_url", "image_url": {"url": "u", "format": "x"}, "alt": "y"},
                {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}
            ]},
            {"role": "assistant", "audio": {"id": "1"}, "tool_calls": [
                {"id": "c", "type": "function", "extra": 1, "function": {"name": "f", "arguments": "", "z": 0}}
            ]}
        ],
        "stream_options": {"include_obfuscation": false},
        "tools": [{"type": "function", "function": {"name": "f", "kind": "k"}, "index": 0}, {"type": "custom"}]
    }"#;
    let request: ChatRequest = read(json);
    assert_eq!(
        request.unknown_paths(),
        [
            "prediction",
            "surprise",
            "messages[0].content[0].cache_control",
            "messages[0].content[1].alt",
            "messages[0].content[1].image_url.format",
            "messages[1].audio",
            "messages[1].tool_calls[0].extra",
            "messages[1].tool_calls[0].function.z",
            "tools[0].index",
            "tools[0].function.kind",
            "stream_options.include_obfuscation",
        ]
    );
    assert_eq!(request.unknown["prediction"], json!({"type": "content", "n": [1, 2.5]}));
    assert_eq!(read::<Value>(&written(&request)), read::<Value>(json));
}

#[test]
fn an_answer_can_be_sent_back_as_it_came() {
    let request: ChatRequest = read(
        r#"{"model": "m", "messages": [{"role": "assistant", "content": "a", "refusal": null,
            "annotations": [], "audio": null, "function_call": null, "extra": {}}]}"#,
    );
    assert!(request.unknown_paths().is_empty());
}

#[test]
fn what_is_null_is_as_good_as_absent() {
    let request: ChatRequest = read(
        r#"{"model": "m", "messages": [{"role": "user", "content": "a", "tool_calls": null, "name": null}],
            "max_tokens": null, "stop": null, "tools": null, "tool_choice": null, "stream": null,
            "response_format": null, "stream_options": null, "temperature": null}"#,
    );
    let plain = ChatRequest::new("m", vec![Message::new(Role::User, "a")]);
    assert_eq!(request, plain);
    assert_eq!(written(&request), r#"{"model":"m","messages":[{"role":"user","content":"a"}]}"#);
}

#[test]
fn a_stop_is_a_text_or_a_list() {
    let stop =
        |json: &str| read::<ChatRequest>(&json.replace("..", r#""model":"m","messages":[]"#)).stop;
    assert_eq!(stop(r#"{..,"stop":"x"}"#), Some(TextOr::Text("x".to_owned())));
    assert_eq!(stop(r#"{..,"stop":["x"]}"#), Some(TextOr::Parts(vec!["x".to_owned()])));
}

#[test]
fn a_tool_choice_is_a_word_or_an_object() {
    for (json, choice) in [
        (r#""auto""#, ToolChoice::Mode(ToolMode::Auto)),
        (r#""any""#, ToolChoice::Mode(ToolMode::Other("any".to_owned()))),
        (r#"{"type":"function","function":{"name":"f"}}"#, ToolChoice::Function("f".to_owned())),
    ] {
        assert_eq!(read::<ToolChoice>(json), choice);
        assert_eq!(written(&choice), json);
    }
    let other = r#"{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[]}}"#;
    assert!(matches!(read(other), ToolChoice::Other(raw) if raw.as_str() == other));
    for json in ["1", "[]", "{}", r#"{"type":"function"}"#] {
        assert!(serde_json::from_str::<ToolChoice>(json).is_err(), "{json}");
    }
}

#[test]
fn unknown_roles_tools_and_calls_are_kept() {
    assert_eq!(
        read::<Message>(r#"{"role":"narrator","content":"a"}"#).role,
        Role::Other("narrator".to_owned())
    );
    let custom = r#"{"type":"custom","custom":{"name":"f","z":1,"a":2}}"#;
    assert!(matches!(read(custom), Tool::Other(raw) if raw.as_str() == custom));
    assert!(matches!(read(custom), ToolCall::Other(raw) if raw.as_str() == custom));
    assert_eq!(
        read::<ToolCall>(r#"{"id":"c","function":{"name":"f","arguments":"{}"}}"#),
        ToolCall::function("c", "f", "{}")
    );
}

#[test]
fn what_is_built_is_what_the_vendor_documents() {
    let parameters = Some(cape_wire::Raw::new(r#"{"type":"object"}"#).expect("json"));
    let lookup = FunctionDefinition { name: "f".to_owned(), parameters, ..Default::default() };
    let request = ChatRequest {
        max_completion_tokens: Some(5),
        stream: Some(true),
        stream_options: Some(StreamOptions { include_usage: Some(true), ..Default::default() }),
        tools: vec![Tool::function(lookup)],
        tool_choice: Some(ToolChoice::Mode(ToolMode::Required)),
        ..ChatRequest::new(
            "m",
            vec![
                Message::new(Role::System, vec![ContentPart::text("s")]),
                Message::calls(vec![ToolCall::function("c", "f", "{}")]),
                Message::tool_result("c", "r"),
            ],
        )
    };
    assert_eq!(
        written(&request),
        concat!(
            r#"{"model":"m","messages":[{"role":"system","content":[{"type":"text","text":"s"}]},"#,
            r#"{"role":"assistant","tool_calls":[{"type":"function","id":"c","function":{"name":"f","arguments":"{}"}}]},"#,
            r#"{"role":"tool","content":"r","tool_call_id":"c"}],"max_completion_tokens":5,"stream":true,"#,
            r#""stream_options":{"include_usage":true},"#,
            r#""tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],"#,
            r#""tool_choice":"required"}"#,
        )
    );
}

#[test]
fn a_refused_request_names_the_parameter() {
    let message =
        |field: &str| format!(r#"{{"model":"m","messages":[{{"role":"user"}},{field}]}}"#);
    for (json, param) in [
        (r#"{"messages":[]}"#.to_owned(), "model"),
        (r#"{"model":"m"}"#.to_owned(), "messages"),
        (r#"{"model":5,"messages":[]}"#.to_owned(), "model"),
        (r#"{"model":"m","messages":{}}"#.to_owned(), "messages"),
        (r#"{"model":"m","messages":[],"max_tokens":-1}"#.to_owned(), "max_tokens"),
        (r#"{"model":"m","messages":[],"max_tokens":1.5}"#.to_owned(), "max_tokens"),
        (
            r#"{"model":"m","messages":[],"max_tokens":18446744073709551616}"#.to_owned(),
            "max_tokens",
        ),
        (r#"{"model":"m","messages":[],"temperature":"hot"}"#.to_owned(), "temperature"),
        (r#"{"model":"m","messages":[],"stop":[1]}"#.to_owned(), "stop"),
        (r#"{"model":"m","messages":[],"tools":[{"type":"function"}]}"#.to_owned(), "tools[0]"),
        (r#"{"model":"m","messages":[],"tool_choice":7}"#.to_owned(), "tool_choice"),
        (message("7"), "messages[1]"),
        (message(r#"["user","hi"]"#), "messages[1]"),
        (message("{}"), "messages[1]"),
        (message(r#"{"role":"user","content":7}"#), "messages[1].content"),
        (message(r#"{"role":"user","content":[{"type":"text"}]}"#), "messages[1].content[0]"),
        (
            message(r#"{"role":"user","content":[{"type":"text","text":"a"},"b"]}"#),
            "messages[1].content[1]",
        ),
        (message(r#"{"role":"user","content":[{"text":"a"}]}"#), "messages[1].content[0]"),
        (message(r#"{"role":"user","tool_calls":[{"id":"c"}]}"#), "messages[1].tool_calls[0]"),
        (message(r#"{"role":7}"#), "messages[1].role"),
    ] {
        let refusal = refused(&json);
        assert_eq!(refusal.param.as_deref(), Some(param), "{json}: {refusal}");
        assert!(refusal.message.contains(param), "{refusal}");
    }
    assert_eq!(
        refused(r#"{"model":"m","messages":[],"max_tokens":-1}"#).message,
        "Invalid value for 'max_tokens': invalid value: integer `-1`, expected u64."
    );
    assert_eq!(
        refused(&message(r#"{"role":"user","content":[{"type":"text"}]}"#)).message,
        "Invalid value for 'messages[1].content[0]': missing field `text`."
    );
}

#[test]
fn what_is_no_object_or_no_json_is_refused_without_a_parameter() {
    for json in
        ["", "null", "[]", "7", "{", r#"{"model":"m","messages":["#, "\u{feff}{}", "{'a':1}"]
    {
        assert_eq!(refused(json).param, None, "{json}");
    }
    let twice = refused(r#"{"model":"m","model":"n","messages":[]}"#);
    assert_eq!(twice.message, "Invalid request: duplicate field `model`.");
    assert!(ChatRequest::read(b"{\"model\":\"\xff\",\"messages\":[]}").is_err());
}

#[test]
fn a_refusal_is_short_however_long_the_request() {
    let long = "x".repeat(1_000_000);
    let value = refused(&format!(r#"{{"model":"m","messages":[],"max_tokens":"{long}"}}"#));
    assert!(value.message.len() < 1_000, "{}", value.message.len());
    let depth = "[".repeat(500) + &"]".repeat(500);
    let key = refused(&format!(r#"{{"model":"m","messages":[],"{long}":{depth}}}"#));
    assert!(key.message.len() < 1_000 && key.param.is_some_and(|param| param.len() < 300));
}

#[test]
fn depth_is_refused_where_it_is_read_and_passes_where_it_is_carried() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let request = |field: &str| format!(r#"{{"model":"m","messages":[],"{field}":{deep}}}"#);
    assert_eq!(refused(&request("unheard_of")).param.as_deref(), Some("unheard_of"));
    assert_eq!(refused(&request("tools")).param.as_deref(), Some("tools[0]"));
    assert!(ChatRequest::read(request("response_format").as_bytes()).is_ok());
}
