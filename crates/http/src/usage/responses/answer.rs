//! From the domain's answer to a response.
use cape_domain::{
    json::RawJson,
    usage::{Call, Choice, FinishReason, ModelProviderError, Thought, TokenCounts},
};
use cape_services::usage::Completed;
use cape_wire::{
    Raw,
    openai::{
        ToolMode,
        responses::{
            Content, CreateRequest, FunctionCall, IncompleteDetails, InputTokensDetails,
            ItemStatus, Message, OutputItem, OutputText, OutputTokensDetails, Reasoning, Response,
            ResponseObject, Status, SummaryText, TextConfig, ToolChoice, Usage,
        },
    },
};
use serde::Deserialize;

use super::thought;
use crate::error::ApiError;

/// The answer to a request, before anything is known but what was asked.
pub(super) fn frame(asked: &CreateRequest) -> Response {
    let text = asked.text.clone().unwrap_or_default();
    let text = TextConfig { format: text.format.or_else(any_text), ..text };
    Response {
        id: String::new(),
        object: ResponseObject,
        created_at: 0,
        status: Status::InProgress,
        background: false,
        error: None,
        incomplete_details: None,
        instructions: asked.instructions.clone(),
        max_output_tokens: asked.max_output_tokens,
        model: asked.model.clone(),
        output: Vec::new(),
        parallel_tool_calls: asked.parallel_tool_calls.unwrap_or(true),
        previous_response_id: None,
        reasoning: asked.reasoning.clone().unwrap_or_default(),
        store: false,
        temperature: asked.temperature,
        text,
        tool_choice: asked.tool_choice.clone().unwrap_or(ToolChoice::Mode(ToolMode::Auto)),
        tools: asked.tools.clone(),
        top_logprobs: asked.top_logprobs.unwrap_or(0),
        top_p: asked.top_p,
        truncation: cape_wire::openai::responses::response::Untruncated,
        usage: None,
        user: asked.user.clone(),
        metadata: asked.metadata.clone().unwrap_or_default(),
    }
}

fn any_text() -> Option<Raw> {
    Raw::new(r#"{"type":"text"}"#).ok()
}

/// The same, once the call is known.
pub(super) fn begun(frame: Response, call: &Call) -> Response {
    let created_at = u64::try_from(call.started_at.timestamp()).unwrap_or_default();
    Response { id: format!("resp_{}", call.id.raw().simple()), created_at, ..frame }
}

/// The whole answer.
pub(super) fn response(frame: Response, completed: Completed) -> Result<Response, ApiError> {
    let Completed { call, completion, tokens, .. } = completed;
    let answer = completion.choices.into_iter().next();
    let answer = answer.ok_or_else(|| ModelProviderError::Malformed("no answer".into()))?;
    let mut response = begun(frame, &call);
    let finish = answer.finish.clone();
    response.output = items(&Names::of(&call), answer);
    ended(&mut response, &finish, tokens);
    Ok(response)
}

/// Says that a response is over, and why.
pub(super) fn ended(response: &mut Response, finish: &FinishReason, tokens: TokenCounts) {
    let reason = match finish {
        FinishReason::Length => Some("max_output_tokens"),
        FinishReason::ContentFilter => Some("content_filter"),
        FinishReason::Stop | FinishReason::ToolCalls | FinishReason::Other(_) => None,
    };
    response.usage = Some(usage(tokens));
    response.status = if reason.is_some() { Status::Incomplete } else { Status::Completed };
    response.incomplete_details =
        reason.map(|reason| IncompleteDetails { reason: reason.to_owned() });
    if reason.is_some()
        && let Some(last) = response.output.last_mut()
    {
        *status(last) = ItemStatus::Incomplete;
    }
}

/// How far an item has come.
pub(super) const fn status(item: &mut OutputItem) -> &mut ItemStatus {
    match item {
        OutputItem::Reasoning(item) => &mut item.status,
        OutputItem::Message(item) => &mut item.status,
        OutputItem::FunctionCall(item) => &mut item.status,
    }
}

/// What an item is called.
pub(super) fn id(item: &OutputItem) -> &str {
    match item {
        OutputItem::Reasoning(item) => &item.id,
        OutputItem::Message(item) => &item.id,
        OutputItem::FunctionCall(item) => &item.id,
    }
}

/// How the items of an answer are named: after the call, and their place.
pub(super) struct Names(String);

impl Names {
    /// Those of the answer that this call gives.
    pub(super) fn of(call: &Call) -> Self {
        Self(call.id.raw().simple().to_string())
    }

    /// What a thought at this place is called.
    pub(super) fn reasoning(&self, place: usize) -> String {
        format!("rs_{}{place:04x}", self.0)
    }

    /// What a message at this place is called.
    pub(super) fn message(&self, place: usize) -> String {
        format!("msg_{}{place:04x}", self.0)
    }

    /// What a call of a function at this place is called.
    pub(super) fn function_call(&self, place: usize) -> String {
        format!("fc_{}{place:04x}", self.0)
    }
}

fn items(names: &Names, answer: Choice) -> Vec<OutputItem> {
    let mut items = Vec::new();
    for told in answer.thoughts {
        let encrypted_content = thought::kept(&told);
        let Thought { text, .. } = told;
        let summary = (!text.is_empty()).then(|| SummaryText::new(text)).into_iter().collect();
        let (id, status) = (names.reasoning(items.len()), ItemStatus::Completed);
        items.push(OutputItem::Reasoning(Reasoning { id, summary, encrypted_content, status }));
    }
    if !answer.text.is_empty() || answer.tool_calls.is_empty() {
        let logprobs = answer.log_probs.as_ref().map(log_probs).unwrap_or_default();
        let text = OutputText { text: answer.text, annotations: Vec::new(), logprobs };
        items.push(OutputItem::Message(Message {
            status: ItemStatus::Completed,
            content: vec![Content::OutputText(text)],
            ..Message::begun(names.message(items.len()))
        }));
    }
    for call in answer.tool_calls {
        items.push(OutputItem::FunctionCall(FunctionCall {
            id: names.function_call(items.len()),
            status: ItemStatus::Completed,
            call_id: call.id,
            name: call.name,
            arguments: call.arguments,
        }));
    }
    items
}

/// How likely each token was. Here they stand in a list of their own.
pub(super) fn log_probs(told: &RawJson) -> Vec<Raw> {
    #[derive(Deserialize)]
    struct Told {
        content: Option<Vec<Raw>>,
    }
    let told = Raw::new(told.as_str()).and_then(|told| told.read::<Told>());
    told.ok().and_then(|told| told.content).unwrap_or_default()
}

/// `OpenAI`'s figures: cached tokens are part of the input, reasoning of the output.
fn usage(tokens: TokenCounts) -> Usage {
    let (input_tokens, output_tokens) = (tokens.total_input(), tokens.total_output());
    Usage {
        input_tokens,
        input_tokens_details: InputTokensDetails {
            cached_tokens: tokens.cached_input,
            cache_write_tokens: tokens.cache_write,
        },
        output_tokens,
        output_tokens_details: OutputTokensDetails { reasoning_tokens: tokens.reasoning },
        total_tokens: input_tokens.saturating_add(output_tokens),
    }
}
