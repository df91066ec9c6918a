//! What Gemini answers, whole and in pieces.
//!
//! Thoughts are not passed on: nothing that is sent asks for them.
use std::time::Duration;

use cape_domain::usage::{
    ChatCompletion, ChatEvent, FinishReason, TokenCounts, ToolCall, ToolCallPart,
};
use cape_wire::gemini::{
    Candidate, ErrorDetail, FinishReason as BodyFinish, FunctionCall, GenerateContentResponse,
    Part, StreamData, UsageMetadata,
};

use super::super::{
    failure::{Complaint, Fault, Unreadable},
    format::UNSPECIFIED,
    stream::{EventError, EventReader, Progress},
};

/// Reads an answer in one piece.
pub fn whole(body: &[u8]) -> Result<ChatCompletion, Unreadable> {
    let answer: GenerateContentResponse = serde_json::from_slice(body)?;
    let mut reader = Reader::default();
    let (mut text, mut tool_calls) = (String::new(), Vec::new());
    let (mut finish, mut usage) = (None, None);
    for piece in reader.response(answer)? {
        match piece {
            ChatEvent::Text(more) => text.push_str(&more),
            // A call comes in one piece, with its id and its name.
            ChatEvent::ToolCall(part) => tool_calls.push(ToolCall {
                id: part.id.unwrap_or_default(),
                name: part.name.unwrap_or_default(),
                arguments: part.arguments,
            }),
            ChatEvent::Finished(reason) => finish = Some(reason),
            ChatEvent::Usage(counts) => usage = Some(counts),
        }
    }
    if !reader.heard {
        return Err(Unreadable::Shape("an answer without a candidate"));
    }
    let finish = finish.unwrap_or_else(|| FinishReason::Other(UNSPECIFIED.to_owned()));
    Ok(ChatCompletion { text, tool_calls, finish, usage })
}

/// Gemini has no word for "functions are to be called".
fn finish(reason: &BodyFinish, calls: bool) -> FinishReason {
    match reason {
        BodyFinish::Stop if calls => FinishReason::ToolCalls,
        BodyFinish::Stop => FinishReason::Stop,
        BodyFinish::MaxTokens => FinishReason::Length,
        BodyFinish::Safety
        | BodyFinish::Recitation
        | BodyFinish::Blocklist
        | BodyFinish::ProhibitedContent
        | BodyFinish::Spii
        | BodyFinish::ImageSafety => FinishReason::ContentFilter,
        BodyFinish::Language
        | BodyFinish::MalformedFunctionCall
        | BodyFinish::UnexpectedToolCall
        | BodyFinish::Other(_) => FinishReason::Other(reason.as_str().to_owned()),
    }
}

/// Takes the counters apart: cached tokens are part of the prompt, thoughts are beside the
/// candidates. A part that is larger than its whole counts as the whole.
///
/// Counters that are zero are left out. That is believed of thoughts and cache, but not of the
/// candidates when something was said: then they are what the total leaves, or the usage is unknown.
fn counts(usage: &UsageMetadata, said: bool) -> Option<TokenCounts> {
    let prompt = usage.prompt_token_count?;
    let cached_input = usage.cached_content_token_count.unwrap_or(0).min(prompt);
    let reasoning = usage.thoughts_token_count.unwrap_or(0);
    let tools = usage.tool_use_prompt_token_count.unwrap_or(0);
    let others = prompt.saturating_add(reasoning).saturating_add(tools);
    let rest = usage.total_token_count.unwrap_or(0).saturating_sub(others);
    let untold = (rest > 0 || !said).then_some(rest);
    Some(TokenCounts {
        input: (prompt - cached_input).saturating_add(tools),
        cached_input,
        cache_write: 0,
        output: usage.candidates_token_count.or(untold)?,
        reasoning,
    })
}

/// A refusal, or a failure in the middle of a stream. `fault` is what its status says.
pub fn complaint(fault: Fault, error: ErrorDetail) -> Complaint {
    // A wrong key is told as a bad request.
    let key = error.reason().is_some_and(|reason| reason.starts_with("API_KEY_"));
    let fault = if key { Fault::Credentials } else { fault };
    let retry_after: Option<Duration> = error.retry_delay();
    Complaint { fault, message: error.message, retry_after }
}

/// A failure in the middle of a stream repeats the status that it would have had.
fn fault(error: &ErrorDetail) -> Fault {
    let code = error.code.and_then(|code| u16::try_from(code).ok());
    code.map_or(Fault::Provider, Fault::of_status)
}

/// Reads an answer in pieces. One in one piece is the same with a single response.
#[derive(Debug, Default)]
pub struct Reader {
    usage: UsageMetadata,
    calls: u32,
    said: bool,
    /// Whether there was a candidate, or the prompt was refused.
    heard: bool,
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
        // There is no event that ends a stream: the connection does.
        if self.finished { Progress::Complete } else { Progress::Going }
    }
}

impl Reader {
    fn response(
        &mut self,
        response: GenerateContentResponse,
    ) -> Result<Vec<ChatEvent>, Unreadable> {
        let mut pieces = Vec::new();
        let id = response.response_id.as_deref();
        let first = response.candidates.into_iter().find(|candidate| candidate.index == 0);
        if let Some(candidate) = first {
            self.candidate(candidate, id, &mut pieces)?;
        } else if response.prompt_feedback.is_some_and(|prompt| prompt.block_reason.is_some()) {
            self.heard = true;
            self.finish(FinishReason::ContentFilter, &mut pieces);
        }
        if let Some(told) = response.usage_metadata {
            self.retell(told);
            pieces.extend(counts(&self.usage, self.said).map(ChatEvent::Usage));
        }
        Ok(pieces)
    }

    fn candidate(
        &mut self,
        candidate: Candidate,
        response: Option<&str>,
        pieces: &mut Vec<ChatEvent>,
    ) -> Result<(), Unreadable> {
        self.heard = true;
        let parts = candidate.content.unwrap_or_default().parts;
        for Part { text, function_call, .. } in
            parts.into_iter().filter(|part| part.thought != Some(true))
        {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                self.said = true;
                pieces.push(ChatEvent::Text(text));
            }
            if let Some(call) = function_call {
                self.said = true;
                pieces.push(self.call(call, response)?);
            }
        }
        if let Some(reason) = candidate.finish_reason {
            self.finish(finish(&reason, self.calls > 0), pieces);
        }
        Ok(())
    }

    /// A call, always whole. One without an id gets one that is the same whenever it is read.
    fn call(
        &mut self,
        call: FunctionCall,
        response: Option<&str>,
    ) -> Result<ChatEvent, Unreadable> {
        let index = self.calls;
        self.calls = index.checked_add(1).ok_or(Unreadable::Shape("too many calls"))?;
        let made_up = || match response {
            Some(response) => format!("call_{response}_{index}"),
            None => format!("call_{index}"),
        };
        let id = call.id.filter(|id| !id.is_empty()).unwrap_or_else(made_up);
        let arguments = call.args.map_or_else(|| "{}".to_owned(), |args| args.as_str().to_owned());
        let (id, name) = (Some(id), Some(call.name));
        Ok(ChatEvent::ToolCall(ToolCallPart { index, id, name, arguments }))
    }

    fn finish(&mut self, reason: FinishReason, pieces: &mut Vec<ChatEvent>) {
        if !std::mem::replace(&mut self.finished, true) {
            pieces.push(ChatEvent::Finished(reason));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(json: &str, said: bool) -> Option<[u64; 5]> {
        let usage: UsageMetadata = serde_json::from_str(json).expect("usage");
        let counts = counts(&usage, said)?;
        let TokenCounts { input, cached_input, cache_write, output, reasoning } = counts;
        Some([input, cached_input, cache_write, output, reasoning])
    }

    #[test]
    fn every_token_is_counted_once() {
        for (usage, said, expected) in [
            (r#"{"promptTokenCount":10,"candidatesTokenCount":5}"#, true, Some([10, 0, 0, 5, 0])),
            (r#"{"promptTokenCount":0,"candidatesTokenCount":0}"#, true, Some([0; 5])),
            (r#"{"candidatesTokenCount":5}"#, true, None),
            ("{}", false, None),
            (
                r#"{"promptTokenCount":10,"cachedContentTokenCount":4,"candidatesTokenCount":5,
                    "thoughtsTokenCount":7,"toolUsePromptTokenCount":2,"totalTokenCount":24}"#,
                true,
                Some([8, 4, 0, 5, 7]),
            ),
            (
                r#"{"promptTokenCount":10,"cachedContentTokenCount":40,"candidatesTokenCount":5}"#,
                true,
                Some([0, 10, 0, 5, 0]),
            ),
            // Left out: zero if nothing was said, else what the total leaves, else unknown.
            (r#"{"promptTokenCount":10}"#, false, Some([10, 0, 0, 0, 0])),
            (
                r#"{"promptTokenCount":10,"thoughtsTokenCount":3,"totalTokenCount":18}"#,
                true,
                Some([10, 0, 0, 5, 3]),
            ),
            (r#"{"promptTokenCount":10,"totalTokenCount":10}"#, true, None),
            (r#"{"promptTokenCount":10}"#, true, None),
        ] {
            assert_eq!(counted(usage, said), expected, "{usage}");
        }
    }

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
            let read = Reader::default().read(&format!(r#"{{"error":{error}}}"#));
            let expected = Complaint::new(fault, "m".to_owned());
            assert_eq!(read, Err(EventError::Complaint(expected)), "{error}");
        }
    }

    #[test]
    fn a_prompt_that_is_refused_is_filtered_and_no_answer_cannot_be_read() {
        let refused = br#"{"promptFeedback":{"blockReason":"SAFETY"},
            "usageMetadata":{"promptTokenCount":4,"totalTokenCount":4}}"#;
        let answer = whole(refused).expect("an answer");
        assert_eq!((answer.text.as_str(), answer.finish), ("", FinishReason::ContentFilter));
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
        let calls: Vec<_> = answer
            .tool_calls
            .iter()
            .map(|call| (call.id.as_str(), call.name.as_str(), call.arguments.as_str()))
            .collect();
        assert_eq!(
            calls,
            [("call_r1_0", "a", "{}"), ("call_r1_1", "b", r#"{"x": 1}"#), ("own", "c", "{}")]
        );
        assert_eq!(answer.finish, FinishReason::ToolCalls);
    }
}
