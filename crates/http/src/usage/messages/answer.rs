//! From the domain's answer to Anthropic's.
use cape_domain::usage::{Call, Choice, FinishReason, ModelProviderError, Thought, TokenCounts};
use cape_services::usage::Completed;
use cape_wire::{
    Raw,
    anthropic::{
        AssistantMark, ContentBlock, MessageMark, MessageResponse, OutputTokensDetails,
        RedactedThinkingBlock, StopReason, TextBlock, ThinkingBlock, ToolUseBlock, Usage,
    },
};

use crate::error::ApiError;

/// The message that answers a request for `name`.
pub(super) fn message(name: String, completed: Completed) -> Result<MessageResponse, ApiError> {
    let Completed { call, completion, tokens, .. } = completed;
    let answer = completion.choices.into_iter().next();
    let answer = answer.ok_or_else(|| ModelProviderError::Malformed("no answer".into()))?;
    let stop_reason = Some(stop(&answer.finish));
    let content = content(answer)?;
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
    // None is not told as zero: some providers do not tell.
    let thinking = Some(tokens.reasoning).filter(|tokens| *tokens > 0);
    let thinking = thinking.map(|tokens| OutputTokensDetails { thinking_tokens: Some(tokens) });
    Usage {
        input_tokens: Some(tokens.input),
        cache_creation_input_tokens: Some(tokens.cache_write),
        cache_read_input_tokens: Some(tokens.cached_input),
        output_tokens: Some(tokens.total_output()),
        output_tokens_details: thinking,
        ..Usage::default()
    }
}

/// A call of a tool, yet without arguments.
pub(super) fn tool_use(id: String, name: String, input: Raw) -> ContentBlock {
    ContentBlock::ToolUse(ToolUseBlock { id, name, input, cache_control: None })
}

/// The arguments of a call as an object; none at all are an empty one.
pub(super) fn arguments(text: &str) -> Result<Raw, ApiError> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    let malformed =
        |error: serde_json::Error| ApiError::from(ModelProviderError::Malformed(Box::new(error)));
    Raw::new(text).map_err(malformed)
}

fn content(answer: Choice) -> Result<Vec<ContentBlock>, ApiError> {
    let Choice { thoughts, text, tool_calls, .. } = answer;
    let says = !text.is_empty() || tool_calls.is_empty();
    let text = says.then(|| ContentBlock::Text(TextBlock::new(text)));
    let calls = tool_calls.into_iter().map(|call| {
        let input = arguments(&call.arguments)?;
        Ok(tool_use(call.id, call.name, input))
    });
    thoughts.into_iter().flat_map(thought).chain(text).map(Ok).chain(calls).collect()
}

/// A thought, as far as it can be read, and as far as its provider alone can.
fn thought(thought: Thought) -> impl Iterator<Item = ContentBlock> {
    let Thought { text, signature, sealed } = thought;
    let is_shown = !text.is_empty() || signature.is_some();
    let signature = signature.unwrap_or_default();
    let shown = ContentBlock::Thinking(ThinkingBlock { thinking: text, signature });
    let shown = is_shown.then_some(shown);
    let sealed = sealed.map(|data| ContentBlock::RedactedThinking(RedactedThinkingBlock { data }));
    shown.into_iter().chain(sealed)
}
