//! From the domain's answer to Google's.
use cape_domain::usage::{self, Call, Choice, FinishReason, TokenCounts};
use cape_services::usage::Completed;
use cape_wire::gemini::{
    self, Candidate, Content, GenerateContentResponse, Part, Role, UsageMetadata,
};

use super::{log_probs, parts};

/// The response to a request for `name`.
pub(super) fn response(name: String, completed: Completed) -> GenerateContentResponse {
    let Completed { call, completion, tokens, .. } = completed;
    let candidates = completion.choices.into_iter().zip(0..).map(candidate).collect();
    let usage_metadata = Some(usage(tokens));
    GenerateContentResponse { candidates, usage_metadata, ..begin(name, &call) }
}

/// A response that says nothing yet.
pub(super) fn begin(name: String, call: &Call) -> GenerateContentResponse {
    GenerateContentResponse {
        model_version: Some(name),
        response_id: Some(call.id.raw().simple().to_string()),
        ..GenerateContentResponse::default()
    }
}

fn candidate((answer, index): (Choice, u64)) -> Candidate {
    let Choice { thoughts, text, tool_calls, log_probs, finish } = answer;
    let (parts, read) = parts::of(thoughts, text, tool_calls);
    Candidate {
        logprobs_result: log_probs.as_ref().and_then(log_probs::told),
        ..ended(index, parts, &finish, read)
    }
}

/// The end of an answer. Where a function that is asked for could not be `read`, it says so, unless
/// it was cut off.
pub(super) fn ended(index: u64, parts: Vec<Part>, why: &FinishReason, read: bool) -> Candidate {
    let parts = if parts.is_empty() { vec![Part::text("")] } else { parts };
    let (reason, message) = match why {
        FinishReason::Length => (gemini::FinishReason::MaxTokens, None),
        FinishReason::Stop
        | FinishReason::ToolCalls
        | FinishReason::ContentFilter
        | FinishReason::Other(_)
            if !read =>
        {
            let message = "the arguments of a function are no JSON object";
            (gemini::FinishReason::MalformedFunctionCall, Some(message.to_owned()))
        }
        FinishReason::Stop | FinishReason::ToolCalls => (gemini::FinishReason::Stop, None),
        FinishReason::ContentFilter => (gemini::FinishReason::Safety, None),
        FinishReason::Other(word) => (other(word), None),
    };
    Candidate {
        content: Some(Content::new(Role::Model, parts)),
        finish_reason: Some(reason),
        finish_message: message,
        index,
        ..Candidate::default()
    }
}

/// A word of another provider, which Google's clients would not know, is `OTHER` to them.
fn other(word: &str) -> gemini::FinishReason {
    match gemini::FinishReason::from(word) {
        gemini::FinishReason::Other(_) => gemini::FinishReason::Other("OTHER".to_owned()),
        known => known,
    }
}

/// Google's figures: cached tokens are part of the prompt, thoughts beside the candidates.
pub(super) fn usage(tokens: TokenCounts) -> UsageMetadata {
    let counted = |count: u64| (count > 0).then_some(count);
    let usage::TokenCounts { cached_input, output, reasoning, .. } = tokens;
    let prompt = tokens.total_input();
    UsageMetadata {
        prompt_token_count: Some(prompt),
        candidates_token_count: Some(output),
        total_token_count: Some(prompt.saturating_add(tokens.total_output())),
        cached_content_token_count: counted(cached_input),
        thoughts_token_count: counted(reasoning),
        tool_use_prompt_token_count: None,
    }
}
