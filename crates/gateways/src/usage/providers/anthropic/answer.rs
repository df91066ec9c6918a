//! What Anthropic answers in one piece, and what is alike in several.
use cape_domain::usage::{ChatCompletion, Choice, FinishReason, Thought, TokenCounts, ToolCall};
use cape_wire::anthropic::{
    ContentBlock, ErrorDetail, MessageResponse, RedactedThinkingBlock, StopReason, ThinkingBlock,
    Usage,
};

use super::super::{
    failure::{Complaint, Fault, Unreadable},
    format::UNSPECIFIED,
};

/// Reads an answer in one piece.
pub fn whole(body: &[u8]) -> Result<ChatCompletion, Unreadable> {
    let answer: MessageResponse = serde_json::from_slice(body)?;
    let (mut thoughts, mut text, mut tool_calls) = (Vec::new(), String::new(), Vec::new());
    for block in answer.content {
        match block {
            ContentBlock::Text(block) => text.push_str(&block.text),
            ContentBlock::ToolUse(call) => tool_calls.push(ToolCall {
                id: call.id,
                name: call.name,
                arguments: call.input.as_str().to_owned(),
            }),
            ContentBlock::Thinking(block) => thoughts.push(thought(block)),
            ContentBlock::RedactedThinking(block) => thoughts.push(sealed(block)),
            ContentBlock::Other(_) => {}
        }
    }
    let finish = finish(answer.stop_reason);
    let choice = Choice { thoughts, text, tool_calls, log_probs: None, finish };
    Ok(ChatCompletion { choices: vec![choice], usage: counts(&answer.usage) })
}

/// A thought, and what proves that it is the model's.
pub(super) fn thought(block: ThinkingBlock) -> Thought {
    let signature = Some(block.signature).filter(|signature| !signature.is_empty());
    Thought { text: block.thinking, signature, sealed: None }
}

/// A thought that Anthropic alone can read.
pub(super) fn sealed(block: RedactedThinkingBlock) -> Thought {
    Thought { sealed: Some(block.data), ..Thought::default() }
}

/// Why an answer ended.
pub(super) fn finish(reason: Option<StopReason>) -> FinishReason {
    match reason {
        Some(StopReason::EndTurn | StopReason::StopSequence) => FinishReason::Stop,
        Some(StopReason::MaxTokens | StopReason::ContextWindowExceeded) => FinishReason::Length,
        Some(StopReason::ToolUse) => FinishReason::ToolCalls,
        Some(StopReason::Refusal) => FinishReason::ContentFilter,
        Some(reason @ (StopReason::PauseTurn | StopReason::Other(_))) => {
            FinishReason::Other(reason.as_str().to_owned())
        }
        None => FinishReason::Other(UNSPECIFIED.to_owned()),
    }
}

/// Takes the counters apart: those of input are so already, thinking is part of the output. A part
/// that is larger than its whole counts as the whole. Without input or output the usage is unknown.
pub(super) fn counts(usage: &Usage) -> Option<TokenCounts> {
    let (input, output) = (usage.input_tokens?, usage.output_tokens?);
    let thinking = usage.output_tokens_details.and_then(|details| details.thinking_tokens);
    let reasoning = thinking.unwrap_or(0).min(output);
    Some(TokenCounts {
        input,
        cached_input: usage.cache_read_input_tokens.unwrap_or(0),
        cache_write: usage.cache_creation_input_tokens.unwrap_or(0),
        output: output - reasoning,
        reasoning,
    })
}

/// A refusal, or a failure in the middle of a stream. `fault` is what its status says.
pub fn complaint(fault: Fault, error: ErrorDetail) -> Complaint {
    // An account that cannot pay is told as a bad request. It is ours, not the caller's.
    let ours = error.message.contains("credit balance is too low");
    let fault = if ours { Fault::Credentials } else { fault };
    Complaint::new(fault, error.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(json: &str) -> Option<[u64; 5]> {
        let usage: Usage = serde_json::from_str(json).expect("usage");
        let TokenCounts { input, cached_input, cache_write, output, reasoning } = counts(&usage)?;
        Some([input, cached_input, cache_write, output, reasoning])
    }

    #[test]
    fn every_token_is_counted_once() {
        for (usage, expected) in [
            (r#"{"input_tokens":10,"output_tokens":5}"#, Some([10, 0, 0, 5, 0])),
            (r#"{"input_tokens":0,"output_tokens":0}"#, Some([0; 5])),
            (r#"{"input_tokens":10}"#, None),
            (r#"{"output_tokens":5}"#, None),
            ("{}", None),
            (
                r#"{"input_tokens":10,"cache_read_input_tokens":100,
                    "cache_creation_input_tokens":20,"output_tokens":5,
                    "output_tokens_details":{"thinking_tokens":3}}"#,
                Some([10, 100, 20, 2, 3]),
            ),
            (
                r#"{"input_tokens":1,"output_tokens":5,
                    "output_tokens_details":{"thinking_tokens":9}}"#,
                Some([1, 0, 0, 0, 5]),
            ),
        ] {
            assert_eq!(counted(usage), expected, "{usage}");
        }
    }
}
