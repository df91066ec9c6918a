//! What our callers get, byte for byte as OpenAI writes it.
use cape_wire::{
    Field,
    openai::{
        ChatChunk, ChatObject, ChatResponse, Choice, ChunkChoice, ChunkObject,
        CompletionTokensDetails, Delta, ErrorBody, FinishReason, Model, ModelList,
        PromptTokensDetails, ResponseMessage, StreamData, ToolCallDelta, Usage,
    },
};

use crate::golden::{
    OPENAI_MODELS, OPENAI_RESPONSE, OPENAI_STREAM, OPENAI_STREAM_TOOLS, data, read, written,
};

const USAGE: Usage = Usage {
    prompt_tokens: Some(19),
    completion_tokens: Some(10),
    total_tokens: Some(29),
    prompt_tokens_details: Some(PromptTokensDetails {
        cached_tokens: Some(0),
        cache_write_tokens: None,
        audio_tokens: Some(0),
    }),
    completion_tokens_details: Some(CompletionTokensDetails {
        reasoning_tokens: Some(0),
        audio_tokens: Some(0),
        accepted_prediction_tokens: Some(0),
        rejected_prediction_tokens: Some(0),
    }),
};

fn chunk(choices: Vec<ChunkChoice>, usage: Field<Usage>) -> ChatChunk {
    ChatChunk {
        id: "chatcmpl-123".to_owned(),
        object: ChunkObject,
        created: 1_694_268_190,
        model: "gpt-4o-mini".to_owned(),
        service_tier: Some("default".to_owned()),
        system_fingerprint: Some("fp_44709d6fcb".to_owned()),
        choices,
        usage,
    }
}

fn adding(delta: Delta) -> Vec<ChunkChoice> {
    vec![ChunkChoice { delta, ..ChunkChoice::default() }]
}

fn ending(finish_reason: FinishReason) -> Vec<ChunkChoice> {
    vec![ChunkChoice { finish_reason: Some(finish_reason), ..ChunkChoice::default() }]
}

#[test]
fn a_response_is_written_as_openai_writes_it() {
    let message = ResponseMessage {
        content: Some("Hello! How can I assist you today?".to_owned()),
        annotations: Some(Vec::new()),
        ..ResponseMessage::silent()
    };
    let finish_reason = Some(FinishReason::Stop);
    let response = ChatResponse {
        id: "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT".to_owned(),
        object: ChatObject,
        created: 1_741_569_952,
        model: "gpt-4o-mini-2024-07-18".to_owned(),
        choices: vec![Choice { index: 0, message, logprobs: None, finish_reason }],
        usage: Some(USAGE),
        service_tier: Some("default".to_owned()),
        system_fingerprint: Some("fp_560af6e559".to_owned()),
    };
    let json = serde_json::to_string_pretty(&response).expect("can be written");
    assert_eq!(json, OPENAI_RESPONSE.trim_end());
}

#[test]
fn a_stream_with_usage_is_written_as_openai_writes_it() {
    let usage = Usage {
        prompt_tokens: Some(9),
        completion_tokens: Some(6),
        total_tokens: Some(15),
        ..USAGE
    };
    let mut stream: Vec<String> = [
        chunk(adding(Delta::opening_text()), Field::Null),
        chunk(adding(Delta::text("Molo, ")), Field::Null),
        chunk(adding(Delta::text("wêreld 🌍")), Field::Null),
        chunk(ending(FinishReason::Stop), Field::Null),
        chunk(Vec::new(), usage.into()),
    ]
    .iter()
    .map(written)
    .collect();
    stream.push(StreamData::DONE.to_owned());
    assert_eq!(stream, data(OPENAI_STREAM).collect::<Vec<_>>());
}

#[test]
fn a_stream_without_usage_never_speaks_of_it() {
    let call = |delta| Delta { tool_calls: vec![delta], ..Delta::default() };
    let opening = vec![ToolCallDelta::opening(0, "call_DdmO", "get_weather")];
    let mut stream: Vec<String> = [
        adding(Delta::opening_calls(opening)),
        adding(call(ToolCallDelta::arguments(0, r#"{"city":"#))),
        adding(call(ToolCallDelta::arguments(0, r#""Paarl"}"#))),
        ending(FinishReason::ToolCalls),
    ]
    .into_iter()
    .map(|choices| ChatChunk {
        id: "chatcmpl-9".to_owned(),
        service_tier: None,
        system_fingerprint: None,
        ..chunk(choices, Field::Absent)
    })
    .map(|chunk| written(&chunk))
    .collect();
    stream.push(StreamData::DONE.to_owned());
    assert_eq!(stream, data(OPENAI_STREAM_TOOLS).collect::<Vec<_>>());
}

#[test]
fn an_error_has_all_its_four_fields() {
    assert_eq!(
        written(&ErrorBody::new("invalid_request_error", "No.")),
        r#"{"error":{"message":"No.","type":"invalid_request_error","param":null,"code":null}}"#
    );
    assert_eq!(
        written(
            &ErrorBody::new("invalid_request_error", "No such model.")
                .with_param("model")
                .with_code("model_not_found")
        ),
        concat!(
            r#"{"error":{"message":"No such model.","type":"invalid_request_error","#,
            r#""param":"model","code":"model_not_found"}}"#
        )
    );
}

#[test]
fn a_list_of_models_is_written_as_openai_writes_it() {
    let list = ModelList::new(vec![
        Model::new("gpt-4o-mini", 1_721_172_741, "system"),
        Model::new("claude-3-haiku", 1_709_769_600, "anthropic"),
    ]);
    assert_eq!(written(&list), OPENAI_MODELS.trim_end());
    assert_eq!(read::<ModelList>(OPENAI_MODELS), list);
}
