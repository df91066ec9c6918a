//! What Anthropic answers in pieces.
use std::collections::BTreeMap;

use cape_domain::usage::{ChatEvent, Piece, Thought, ThoughtPart, TokenCounts, ToolCallPart};
use cape_wire::anthropic::{
    BlockDelta, ContentBlock, DeltaUsage, ErrorKind, MessageDelta, StopReason, StreamEvent, Usage,
};

use super::{
    super::{
        failure::{Fault, Unreadable},
        stream::{EventError, EventReader, Progress},
    },
    answer,
};

/// Reads an answer in pieces.
#[derive(Debug, Default)]
pub struct Reader {
    usage: Usage,
    /// Calls by the place of their block.
    calls: BTreeMap<u64, Call>,
    /// The numbers of thoughts, by the place of their block.
    thoughts: BTreeMap<u64, u32>,
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
                Err(answer::complaint(fault(&event.error.kind), event.error).into())
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
            ContentBlock::Text(block) => return Ok(vec![Piece::Text(block.text).of_first()]),
            ContentBlock::ToolUse(call) => call,
            ContentBlock::Thinking(block) => return self.think(place, answer::thought(block)),
            ContentBlock::RedactedThinking(block) => {
                return self.think(place, answer::sealed(block));
            }
            ContentBlock::Other(_) => return Ok(Vec::new()),
        };
        let index =
            u32::try_from(self.calls.len()).map_err(|_| Unreadable::Shape("too many calls"))?;
        let input = call.input.as_str();
        // The arguments follow in pieces; an object that is not empty has them already.
        let arguments = if input == "{}" { String::new() } else { input.to_owned() };
        self.calls.insert(place, Call { index, has_arguments: !arguments.is_empty() });
        let (id, name) = (Some(call.id), Some(call.name));
        Ok(vec![Piece::ToolCall(ToolCallPart { index, id, name, arguments }).of_first()])
    }

    fn add(&mut self, place: u64, delta: BlockDelta) -> Result<Option<ChatEvent>, Unreadable> {
        match delta {
            BlockDelta::TextDelta(delta) if delta.text.is_empty() => Ok(None),
            BlockDelta::TextDelta(delta) => Ok(Some(Piece::Text(delta.text).of_first())),
            BlockDelta::InputJsonDelta(delta) if delta.partial_json.is_empty() => Ok(None),
            BlockDelta::InputJsonDelta(delta) => match self.calls.get_mut(&place) {
                Some(call) => {
                    call.has_arguments = true;
                    Ok(Some(call.arguments(delta.partial_json)))
                }
                None => Err(Unreadable::Shape("arguments of a call that did not begin")),
            },
            BlockDelta::ThinkingDelta(delta) if delta.thinking.is_empty() => Ok(None),
            BlockDelta::ThinkingDelta(delta) => {
                self.thought(place, Thought { text: delta.thinking, ..Thought::default() })
            }
            BlockDelta::SignatureDelta(delta) => {
                let signature = Some(delta.signature);
                self.thought(place, Thought { signature, ..Thought::default() })
            }
            BlockDelta::Other(_) => Ok(None),
        }
    }

    /// A thought begins, with what of it is told at once.
    fn think(&mut self, place: u64, begun: Thought) -> Result<Vec<ChatEvent>, Unreadable> {
        let index = u32::try_from(self.thoughts.len());
        let index = index.map_err(|_| Unreadable::Shape("too many thoughts"))?;
        self.thoughts.insert(place, index);
        if begun == Thought::default() {
            return Ok(Vec::new());
        }
        Ok(self.thought(place, begun)?.into_iter().collect())
    }

    fn thought(&self, place: u64, more: Thought) -> Result<Option<ChatEvent>, Unreadable> {
        let unbegun = Unreadable::Shape("more of a thought that did not begin");
        let index = *self.thoughts.get(&place).ok_or(unbegun)?;
        Ok(Some(Piece::Thought(ThoughtPart { index, thought: more }).of_first()))
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
        answer::counts(&self.usage)
    }

    fn finish(&mut self) -> Option<ChatEvent> {
        let finished = std::mem::replace(&mut self.finished, true);
        (!finished).then(|| Piece::Finished(answer::finish(self.stop_reason.take())).of_first())
    }
}

impl Call {
    const fn arguments(self, arguments: String) -> ChatEvent {
        Piece::ToolCall(ToolCallPart { index: self.index, id: None, name: None, arguments })
            .of_first()
    }
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

#[cfg(test)]
mod tests {
    use cape_domain::usage::FinishReason;

    use super::{super::super::failure::Complaint, *};

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
    fn thoughts_need_a_beginning() {
        for delta in [
            r#"{"type":"thinking_delta","thinking":"hm"}"#,
            r#"{"type":"signature_delta","signature":"x"}"#,
        ] {
            let event = format!(r#"{{"type":"content_block_delta","index":3,"delta":{delta}}}"#);
            let read = Reader::default().read(&event);
            assert!(matches!(read, Err(EventError::Unreadable(_))), "{event}");
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
        assert_eq!(reader.read(end), Ok(vec![Piece::Finished(FinishReason::Stop).of_first()]));
    }
}
