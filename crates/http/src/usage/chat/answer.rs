//! From the domain's answer to `OpenAI`'s.
use cape_domain::{
    json::RawJson,
    usage::{self, Call, TokenCounts},
};
use cape_services::usage::Completed;
use cape_wire::{
    Raw,
    openai::{
        ChatObject, ChatResponse, Choice, CompletionTokensDetails, FinishReason,
        PromptTokensDetails, ResponseMessage, ToolCall, Usage,
    },
};

/// The response to a request for `name`.
pub(super) fn response(name: String, completed: Completed) -> ChatResponse {
    let Completed { call, completion, tokens, .. } = completed;
    ChatResponse {
        id: id(&call),
        object: ChatObject,
        created: created(&call),
        model: name,
        choices: completion.choices.into_iter().zip(0..).map(choice).collect(),
        usage: Some(usage(tokens)),
        service_tier: None,
        system_fingerprint: None,
    }
}

/// The id of an answer: the call's, as `OpenAI` would write it.
pub(super) fn id(call: &Call) -> String {
    format!("chatcmpl-{}", call.id.raw().simple())
}

/// When the call was admitted, in seconds since 1970.
pub(super) fn created(call: &Call) -> u64 {
    u64::try_from(call.started_at.timestamp()).unwrap_or_default()
}

/// `OpenAI`'s word for why it ended.
pub(super) fn finish(reason: &usage::FinishReason) -> FinishReason {
    match reason {
        usage::FinishReason::Stop => FinishReason::Stop,
        usage::FinishReason::Length => FinishReason::Length,
        usage::FinishReason::ToolCalls => FinishReason::ToolCalls,
        usage::FinishReason::ContentFilter => FinishReason::ContentFilter,
        usage::FinishReason::Other(word) => FinishReason::Other(word.clone()),
    }
}

/// `OpenAI`'s figures: cached tokens are part of the prompt, reasoning of the completion.
pub(super) fn usage(tokens: TokenCounts) -> Usage {
    let (prompt, completion) = (tokens.total_input(), tokens.total_output());
    Usage {
        prompt_tokens: Some(prompt),
        completion_tokens: Some(completion),
        total_tokens: Some(prompt.saturating_add(completion)),
        prompt_tokens_details: Some(PromptTokensDetails {
            cached_tokens: Some(tokens.cached_input),
            ..PromptTokensDetails::default()
        }),
        completion_tokens_details: Some(CompletionTokensDetails {
            reasoning_tokens: Some(tokens.reasoning),
            ..CompletionTokensDetails::default()
        }),
    }
}

/// How likely tokens were, as it was told.
pub(super) fn log_probs(told: &RawJson) -> Option<Raw> {
    Raw::new(told.as_str()).ok()
}

fn choice((answer, index): (usage::Choice, u64)) -> Choice {
    let finish_reason = Some(finish(&answer.finish));
    let logprobs = answer.log_probs.as_ref().and_then(log_probs);
    Choice { index, message: message(answer), logprobs, finish_reason }
}

fn message(answer: usage::Choice) -> ResponseMessage {
    let calls = answer.tool_calls.into_iter();
    let tool_calls: Vec<_> =
        calls.map(|call| ToolCall::function(call.id, call.name, call.arguments)).collect();
    let silent = answer.text.is_empty() && !tool_calls.is_empty();
    let thoughts: String = answer.thoughts.into_iter().map(|thought| thought.text).collect();
    ResponseMessage {
        content: (!silent).then_some(answer.text),
        reasoning_content: (!thoughts.is_empty()).then_some(thoughts),
        tool_calls,
        annotations: Some(Vec::new()),
        ..ResponseMessage::silent()
    }
}
