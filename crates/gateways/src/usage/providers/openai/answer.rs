//! What `OpenAI` answers, whole and in pieces.
//!
//! A refusal is text: what the model says instead of an answer, the caller shall read too.
use cape_domain::usage::{
    ChatCompletion, ChatEvent, FinishReason, TokenCounts, ToolCall, ToolCallPart,
};
use cape_wire::{
    Field,
    openai::{
        ChatChunk, ChatResponse, ErrorBody, FinishReason as BodyFinish, StreamData,
        ToolCall as BodyToolCall, ToolCallDelta, Usage,
    },
};

use super::super::{
    failure::{Complaint, Fault, Unreadable},
    format::UNSPECIFIED,
    stream::{EventError, EventReader, Progress},
};

/// Reads an answer in one piece.
pub fn whole(body: &[u8]) -> Result<ChatCompletion, Unreadable> {
    let answer: ChatResponse = serde_json::from_slice(body)?;
    let choice = answer.choices.into_iter().find(|choice| choice.index == 0);
    let choice = choice.ok_or(Unreadable::Shape("an answer without a choice"))?;
    let message = choice.message;
    let called = |call| match call {
        BodyToolCall::Function(call) => Some(ToolCall {
            id: call.id,
            name: call.function.name,
            arguments: call.function.arguments,
        }),
        // Only functions were offered, so nothing else can be answered.
        BodyToolCall::Other(_) => None,
    };
    Ok(ChatCompletion {
        text: [message.content, message.refusal].into_iter().flatten().collect(),
        tool_calls: message.tool_calls.into_iter().filter_map(called).collect(),
        finish: choice.finish_reason.map_or_else(unspecified, finish),
        usage: answer.usage.as_ref().and_then(counts),
    })
}

fn unspecified() -> FinishReason {
    FinishReason::Other(UNSPECIFIED.to_owned())
}

fn finish(reason: BodyFinish) -> FinishReason {
    match reason {
        BodyFinish::Stop => FinishReason::Stop,
        BodyFinish::Length => FinishReason::Length,
        BodyFinish::ToolCalls | BodyFinish::FunctionCall => FinishReason::ToolCalls,
        BodyFinish::ContentFilter => FinishReason::ContentFilter,
        BodyFinish::Other(word) => FinishReason::Other(word),
    }
}

/// Takes the counters apart: cached tokens are part of the prompt, reasoning is part of the
/// completion. A part that is larger than its whole counts as the whole. Without either whole
/// the usage is unknown.
fn counts(usage: &Usage) -> Option<TokenCounts> {
    let (prompt, completion) = (usage.prompt_tokens?, usage.completion_tokens?);
    let read = usage.prompt_tokens_details.unwrap_or_default();
    let cached_input = read.cached_tokens.unwrap_or(0).min(prompt);
    let cache_write = read.cache_write_tokens.unwrap_or(0).min(prompt - cached_input);
    let written = usage.completion_tokens_details.unwrap_or_default();
    let reasoning = written.reasoning_tokens.unwrap_or(0).min(completion);
    Some(TokenCounts {
        input: prompt - cached_input - cache_write,
        cached_input,
        cache_write,
        output: completion - reasoning,
        reasoning,
    })
}

/// Reads an answer in pieces.
#[derive(Debug, Default)]
pub struct Reader {
    finished: bool,
    done: bool,
}

impl EventReader for Reader {
    fn read(&mut self, data: &str) -> Result<Vec<ChatEvent>, EventError> {
        match StreamData::read(data)? {
            StreamData::Chunk(chunk) => Ok(self.chunk(chunk)?),
            StreamData::Error(body) => Err(complaint(body).into()),
            StreamData::Done => {
                self.done = true;
                let untold = !std::mem::replace(&mut self.finished, true);
                Ok(untold.then(|| ChatEvent::Finished(unspecified())).into_iter().collect())
            }
        }
    }

    fn progress(&self) -> Progress {
        match (self.done, self.finished) {
            (true, _) => Progress::Over,
            (false, true) => Progress::Complete,
            (false, false) => Progress::Going,
        }
    }
}

impl Reader {
    fn chunk(&mut self, chunk: ChatChunk) -> Result<Vec<ChatEvent>, Unreadable> {
        let mut pieces = Vec::new();
        for choice in chunk.choices.into_iter().filter(|choice| choice.index == 0) {
            let delta = choice.delta;
            let texts = [delta.content, delta.refusal].into_iter().filter_map(Field::into_value);
            pieces.extend(texts.filter(|text| !text.is_empty()).map(ChatEvent::Text));
            for call in delta.tool_calls {
                pieces.push(ChatEvent::ToolCall(part(call)?));
            }
            if let Some(reason) = choice.finish_reason
                && !std::mem::replace(&mut self.finished, true)
            {
                pieces.push(ChatEvent::Finished(finish(reason)));
            }
        }
        pieces.extend(chunk.usage.value().and_then(counts).map(ChatEvent::Usage));
        Ok(pieces)
    }
}

fn part(call: ToolCallDelta) -> Result<ToolCallPart, Unreadable> {
    let function = call.function.unwrap_or_default();
    Ok(ToolCallPart {
        index: u32::try_from(call.index).map_err(|_| Unreadable::Shape("too many calls"))?,
        id: call.id,
        name: function.name,
        arguments: function.arguments.unwrap_or_default(),
    })
}

/// A failure in the middle of a stream has no status; its words say whose fault it is.
fn complaint(body: ErrorBody) -> Complaint {
    let error = body.error;
    let words = [error.code.as_deref(), error.kind.as_deref()];
    let fault = words.into_iter().flatten().find_map(|word| match word {
        "rate_limit_exceeded" | "insufficient_quota" | "rate_limit_error" => Some(Fault::RateLimit),
        "invalid_api_key" | "authentication_error" | "permission_error" => Some(Fault::Credentials),
        "timeout" => Some(Fault::Timeout),
        "invalid_request_error" => Some(Fault::Request),
        _ => word.parse().ok().map(Fault::of_status),
    });
    Complaint::new(fault.unwrap_or(Fault::Provider), error.message)
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
            (r#"{"prompt_tokens":10,"completion_tokens":5}"#, Some([10, 0, 0, 5, 0])),
            (r#"{"prompt_tokens":0,"completion_tokens":0}"#, Some([0; 5])),
            (r#"{"prompt_tokens":10}"#, None),
            (r#"{"completion_tokens":5}"#, None),
            (r#"{"prompt_tokens":null,"completion_tokens":5,"total_tokens":15}"#, None),
            (
                r#"{"prompt_tokens":10,"completion_tokens":5,
                    "prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":1},
                    "completion_tokens_details":{"reasoning_tokens":3}}"#,
                Some([5, 4, 1, 2, 3]),
            ),
            (
                r#"{"prompt_tokens":10,"completion_tokens":5,
                    "prompt_tokens_details":{"cached_tokens":11,"cache_write_tokens":7},
                    "completion_tokens_details":{"reasoning_tokens":9}}"#,
                Some([0, 10, 0, 0, 5]),
            ),
            (
                r#"{"prompt_tokens":10,"completion_tokens":5,
                    "prompt_tokens_details":null,"completion_tokens_details":"none"}"#,
                Some([10, 0, 0, 5, 0]),
            ),
        ] {
            assert_eq!(counted(usage), expected, "{usage}");
        }
    }

    #[test]
    fn a_failure_in_a_stream_says_whose_fault_it_is() {
        for (error, fault) in [
            (r#"{"message":"m","type":"server_error","code":null}"#, Fault::Provider),
            (r#"{"message":"m","type":"tokens","code":"rate_limit_exceeded"}"#, Fault::RateLimit),
            (r#"{"message":"m","type":"invalid_request_error"}"#, Fault::Request),
            (
                r#"{"message":"m","type":"invalid_request_error","code":"invalid_api_key"}"#,
                Fault::Credentials,
            ),
            (r#"{"message":"m","code":504}"#, Fault::Timeout),
            (r#"{"message":"m"}"#, Fault::Provider),
            (r#""m""#, Fault::Provider),
        ] {
            let read = Reader::default().read(&format!(r#"{{"error":{error}}}"#));
            let expected = Complaint::new(fault, "m".to_owned());
            assert_eq!(read, Err(EventError::Complaint(expected)), "{error}");
        }
    }

    #[test]
    fn an_answer_without_a_choice_cannot_be_read() {
        assert!(whole(br#"{"choices":[]}"#).is_err());
        assert!(whole(br#"{"choices":[{"index":0}]}"#).is_err());
        assert!(whole(b"<html>").is_err());
    }
}
