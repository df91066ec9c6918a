//! What `OpenAI` answers, whole and in pieces.
//!
//! A refusal is text: what the model says instead of an answer, the caller shall read too.
use std::collections::BTreeSet;

use cape_domain::{
    json::RawJson,
    usage::{
        ChatCompletion, ChatEvent, Choice, FinishReason, Piece, Thought, ThoughtPart, TokenCounts,
        ToolCall, ToolCallPart,
    },
};
use cape_wire::{
    Field,
    openai::{
        ChatChunk, ChatResponse, Choice as BodyChoice, ChunkChoice, ErrorBody,
        FinishReason as BodyFinish, StreamData, ToolCall as BodyToolCall, ToolCallDelta, Usage,
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
    let mut answers = answer.choices;
    answers.sort_by_key(|answer| answer.index);
    let places = answers.iter().map(|answer| answer.index);
    if answers.is_empty() || !places.eq(0..answers.len() as u64) {
        return Err(Unreadable::Shape("answers that are not each at its own place"));
    }
    let usage = answer.usage.as_ref().and_then(counts);
    Ok(ChatCompletion { choices: answers.into_iter().map(choice).collect(), usage })
}

fn choice(answer: BodyChoice) -> Choice {
    let message = answer.message;
    let called = |call| match call {
        BodyToolCall::Function(call) => Some(ToolCall {
            id: call.id,
            name: call.function.name,
            arguments: call.function.arguments,
        }),
        // Only functions were offered, so nothing else can be answered.
        BodyToolCall::Other(_) => None,
    };
    let thought = thought(message.reasoning_content, message.reasoning);
    Choice {
        thoughts: thought.into_iter().collect(),
        text: [message.content, message.refusal].into_iter().flatten().collect(),
        tool_calls: message.tool_calls.into_iter().filter_map(called).collect(),
        log_probs: answer.logprobs.map(|probable| RawJson::new(probable.as_str())),
        finish: answer.finish_reason.map_or_else(unspecified, finish),
    }
}

/// What was thought, by either of the names that it goes by. Some use both, for the same.
fn thought(one: Option<String>, other: Option<String>) -> Option<Thought> {
    let text = [one, other].into_iter().flatten().find(|text| !text.is_empty())?;
    Some(Thought { text, ..Thought::default() })
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

/// Reads answers in pieces.
#[derive(Debug)]
pub struct Reader {
    /// How many answers were wanted. What belongs to none of them is passed over.
    wanted: u32,
    /// Those that ended.
    finished: BTreeSet<u32>,
    done: bool,
}

impl EventReader for Reader {
    fn read(&mut self, data: &str) -> Result<Vec<ChatEvent>, EventError> {
        match StreamData::read(data)? {
            StreamData::Chunk(chunk) => Ok(self.chunk(chunk)?),
            StreamData::Error(body) => Err(complaint(body).into()),
            StreamData::Done => {
                self.done = true;
                let untold = (0..self.wanted).filter(|choice| !self.finished.contains(choice));
                let finished =
                    |choice| ChatEvent::Piece { choice, piece: Piece::Finished(unspecified()) };
                let pieces = untold.map(finished).collect();
                self.finished.extend(0..self.wanted);
                Ok(pieces)
            }
        }
    }

    fn progress(&self) -> Progress {
        let finished = self.finished.len() as u64 >= u64::from(self.wanted);
        match (self.done, finished) {
            (true, _) => Progress::Over,
            (false, true) => Progress::Complete,
            (false, false) => Progress::Going,
        }
    }
}

impl Reader {
    /// What reads so many answers, at least one.
    pub fn of(wanted: u32) -> Self {
        Self { wanted: wanted.max(1), finished: BTreeSet::new(), done: false }
    }

    fn chunk(&mut self, chunk: ChatChunk) -> Result<Vec<ChatEvent>, Unreadable> {
        let mut pieces = Vec::new();
        for more in chunk.choices {
            let place = u32::try_from(more.index).ok().filter(|place| *place < self.wanted);
            if let Some(choice) = place {
                let of_choice = self.choice(choice, more)?;
                pieces
                    .extend(of_choice.into_iter().map(|piece| ChatEvent::Piece { choice, piece }));
            }
        }
        pieces.extend(chunk.usage.value().and_then(counts).map(ChatEvent::Usage));
        Ok(pieces)
    }

    fn choice(&mut self, place: u32, more: ChunkChoice) -> Result<Vec<Piece>, Unreadable> {
        let delta = more.delta;
        let thought = thought(delta.reasoning_content, delta.reasoning);
        let thought = thought.map(|thought| Piece::Thought(ThoughtPart { index: 0, thought }));
        let mut pieces: Vec<_> = thought.into_iter().collect();
        let texts = [delta.content, delta.refusal].into_iter().filter_map(Field::into_value);
        pieces.extend(texts.filter(|text| !text.is_empty()).map(Piece::Text));
        let probable = more.logprobs.map(|probable| RawJson::new(probable.as_str()));
        pieces.extend(probable.map(Piece::LogProbs));
        for call in delta.tool_calls {
            pieces.push(Piece::ToolCall(part(call)?));
        }
        if let Some(reason) = more.finish_reason
            && self.finished.insert(place)
        {
            pieces.push(Piece::Finished(finish(reason)));
        }
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
            let read = Reader::of(1).read(&format!(r#"{{"error":{error}}}"#));
            let expected = Complaint::new(fault, "m".to_owned());
            assert_eq!(read, Err(EventError::Complaint(expected)), "{error}");
        }
    }

    #[test]
    fn an_answer_without_a_choice_cannot_be_read() {
        assert!(whole(br#"{"choices":[]}"#).is_err());
        assert!(whole(br#"{"choices":[{"index":0}]}"#).is_err());
        let (first, third) = (r#"{"index":0,"message":{}}"#, r#"{"index":2,"message":{}}"#);
        assert!(whole(format!(r#"{{"choices":[{third},{first}]}}"#).as_bytes()).is_err());
        assert!(whole(b"<html>").is_err());
    }
}
