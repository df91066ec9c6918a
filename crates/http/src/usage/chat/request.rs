//! From `OpenAI`'s request to the domain's. What cannot be carried out is refused by name.
use actix_web::http::StatusCode;
use cape_domain::{
    json::RawJson,
    usage::{self, Message, Sampling},
};
use cape_services::usage::NewCall;
use cape_wire::{
    TextOr,
    openai::{
        self, ChatRequest, Content, ContentPart, FunctionDefinition, Role, Stop, Tool, ToolCall,
        ToolChoice, ToolMode,
    },
};

use super::super::{unsupported, within, wrong};
use crate::{error::ApiError, extract::depth_within};

/// Reads a request; its shape alone is checked.
pub(super) fn read(body: &[u8]) -> Result<ChatRequest, ApiError> {
    if !depth_within(body) {
        let (status, code) = (StatusCode::BAD_REQUEST, "request.too_deep");
        return Err(ApiError::client(status, code, "the request is nested too deeply"));
    }
    ChatRequest::read(body).map_err(|error| {
        let wrong = ApiError::client(StatusCode::BAD_REQUEST, "invalid_request", &error);
        match error.param {
            Some(param) => wrong.about(param),
            None => wrong,
        }
    })
}

/// Translates a request.
pub(super) fn translate(asked: ChatRequest) -> Result<NewCall, ApiError> {
    refuse_what_is_not_carried_out(&asked)?;
    let streamed = asked.wants_stream();
    let messages = asked.messages.into_iter().enumerate();
    let messages: Vec<_> = messages
        .map(|(place, told)| message(told, &format!("messages[{place}]")))
        .collect::<Result<_, _>>()?;
    if messages.is_empty() {
        return Err(wrong("messages", "there is nothing to answer"));
    }
    let tools = asked.tools.into_iter().enumerate();
    let tools = tools.map(|(place, offered)| tool(offered, place)).collect::<Result<_, _>>()?;
    let chat = usage::ChatRequest {
        model: asked.model,
        messages,
        max_output_tokens: 0,
        sampling: Sampling {
            temperature: within("temperature", asked.temperature, 0.0, 2.0)?,
            top_p: within("top_p", asked.top_p, 0.0, 1.0)?,
            presence_penalty: within("presence_penalty", asked.presence_penalty, -2.0, 2.0)?,
            frequency_penalty: within("frequency_penalty", asked.frequency_penalty, -2.0, 2.0)?,
            seed: asked.seed,
        },
        stop: asked.stop.map(stop).unwrap_or_default(),
        tools,
        tool_choice: asked.tool_choice.map(choice).transpose()?,
        parallel_tool_calls: asked.parallel_tool_calls,
        response_format: asked.response_format.map(|format| RawJson::new(format.as_str())),
        reasoning_effort: asked.reasoning_effort,
        end_user: asked.user,
    };
    let max_output_tokens = asked.max_completion_tokens.or(asked.max_tokens);
    Ok(NewCall { chat, max_output_tokens, streamed })
}

fn refuse_what_is_not_carried_out(asked: &ChatRequest) -> Result<(), ApiError> {
    if let Some(unknown) = asked.unknown_paths().into_iter().next() {
        return Err(unsupported(unknown));
    }
    let refused = [
        ("n", asked.n.is_some_and(|n| n != 1)),
        ("logit_bias", asked.logit_bias.as_ref().is_some_and(|bias| !bias.is_empty())),
        ("logprobs", asked.logprobs == Some(true)),
        ("top_logprobs", asked.top_logprobs.is_some()),
        ("store", asked.store == Some(true)),
        ("service_tier", asked.service_tier.as_ref().is_some_and(|tier| tier.as_str() != "auto")),
    ];
    match refused.into_iter().find(|(_, present)| *present) {
        Some((param, _)) => Err(unsupported(param)),
        None => Ok(()),
    }
}

fn message(told: openai::Message, place: &str) -> Result<Message, ApiError> {
    let calls = told.tool_calls.into_iter().enumerate();
    let calls: Vec<_> = calls
        .map(|(call, made)| tool_call(made, &format!("{place}.tool_calls[{call}]")))
        .collect::<Result<_, _>>()?;
    let at = format!("{place}.content");
    let content = told.content.map(|content| text(content, &at)).transpose()?;
    let required = || content.clone().ok_or_else(|| wrong(&at, "this role has to say something"));
    match told.role {
        Role::System | Role::Developer => Ok(Message::System { text: required()? }),
        Role::User => Ok(Message::User { text: required()?, name: told.name }),
        Role::Assistant => {
            let text = content.or(told.refusal).unwrap_or_default();
            Ok(Message::Assistant { text, tool_calls: calls })
        }
        Role::Tool => {
            let call = told.tool_call_id;
            let at = format!("{place}.tool_call_id");
            let call = call.ok_or_else(|| wrong(&at, "a tool answers a call"))?;
            Ok(Message::Tool { call, text: required()? })
        }
        Role::Function | Role::Other(_) => Err(unsupported(format!("{place}.role"))),
    }
}

fn text(content: Content, place: &str) -> Result<String, ApiError> {
    let parts = match content {
        TextOr::Text(text) => return Ok(text),
        TextOr::Parts(parts) => parts,
    };
    let mut whole = String::new();
    for (number, part) in parts.into_iter().enumerate() {
        match part {
            ContentPart::Text(part) => whole.push_str(&part.text),
            ContentPart::Refusal(part) => whole.push_str(&part.refusal),
            ContentPart::ImageUrl(_) | ContentPart::Other(_) => {
                return Err(unsupported(format!("{place}[{number}]")));
            }
        }
    }
    Ok(whole)
}

fn tool_call(made: ToolCall, place: &str) -> Result<usage::ToolCall, ApiError> {
    match made {
        ToolCall::Function(call) => Ok(usage::ToolCall {
            id: call.id,
            name: call.function.name,
            arguments: call.function.arguments,
        }),
        ToolCall::Other(_) => Err(unsupported(place)),
    }
}

fn tool(offered: Tool, place: usize) -> Result<usage::Tool, ApiError> {
    let place = format!("tools[{place}]");
    let FunctionDefinition { name, description, parameters, strict, .. } = match offered {
        Tool::Function(tool) => tool.function,
        Tool::Other(_) => return Err(unsupported(place)),
    };
    if name.is_empty() || name.len() > 64 {
        return Err(wrong(&format!("{place}.function.name"), "must have 1 to 64 characters"));
    }
    let parameters = parameters.map(|schema| RawJson::new(schema.as_str()));
    Ok(usage::Tool { name, description, parameters, strict })
}

fn choice(choice: ToolChoice) -> Result<usage::ToolChoice, ApiError> {
    match choice {
        ToolChoice::Mode(ToolMode::Auto) => Ok(usage::ToolChoice::Auto),
        ToolChoice::Mode(ToolMode::None) => Ok(usage::ToolChoice::Never),
        ToolChoice::Mode(ToolMode::Required) => Ok(usage::ToolChoice::Required),
        ToolChoice::Function(name) => Ok(usage::ToolChoice::Function(name)),
        ToolChoice::Mode(ToolMode::Other(_)) | ToolChoice::Other(_) => {
            Err(unsupported("tool_choice"))
        }
    }
}

fn stop(stop: Stop) -> Vec<String> {
    match stop {
        Stop::Text(text) => vec![text],
        Stop::Parts(texts) => texts,
    }
}
