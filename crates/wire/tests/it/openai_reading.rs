//! What OpenAI, and those who imitate it, answer.
use cape_wire::{
    Field,
    openai::{ChatResponse, ErrorBody, FinishReason, StreamData, ToolCall, Usage},
};

use crate::golden::{
    OPENAI_ERROR, OPENAI_RESPONSE, OPENAI_RESPONSE_TOOLS, OPENAI_STREAM, OPENAI_STREAM_TOOLS,
    assert_kept, data, read, written,
};

#[test]
fn responses_are_read_and_written_without_loss() {
    for json in [OPENAI_RESPONSE, OPENAI_RESPONSE_TOOLS] {
        assert_kept::<ChatResponse>(json);
    }
    assert_kept::<ErrorBody>(OPENAI_ERROR);
}

#[test]
fn every_chunk_is_written_as_it_was_read() {
    for json in data(OPENAI_STREAM).chain(data(OPENAI_STREAM_TOOLS)) {
        match StreamData::read(json).expect("known") {
            StreamData::Chunk(chunk) => assert_eq!(written(&chunk), json),
            StreamData::Done => assert_eq!(json, "[DONE]"),
            StreamData::Error(error) => panic!("{error:?}"),
        }
    }
}

#[test]
fn a_stream_adds_up_to_its_text_reason_and_usage() {
    let (mut text, mut reason, mut usage, mut done) = (String::new(), None, None, false);
    for json in data(OPENAI_STREAM) {
        match StreamData::read(json).expect("known") {
            StreamData::Chunk(chunk) => {
                for choice in chunk.choices {
                    text.push_str(choice.delta.content.value().map_or("", String::as_str));
                    reason = choice.finish_reason.or(reason);
                }
                usage = chunk.usage.into_value().or(usage);
            }
            StreamData::Done => done = true,
            StreamData::Error(error) => panic!("{error:?}"),
        }
    }
    assert_eq!((text.as_str(), reason), ("Molo, wêreld 🌍", Some(FinishReason::Stop)));
    assert_eq!(usage.and_then(|usage| usage.completion_tokens), Some(6));
    assert!(done);
}

#[test]
fn calls_are_read_with_their_arguments_as_written() {
    let response: ChatResponse = read(OPENAI_RESPONSE_TOOLS);
    let choice = &response.choices[0];
    let [ToolCall::Function(call)] = choice.message.tool_calls.as_slice() else {
        panic!("no call")
    };
    assert_eq!(call.function.arguments, "{\n\"location\": \"Boston, MA\"\n}");
    assert_eq!(choice.finish_reason, Some(FinishReason::ToolCalls));
    assert_eq!(choice.message.content, None);
    assert!(choice.logprobs.is_some());
}

#[test]
fn an_unknown_reason_is_kept() {
    let response: ChatResponse = read(
        r#"{"choices":[{"message":{"content":"a"},"finish_reason":"insufficient_system_resource"}]}"#,
    );
    let reason = response.choices[0].finish_reason.clone().expect("a reason");
    assert_eq!(reason, FinishReason::Other("insufficient_system_resource".to_owned()));
    assert_eq!(reason.to_string(), "insufficient_system_resource");
}

#[test]
fn a_missing_counter_is_not_zero_and_a_zero_is_not_missing() {
    let usage = |json: &str| {
        let json = format!(r#"{{"choices":[],"usage":{json}}}"#);
        read::<ChatResponse>(&json).usage
    };
    let counters = |prompt, completion| Usage {
        prompt_tokens: prompt,
        completion_tokens: completion,
        ..Usage::default()
    };
    for (json, expected) in [
        ("null", None),
        ("{}", Some(counters(None, None))),
        (r#"{"prompt_tokens":0,"completion_tokens":0}"#, Some(counters(Some(0), Some(0)))),
        (r#"{"prompt_tokens":5}"#, Some(counters(Some(5), None))),
        (r#"{"prompt_tokens":5.0,"completion_tokens":7e0}"#, Some(counters(Some(5), Some(7)))),
        (r#"{"prompt_tokens":-5,"completion_tokens":null}"#, Some(counters(None, None))),
        (r#"{"prompt_tokens":"5","completion_tokens":2.5}"#, Some(counters(None, None))),
        (r#"{"prompt_tokens":5,"prompt_tokens_details":"none"}"#, Some(counters(Some(5), None))),
        (r#""unknown""#, None),
        ("[1,2,3]", None),
    ] {
        assert_eq!(usage(json), expected, "{json}");
    }
    assert_eq!(read::<ChatResponse>(r#"{"choices":[]}"#).usage, None);
    assert_eq!(written(&counters(Some(0), None)), r#"{"prompt_tokens":0}"#);
}

#[test]
fn usage_in_a_chunk_is_absent_null_or_told() {
    let usage = |json: &str| match StreamData::read(json).expect("known") {
        StreamData::Chunk(chunk) => chunk.usage,
        other => panic!("{other:?}"),
    };
    assert_eq!(usage(r#"{"choices":[]}"#), Field::Absent);
    assert_eq!(usage(r#"{"choices":[],"usage":null}"#), Field::Null);
    assert_eq!(usage(r#"{"choices":[],"usage":"?"}"#), Field::Null);
    assert_eq!(usage(r#"{"choices":[],"usage":{}}"#), Field::Value(Usage::default()));
}

#[test]
fn unknown_fields_of_an_answer_are_passed_over() {
    let response: ChatResponse = read(
        r#"{"id":"x","created":1700000000.7,"provider":"p","choices":[{"index":0,"native":{"a":[]},
            "message":{"role":"assistant","content":"a","reasoning_content":"b","tool_calls":null,
            "annotations":[{"type":"url_citation","url_citation":{"url":"u"}}]}}]}"#,
    );
    assert_eq!(response.choices[0].message.content.as_deref(), Some("a"));
    assert_eq!(response.choices[0].finish_reason, None);
    assert_eq!(response.created, 0);
    match StreamData::read(r#"{"obfuscation":"aB3","choices":[{"delta":null}]}"#) {
        Ok(StreamData::Chunk(chunk)) => assert_eq!(chunk.choices.len(), 1),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_compatible_servers_show_of_their_thoughts_is_read() {
    let message = |fields: &str| {
        let json = format!(r#"{{"choices":[{{"message":{{"content":"a",{fields}}}}}]}}"#);
        let message = read::<ChatResponse>(&json).choices.remove(0).message;
        (message.reasoning_content, message.reasoning)
    };
    let hm = || Some("Hm.".to_owned());
    assert_eq!(message(r#""reasoning_content":"Hm.""#), (hm(), None));
    assert_eq!(message(r#""reasoning":"Hm.","reasoning_content":null"#), (None, hm()));
    assert_eq!(message(r#""reasoning":{"effort":"low"}"#), (None, None));
    match StreamData::read(r#"{"choices":[{"delta":{"reasoning_content":"Hm."}}]}"#) {
        Ok(StreamData::Chunk(chunk)) => {
            assert_eq!(chunk.choices[0].delta.reasoning_content, hm());
            assert_eq!(written(&chunk.choices[0].delta), r#"{"reasoning_content":"Hm."}"#);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_failure_in_the_middle_of_a_stream_is_told_from_a_chunk() {
    let json =
        r#"{"error":{"message":"The server had an error","type":"server_error","code":500}}"#;
    let Ok(StreamData::Error(body)) = StreamData::read(json) else { panic!("no error") };
    assert_eq!(body.error.code.as_deref(), Some("500"));
    assert!(matches!(StreamData::read(r#"{"choices":[],"error":null}"#), Ok(StreamData::Chunk(_))));
    assert!(matches!(StreamData::read(" [DONE]\n"), Ok(StreamData::Done)));
    for data in ["", "[DONE", "{", "<html>", "null", "7", r#"{"choices":7}"#] {
        assert!(StreamData::read(data).is_err(), "{data}");
    }
}

#[test]
fn an_error_in_place_of_an_answer_is_no_answer() {
    assert!(serde_json::from_str::<ChatResponse>(OPENAI_ERROR).is_err());
    assert!(serde_json::from_str::<ErrorBody>(OPENAI_RESPONSE).is_err());
}

#[test]
fn errors_of_imitators_are_read() {
    for (json, message, code) in [
        (r#"{"error":"model not found"}"#, "model not found", None),
        (r#"{"error":{}}"#, "", None),
        (r#"{"error":{"message":null,"type":null,"param":{},"code":429}}"#, "", Some("429")),
    ] {
        let body: ErrorBody = read(json);
        assert_eq!(body.error.message, message);
        assert_eq!(body.error.code.as_deref(), code);
        assert_eq!((body.error.kind, body.error.param), (None, None));
    }
    let body: ErrorBody = read(OPENAI_ERROR);
    assert_eq!(body.error.code.as_deref(), Some("invalid_api_key"));
}
