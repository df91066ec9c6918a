//! What Anthropic answers, whole and in pieces.
//!
//! Thoughts are not passed on: nothing that is sent asks for them.
use std::collections::BTreeMap;

use cape_domain::usage::{
    ChatCompletion, ChatEvent, FinishReason, TokenCounts, ToolCall, ToolCallPart,
};
use cape_wire::anthropic::{
    BlockDelta, ContentBlock, DeltaUsage, ErrorDetail, ErrorKind, MessageDelta, MessageResponse,
    StopReason, StreamEvent, Usage,
};

use super::super::{
    failure::{Complaint, Fault, Unreadable},
    format::UNSPECIFIED,
    stream::{EventError, EventReader, Progress},
};

/// Reads an answer in one piece.
pub fn whole(body: &[u8]) -> Result<ChatCompletion, Unreadable> {
    let answer: MessageResponse = serde_json::from_slice(body)?;
    let (mut text, mut tool_calls) = (String::new(), Vec::new());
    for block in answer.content {
        match block {
            ContentBlock::Text(block) => text.push_str(&block.text),
            ContentBlock::ToolUse(call) => tool_calls.push(ToolCall {
                id: call.id,
                name: call.name,
                arguments: call.input.as_str().to_owned(),
            }),
            ContentBlock::Thinking(_)
            | ContentBlock::RedactedThinking(_)
            | ContentBlock::Other(_) => {}
        }
    }
    let finish = finish(answer.stop_reason);
    Ok(ChatCompletion { text, tool_calls, finish, usage: counts(&answer.usage) })
}

fn finish(reason: Option<StopReason>) -> FinishReason {
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
fn counts(usage: &Usage) -> Option<TokenCounts> {
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

/// A failure in the middle of a stream has no status; its kind says whose fault it is.
fn fault(kind: &ErrorKind) -> Fault {
    match kind {
        ErrorKind::InvalidRequest | ErrorKind::NotFound | ErrorKind::RequestTooLarge => {
            Fault::Request
        }
        ErrorKind::Authentication | ErrorKind::Billing | ErrorKind::Permission => {
            Fault::Credentials
        }
        ErrorKind::RateLimit => Fault::RateLimit,
        ErrorKind::Timeout => Fault::Timeout,
        ErrorKind::Api | ErrorKind::Overloaded | ErrorKind::Other(_) => Fault::Provider,
    }
}

/// Reads an answer in pieces.
#[derive(Debug, Default)]
pub struct Reader {
    usage: Usage,
    /// Calls by the place of their block.
    calls: BTreeMap<u64, Call>,
    stop_reason: Option<StopReason>,
    finished: bool,
    stopped: bool,
}

/// A call that is being told.
#[derive(Clone, Copy, Debug)]
struct Call {
    index: u32,
    has_arguments: bool,
}

impl EventReader for Reader {
    fn read(&mut self, data: &str) -> Result<Vec<ChatEvent>, EventError> {
        match serde_json::from_str(data)? {
            StreamEvent::MessageStart(start) => {
                // Its counter of output is of no use: it was told before there was any.
                self.usage = Usage { output_tokens: None, ..start.message.usage };
                Ok(Vec::new())
            }
            StreamEvent::ContentBlockStart(start) => {
                Ok(self.begin(start.index, start.content_block)?)
            }
            StreamEvent::ContentBlockDelta(delta) => {
                Ok(self.add(delta.index, delta.delta)?.into_iter().collect())
            }
            StreamEvent::ContentBlockStop(stop) => Ok(self.end(stop.index).into_iter().collect()),
            StreamEvent::MessageDelta(delta) => Ok(self.change(delta)),
            StreamEvent::Error(event) => {
                Err(complaint(fault(&event.error.kind), event.error).into())
            }
            StreamEvent::MessageStop => {
                self.stopped = true;
                Ok(self.finish().into_iter().collect())
            }
            StreamEvent::Ping | StreamEvent::Other(_) => Ok(Vec::new()),
        }
    }

    fn progress(&self) -> Progress {
        if self.stopped { Progress::Over } else { Progress::Going }
    }
}

impl Reader {
    fn begin(&mut self, place: u64, block: ContentBlock) -> Result<Vec<ChatEvent>, Unreadable> {
        let call = match block {
            ContentBlock::Text(block) if block.text.is_empty() => return Ok(Vec::new()),
            ContentBlock::Text(block) => return Ok(vec![ChatEvent::Text(block.text)]),
            ContentBlock::ToolUse(call) => call,
            ContentBlock::Thinking(_)
            | ContentBlock::RedactedThinking(_)
            | ContentBlock::Other(_) => return Ok(Vec::new()),
        };
        let index =
            u32::try_from(self.calls.len()).map_err(|_| Unreadable::Shape("too many calls"))?;
        let input = call.input.as_str();
        // The arguments follow in pieces; an object that is not empty has them already.
        let arguments = if input == "{}" { String::new() } else { input.to_owned() };
        self.calls.insert(place, Call { index, has_arguments: !arguments.is_empty() });
        let (id, name) = (Some(call.id), Some(call.name));
        Ok(vec![ChatEvent::ToolCall(ToolCallPart { index, id, name, arguments })])
    }

    fn add(&mut self, place: u64, delta: BlockDelta) -> Result<Option<ChatEvent>, Unreadable> {
        match delta {
            BlockDelta::TextDelta(delta) if delta.text.is_empty() => Ok(None),
            BlockDelta::TextDelta(delta) => Ok(Some(ChatEvent::Text(delta.text))),
            BlockDelta::InputJsonDelta(delta) if delta.partial_json.is_empty() => Ok(None),
            BlockDelta::InputJsonDelta(delta) => match self.calls.get_mut(&place) {
                Some(call) => {
                    call.has_arguments = true;
                    Ok(Some(call.arguments(delta.partial_json)))
                }
                None => Err(Unreadable::Shape("arguments of a call that did not begin")),
            },
            BlockDelta::ThinkingDelta(_) | BlockDelta::SignatureDelta(_) | BlockDelta::Other(_) => {
                Ok(None)
            }
        }
    }

    /// A call to which no arguments were told has none, which in JSON is an empty object.
    fn end(&mut self, place: u64) -> Option<ChatEvent> {
        let call = self.calls.get_mut(&place)?;
        let had = std::mem::replace(&mut call.has_arguments, true);
        (!had).then(|| call.arguments("{}".to_owned()))
    }

    fn change(&mut self, message: MessageDelta) -> Vec<ChatEvent> {
        if message.delta.stop_reason.is_some() {
            self.stop_reason = message.delta.stop_reason;
        }
        let usage = self.retell(message.usage).map(ChatEvent::Usage);
        let finished = self.stop_reason.is_some().then(|| self.finish()).flatten();
        finished.into_iter().chain(usage).collect()
    }

    /// The counters as they are now: each is the whole so far, and some are told once.
    fn retell(&mut self, told: DeltaUsage) -> Option<TokenCounts> {
        let before = self.usage;
        self.usage = Usage {
            input_tokens: told.input_tokens.or(before.input_tokens),
            cache_creation_input_tokens: told
                .cache_creation_input_tokens
                .or(before.cache_creation_input_tokens),
            cache_read_input_tokens: told
                .cache_read_input_tokens
                .or(before.cache_read_input_tokens),
            cache_creation: before.cache_creation,
            output_tokens: told.output_tokens.or(before.output_tokens),
            output_tokens_details: told.output_tokens_details.or(before.output_tokens_details),
        };
        counts(&self.usage)
    }

    fn finish(&mut self) -> Option<ChatEvent> {
        let finished = std::mem::replace(&mut self.finished, true);
        (!finished).then(|| ChatEvent::Finished(finish(self.stop_reason.take())))
    }
}

impl Call {
    const fn arguments(self, arguments: String) -> ChatEvent {
        ChatEvent::ToolCall(ToolCallPart { index: self.index, id: None, name: None, arguments })
    }
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

    #[test]
    fn a_failure_in_a_stream_says_whose_fault_it_is() {
        for (kind, message, fault) in [
            ("overloaded_error", "m", Fault::Provider),
            ("api_error", "m", Fault::Provider),
            ("new_error", "m", Fault::Provider),
            ("rate_limit_error", "m", Fault::RateLimit),
            ("timeout_error", "m", Fault::Timeout),
            ("authentication_error", "m", Fault::Credentials),
            ("invalid_request_error", "m", Fault::Request),
            ("invalid_request_error", "Your credit balance is too low", Fault::Credentials),
        ] {
            let event =
                format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}}}}"#);
            let expected = Complaint::new(fault, message.to_owned());
            assert_eq!(Reader::default().read(&event), Err(EventError::Complaint(expected)));
        }
    }

    #[test]
    fn arguments_need_a_call() {
        let event = r#"{"type":"content_block_delta","index":3,
            "delta":{"type":"input_json_delta","partial_json":"{}"}}"#;
        assert!(matches!(Reader::default().read(event), Err(EventError::Unreadable(_))));
    }

    #[test]
    fn output_that_is_never_told_leaves_the_usage_unknown() {
        let mut reader = Reader::default();
        let start = r#"{"type":"message_start","message":{"content":[],
            "usage":{"input_tokens":10,"output_tokens":1}}}"#;
        let end = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{}}"#;
        assert_eq!(reader.read(start), Ok(vec![]));
        assert_eq!(reader.read(end), Ok(vec![ChatEvent::Finished(FinishReason::Stop)]));
    }
}
