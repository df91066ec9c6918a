//! What Gemini answers, piece by piece.
//!
//! Signatures stand on the parts that followed from a thought. One on a call becomes a thought
//! without a text, before the call; one on a text becomes a sealed thought.
use std::collections::BTreeMap;

use cape_domain::usage::{ChatEvent, FinishReason, Piece, Thought, ThoughtPart, ToolCallPart};
use cape_wire::gemini::{
    Candidate, FunctionCall, GenerateContentResponse, Part, StreamData, UsageMetadata,
};

use super::{
    super::{
        failure::Unreadable,
        stream::{EventError, EventReader, Progress},
    },
    answer::{complaint, counts, fault, finish},
    log_probs,
};

/// Reads answers in pieces. Those in one piece are the same with a single response.
#[derive(Debug)]
pub struct Reader {
    /// How many answers were asked for.
    wanted: u32,
    usage: UsageMetadata,
    said: bool,
    /// The answers that were heard of.
    answers: BTreeMap<u32, Answer>,
}

/// How far one answer has come.
#[derive(Debug, Default)]
struct Answer {
    /// How many thoughts there are. The last of them may go on.
    thoughts: u32,
    thinking: bool,
    calls: u32,
    finished: bool,
}

impl EventReader for Reader {
    fn read(&mut self, data: &str) -> Result<Vec<ChatEvent>, EventError> {
        match StreamData::read(data)? {
            StreamData::Response(response) => Ok(self.response(*response)?),
            StreamData::Error(body) => Err(complaint(fault(&body.error), body.error).into()),
        }
    }

    fn progress(&self) -> Progress {
        let finished = self.answers.values().filter(|answer| answer.finished).count();
        // There is no event that ends a stream: the connection does.
        if finished >= self.wanted as usize { Progress::Complete } else { Progress::Going }
    }
}

impl Reader {
    /// Reads so many answers.
    pub const fn of(wanted: u32) -> Self {
        let usage = UsageMetadata {
            prompt_token_count: None,
            candidates_token_count: None,
            total_token_count: None,
            cached_content_token_count: None,
            thoughts_token_count: None,
            tool_use_prompt_token_count: None,
        };
        Self { wanted, usage, said: false, answers: BTreeMap::new() }
    }

    /// The answers that were heard of, whether they said something or not.
    pub fn heard_of(&self) -> impl Iterator<Item = u32> {
        self.answers.keys().copied()
    }

    /// What one response says.
    pub fn response(
        &mut self,
        response: GenerateContentResponse,
    ) -> Result<Vec<ChatEvent>, Unreadable> {
        let mut events = Vec::new();
        let id = response.response_id.as_deref();
        let refused = response.prompt_feedback.is_some_and(|prompt| prompt.block_reason.is_some());
        if refused && response.candidates.is_empty() {
            for choice in 0..self.wanted {
                let answer = self.answers.entry(choice).or_default();
                let finish = answer.finish(FinishReason::ContentFilter);
                events.extend(finish.map(|piece| ChatEvent::Piece { choice, piece }));
            }
        }
        for candidate in response.candidates {
            let choice = u32::try_from(candidate.index).unwrap_or(u32::MAX);
            // Nobody asked for more, and nobody knows what to do with them.
            if choice < self.wanted {
                let pieces = self.answers.entry(choice).or_default().hear(candidate, id, choice)?;
                self.said |= !pieces.iter().all(|piece| matches!(piece, Piece::Finished(_)));
                events.extend(pieces.into_iter().map(|piece| ChatEvent::Piece { choice, piece }));
            }
        }
        if let Some(told) = response.usage_metadata {
            self.retell(told);
            events.extend(counts(&self.usage, self.said).map(ChatEvent::Usage));
        }
        Ok(events)
    }

    /// The counters as they are now: each is the whole so far, and some are told once.
    fn retell(&mut self, told: UsageMetadata) {
        let before = self.usage;
        self.usage = UsageMetadata {
            prompt_token_count: told.prompt_token_count.or(before.prompt_token_count),
            candidates_token_count: told.candidates_token_count.or(before.candidates_token_count),
            total_token_count: told.total_token_count.or(before.total_token_count),
            cached_content_token_count: told
                .cached_content_token_count
                .or(before.cached_content_token_count),
            thoughts_token_count: told.thoughts_token_count.or(before.thoughts_token_count),
            tool_use_prompt_token_count: told
                .tool_use_prompt_token_count
                .or(before.tool_use_prompt_token_count),
        };
    }
}

impl Answer {
    fn hear(
        &mut self,
        candidate: Candidate,
        response: Option<&str>,
        choice: u32,
    ) -> Result<Vec<Piece>, Unreadable> {
        let mut pieces = Vec::new();
        for part in candidate.content.unwrap_or_default().parts {
            let Part { text, function_call, thought, thought_signature: signature, .. } = part;
            let text = text.filter(|text| !text.is_empty());
            if thought == Some(true) {
                let text = text.unwrap_or_default();
                pieces.extend(self.think(Thought { text, signature, sealed: None })?);
            } else if let Some(call) = function_call {
                pieces.extend(self.apart(Thought { signature, ..Thought::default() })?);
                pieces.push(self.call(call, response, choice)?);
            } else {
                pieces.extend(self.apart(Thought { sealed: signature, ..Thought::default() })?);
                pieces.extend(text.map(Piece::Text));
            }
        }
        if let Some(likely) = candidate.logprobs_result {
            pieces.push(Piece::LogProbs(log_probs::told(&likely)?));
        }
        if let Some(reason) = candidate.finish_reason {
            pieces.extend(self.finish(finish(&reason, self.calls > 0)));
        }
        Ok(pieces)
    }

    /// More of a thought, which goes on until it is signed or something else is said.
    fn think(&mut self, thought: Thought) -> Result<Option<Piece>, Unreadable> {
        if thought == Thought::default() {
            return Ok(None);
        }
        if !self.thinking {
            self.thoughts = one_more(self.thoughts)?;
        }
        self.thinking = thought.signature.is_none();
        let index = self.thoughts - 1;
        Ok(Some(Piece::Thought(ThoughtPart { index, thought })))
    }

    /// A thought of its own, if there is one. It ends the one before in any case.
    fn apart(&mut self, thought: Thought) -> Result<Option<Piece>, Unreadable> {
        self.thinking = false;
        let piece = self.think(thought)?;
        self.thinking = false;
        Ok(piece)
    }

    /// A call, always whole. One without an id gets one that is the same whenever it is read.
    fn call(
        &mut self,
        call: FunctionCall,
        response: Option<&str>,
        choice: u32,
    ) -> Result<Piece, Unreadable> {
        let index = self.calls;
        self.calls = one_more(index)?;
        let of_choice = if choice == 0 { String::new() } else { format!("{choice}_") };
        let made_up = || match response {
            Some(response) => format!("call_{response}_{of_choice}{index}"),
            None => format!("call_{of_choice}{index}"),
        };
        let id = call.id.filter(|id| !id.is_empty()).unwrap_or_else(made_up);
        let arguments = call.args.map_or_else(|| "{}".to_owned(), |args| args.as_str().to_owned());
        let (id, name) = (Some(id), Some(call.name));
        Ok(Piece::ToolCall(ToolCallPart { index, id, name, arguments }))
    }

    fn finish(&mut self, reason: FinishReason) -> Option<Piece> {
        let before = std::mem::replace(&mut self.finished, true);
        (!before).then_some(Piece::Finished(reason))
    }
}

fn one_more(count: u32) -> Result<u32, Unreadable> {
    count.checked_add(1).ok_or(Unreadable::Shape("too many parts"))
}

#[cfg(test)]
mod tests {
    use cape_domain::usage::TokenCounts;

    use super::{
        super::super::failure::{Complaint, Fault},
        super::answer::whole,
        *,
    };

    #[test]
    fn a_failure_in_a_stream_says_whose_fault_it_is() {
        let wrong_key = r#"{"code":400,"message":"m","details":[
            {"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}"#;
        for (error, fault) in [
            (r#"{"code":503,"message":"m","status":"UNAVAILABLE"}"#, Fault::Provider),
            (r#"{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}"#, Fault::RateLimit),
            (r#"{"code":400,"message":"m","status":"INVALID_ARGUMENT"}"#, Fault::Request),
            (r#"{"message":"m"}"#, Fault::Provider),
            (wrong_key, Fault::Credentials),
        ] {
            let read = Reader::of(1).read(&format!(r#"{{"error":{error}}}"#));
            let expected = Complaint::new(fault, "m".to_owned());
            assert_eq!(read, Err(EventError::Complaint(expected)), "{error}");
        }
    }

    #[test]
    fn a_prompt_that_is_refused_is_filtered_and_no_answer_cannot_be_read() {
        let refused = br#"{"promptFeedback":{"blockReason":"SAFETY"},
            "usageMetadata":{"promptTokenCount":4,"totalTokenCount":4}}"#;
        let answer = whole(refused).expect("an answer");
        let first = &answer.choices[0];
        assert_eq!((first.text.as_str(), &first.finish), ("", &FinishReason::ContentFilter));
        assert_eq!(answer.usage, Some(TokenCounts { input: 4, ..TokenCounts::default() }));
        assert!(whole(b"{}").is_err());
        assert!(whole(br#"{"candidates":[]}"#).is_err());
    }

    #[test]
    fn calls_without_an_id_get_one_that_stays_the_same() {
        let event = r#"{"responseId":"r1","candidates":[{"content":{"parts":[
            {"functionCall":{"name":"a"}},
            {"functionCall":{"id":"","name":"b","args":{"x": 1}}},
            {"functionCall":{"id":"own","name":"c"}}]},"finishReason":"STOP"}]}"#;
        let answer = whole(event.as_bytes()).expect("an answer");
        let first = &answer.choices[0];
        let calls: Vec<_> = first
            .tool_calls
            .iter()
            .map(|call| (call.id.as_str(), call.name.as_str(), call.arguments.as_str()))
            .collect();
        assert_eq!(
            calls,
            [("call_r1_0", "a", "{}"), ("call_r1_1", "b", r#"{"x": 1}"#), ("own", "c", "{}")]
        );
        assert_eq!(first.finish, FinishReason::ToolCalls);
    }
}
