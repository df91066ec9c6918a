//! What Gemini answers in one piece, and what its words mean.
use std::{collections::BTreeMap, time::Duration};

use cape_domain::usage::{
    ChatCompletion, ChatEvent, Choice, FinishReason, Piece, Thought, ThoughtPart, TokenCounts,
    ToolCall,
};
use cape_wire::gemini::{
    ErrorDetail, FinishReason as BodyFinish, GenerateContentResponse, UsageMetadata,
};

use super::{
    super::{
        failure::{Complaint, Fault, Unreadable},
        format::UNSPECIFIED,
    },
    reader::Reader,
};

/// Reads an answer in one piece.
pub fn whole(body: &[u8]) -> Result<ChatCompletion, Unreadable> {
    let answer: GenerateContentResponse = serde_json::from_slice(body)?;
    let wanted = u32::try_from(answer.candidates.len()).unwrap_or(u32::MAX).max(1);
    let mut reader = Reader::of(wanted);
    let (mut choices, mut usage) = (BTreeMap::new(), None);
    for event in reader.response(answer)? {
        match event {
            ChatEvent::Piece { choice, piece } => {
                add(choices.entry(choice).or_insert_with(unsaid), piece);
            }
            ChatEvent::Usage(counts) => usage = Some(counts),
        }
    }
    // One that says nothing at all has no piece.
    for choice in reader.heard_of() {
        choices.entry(choice).or_insert_with(unsaid);
    }
    if choices.is_empty() {
        return Err(Unreadable::Shape("an answer without a candidate"));
    }
    Ok(ChatCompletion { choices: choices.into_values().collect(), usage })
}

/// An answer that says nothing yet.
fn unsaid() -> Choice {
    Choice {
        thoughts: Vec::new(),
        text: String::new(),
        tool_calls: Vec::new(),
        log_probs: None,
        finish: FinishReason::Other(UNSPECIFIED.to_owned()),
    }
}

fn add(choice: &mut Choice, piece: Piece) {
    match piece {
        Piece::Text(more) => choice.text.push_str(&more),
        Piece::Thought(ThoughtPart { index, thought: Thought { text, signature, sealed } }) => {
            let place = index as usize;
            if choice.thoughts.len() <= place {
                choice.thoughts.resize_with(place + 1, Thought::default);
            }
            let thought = &mut choice.thoughts[place];
            thought.text.push_str(&text);
            thought.signature = signature.or(thought.signature.take());
            thought.sealed = sealed.or(thought.sealed.take());
        }
        // A call comes in one piece, with its id and its name.
        Piece::ToolCall(part) => choice.tool_calls.push(ToolCall {
            id: part.id.unwrap_or_default(),
            name: part.name.unwrap_or_default(),
            arguments: part.arguments,
        }),
        Piece::LogProbs(likely) => choice.log_probs = Some(likely),
        Piece::Finished(reason) => choice.finish = reason,
    }
}

/// Gemini has no word for "functions are to be called".
pub fn finish(reason: &BodyFinish, calls: bool) -> FinishReason {
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
pub fn counts(usage: &UsageMetadata, said: bool) -> Option<TokenCounts> {
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
pub fn fault(error: &ErrorDetail) -> Fault {
    let code = error.code.and_then(|code| u16::try_from(code).ok());
    code.map_or(Fault::Provider, Fault::of_status)
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
}
