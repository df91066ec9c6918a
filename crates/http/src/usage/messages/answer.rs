//! From the domain's answer to Anthropic's.
use cape_domain::usage::{Call, ChatCompletion, FinishReason, ModelProviderError, TokenCounts};
use cape_services::usage::Completed;
use cape_wire::{
    Raw,
    anthropic::{
        AssistantMark, ContentBlock, MessageMark, MessageResponse, StopReason, TextBlock,
        ToolUseBlock, Usage,
    },
};

use crate::error::ApiError;

/// The message that answers a request for `name`.
pub(super) fn message(name: String, completed: Completed) -> Result<MessageResponse, ApiError> {
    let Completed { call, completion, tokens, .. } = completed;
    let stop_reason = Some(stop(&completion.finish));
    let content = content(completion)?;
    Ok(MessageResponse { content, stop_reason, ..begin(name, &call, usage(tokens)) })
}

/// A message that says nothing yet.
pub(super) fn begin(model: String, call: &Call, usage: Usage) -> MessageResponse {
    MessageResponse {
        id: format!("msg_{}", call.id.raw().simple()),
        kind: MessageMark,
        role: AssistantMark,
        model,
        content: Vec::new(),
        stop_reason: None,
        stop_sequence: None,
        usage,
    }
}

/// Anthropic's word for why it ended.
pub(super) fn stop(reason: &FinishReason) -> StopReason {
    match reason {
        FinishReason::Stop => StopReason::EndTurn,
        FinishReason::Length => StopReason::MaxTokens,
        FinishReason::ToolCalls => StopReason::ToolUse,
        FinishReason::ContentFilter => StopReason::Refusal,
        FinishReason::Other(word) => StopReason::Other(word.clone()),
    }
}

/// Anthropic's figures: the three classes of input stand beside each other, thinking is part of
/// the output.
pub(super) fn usage(tokens: TokenCounts) -> Usage {
    Usage {
        input_tokens: Some(tokens.input),
        cache_creation_input_tokens: Some(tokens.cache_write),
        cache_read_input_tokens: Some(tokens.cached_input),
        output_tokens: Some(tokens.total_output()),
        ..Usage::default()
    }
}

/// A call of a tool, yet without arguments.
pub(super) fn tool_use(id: String, name: String, input: Raw) -> ContentBlock {
    ContentBlock::ToolUse(ToolUseBlock { id, name, input })
}

/// The arguments of a call as an object; none at all are an empty one.
pub(super) fn arguments(text: &str) -> Result<Raw, ApiError> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    let malformed =
        |error: serde_json::Error| ApiError::from(ModelProviderError::Malformed(Box::new(error)));
    Raw::new(text).map_err(malformed)
}

fn content(completion: ChatCompletion) -> Result<Vec<ContentBlock>, ApiError> {
    let ChatCompletion { text, tool_calls, .. } = completion;
    let says = !text.is_empty() || tool_calls.is_empty();
    let text = says.then_some(ContentBlock::Text(TextBlock { text }));
    let calls = tool_calls.into_iter().map(|call| {
        let input = arguments(&call.arguments)?;
        Ok(tool_use(call.id, call.name, input))
    });
    text.map(Ok).into_iter().chain(calls).collect()
}
