//! From `OpenAI`'s request to the domain's. What cannot be carried out is refused by name.
use actix_web::http::StatusCode;
use cape_domain::{
    json::RawJson,
    usage::{self, LogProbs, Message, Part, Reasoning, Sampling, Thought, plain_text},
};
use cape_services::usage::NewCall;
use cape_wire::{
    TextOr,
    openai::{
        self, ChatRequest, Content, ContentPart, FunctionDefinition, InvalidRequest, Role, Stop,
        Tool, ToolCall, ToolChoice, ToolMode,
    },
};

use super::super::{image::image, unsupported, within, wrong};
use crate::{error::ApiError, extract::depth_within};

/// The most answers that a request may ask for.
const MOST_ANSWERS: u32 = 8;
/// The most other tokens that may be told beside each.
const MOST_ALTERNATIVES: u32 = 20;

/// Reads a request; its shape alone is checked.
pub(super) fn read(body: &[u8]) -> Result<ChatRequest, ApiError> {
    if !depth_within(body) {
        let (status, code) = (StatusCode::BAD_REQUEST, "request.too_deep");
        return Err(ApiError::client(status, code, "the request is nested too deeply"));
    }
    ChatRequest::read(body).map_err(invalid)
}

/// The refusal of a body that is no request.
pub(in crate::usage) fn invalid(error: InvalidRequest) -> ApiError {
    let wrong = ApiError::client(StatusCode::BAD_REQUEST, "invalid_request", &error);
    match error.param {
        Some(param) => wrong.about(param),
        None => wrong,
    }
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
    let shown = asked.include_reasoning == Some(true);
    let chat = usage::ChatRequest {
        sampling: Sampling {
            temperature: within("temperature", asked.temperature, 0.0, 2.0)?,
            top_p: within("top_p", asked.top_p, 0.0, 1.0)?,
            presence_penalty: within("presence_penalty", asked.presence_penalty, -2.0, 2.0)?,
            frequency_penalty: within("frequency_penalty", asked.frequency_penalty, -2.0, 2.0)?,
            seed: asked.seed,
            top_k: None,
        },
        stop: asked.stop.map(stop).unwrap_or_default(),
        tools,
        tool_choice: asked.tool_choice.map(choice).transpose()?,
        parallel_tool_calls: asked.parallel_tool_calls,
        response_format: asked.response_format.map(|format| RawJson::new(format.as_str())),
        reasoning: Reasoning { effort: asked.reasoning_effort, budget: None, shown },
        choices: choices(asked.n)?,
        log_probs: log_probs(asked.logprobs, asked.top_logprobs)?,
        verbosity: asked.verbosity,
        end_user: asked.safety_identifier.or(asked.user),
        ..usage::ChatRequest::new(asked.model, messages, 0)
    };
    let max_output_tokens = asked.max_completion_tokens.or(asked.max_tokens);
    Ok(NewCall { chat, max_output_tokens, streamed })
}

fn refuse_what_is_not_carried_out(asked: &ChatRequest) -> Result<(), ApiError> {
    if let Some(unknown) = asked.unknown_paths().into_iter().next() {
        return Err(unsupported(unknown));
    }
    let refused = [
        ("logit_bias", asked.logit_bias.as_ref().is_some_and(|bias| !bias.is_empty())),
        ("random_seed", asked.random_seed.is_some()),
        ("store", asked.store == Some(true)),
        ("service_tier", asked.service_tier.as_ref().is_some_and(|tier| tier.as_str() != "auto")),
    ];
    match refused.into_iter().find(|(_, present)| *present) {
        Some((param, _)) => Err(unsupported(param)),
        None => Ok(()),
    }
}

fn choices(n: Option<u64>) -> Result<u32, ApiError> {
    let n = u32::try_from(n.unwrap_or(1)).unwrap_or(u32::MAX);
    if (1..=MOST_ANSWERS).contains(&n) {
        return Ok(n);
    }
    Err(wrong("n", format!("must be between 1 and {MOST_ANSWERS}")))
}

fn log_probs(told: Option<bool>, alternatives: Option<u64>) -> Result<Option<LogProbs>, ApiError> {
    let Some(asked) = alternatives else {
        return Ok((told == Some(true)).then_some(LogProbs { alternatives: 0 }));
    };
    if told != Some(true) {
        return Err(wrong("top_logprobs", "needs `logprobs` to be true"));
    }
    alternative_tokens("top_logprobs", asked).map(Some)
}

/// How many other tokens to tell of.
pub(in crate::usage) fn alternative_tokens(param: &str, asked: u64) -> Result<LogProbs, ApiError> {
    let alternatives = u32::try_from(asked).unwrap_or(u32::MAX);
    if alternatives > MOST_ALTERNATIVES {
        return Err(wrong(param, format!("must be between 0 and {MOST_ALTERNATIVES}")));
    }
    Ok(LogProbs { alternatives })
}

fn message(told: openai::Message, place: &str) -> Result<Message, ApiError> {
    let calls = told.tool_calls.into_iter().enumerate();
    let tool_calls: Vec<_> = calls
        .map(|(call, made)| tool_call(made, &format!("{place}.tool_calls[{call}]")))
        .collect::<Result<_, _>>()?;
    let thought = told.reasoning_content.filter(|text| !text.is_empty());
    if thought.is_some() && told.role != Role::Assistant {
        return Err(unsupported(format!("{place}.reasoning_content")));
    }
    let at = format!("{place}.content");
    let content = told.content.map(|content| parts(content, &at)).transpose()?;
    let content = content.filter(|parts| !parts.is_empty());
    let required = |content: Option<Vec<Part>>| {
        content.ok_or_else(|| wrong(&at, "this role has to say something"))
    };
    match told.role {
        Role::System | Role::Developer => {
            Ok(Message::System { text: text(required(content)?, &at)? })
        }
        Role::User => Ok(Message::User { content: required(content)?, name: told.name }),
        Role::Assistant => {
            let said = content.map(|content| text(content, &at)).transpose()?;
            let thought = thought.map(|text| Thought { text, ..Thought::default() });
            Ok(Message::Assistant {
                thoughts: thought.into_iter().collect(),
                text: said.or(told.refusal).unwrap_or_default(),
                tool_calls,
            })
        }
        Role::Tool => {
            let answered = format!("{place}.tool_call_id");
            let call =
                told.tool_call_id.ok_or_else(|| wrong(&answered, "a tool answers a call"))?;
            Ok(Message::tool(call, text(required(content)?, &at)?))
        }
        Role::Function | Role::Other(_) => Err(unsupported(format!("{place}.role"))),
    }
}

fn parts(content: Content, place: &str) -> Result<Vec<Part>, ApiError> {
    let parts = match content {
        TextOr::Text(text) => return Ok(vec![Part::Text(text)]),
        TextOr::Parts(parts) => parts,
    };
    let part = |(number, part): (usize, ContentPart)| match part {
        ContentPart::Text(part) => Ok(Part::Text(part.text)),
        ContentPart::Refusal(part) => Ok(Part::Text(part.refusal)),
        ContentPart::ImageUrl(part) => {
            let at = format!("{place}[{number}].image_url");
            let openai::ImageUrl { url, detail, .. } = part.image_url;
            let image = image((&format!("{at}.url"), &url), (&format!("{at}.detail"), detail))?;
            Ok(Part::Image(image))
        }
        ContentPart::Other(_) => Err(unsupported(format!("{place}[{number}]"))),
    };
    parts.into_iter().enumerate().map(part).collect()
}

/// What is said where there is no place for an image.
fn text(content: Vec<Part>, place: &str) -> Result<String, ApiError> {
    plain_text(&content).ok_or_else(|| {
        let image = content.iter().position(|part| matches!(part, Part::Image(_)));
        unsupported(format!("{place}[{}]", image.unwrap_or_default()))
    })
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
    function_name(&format!("{place}.function.name"), &name)?;
    let parameters = parameters.map(|schema| RawJson::new(schema.as_str()));
    Ok(usage::Tool { name, description, parameters, strict })
}

/// Checks what a function is called.
pub(in crate::usage) fn function_name(param: &str, name: &str) -> Result<(), ApiError> {
    if name.is_empty() || name.len() > 64 {
        return Err(wrong(param, "must have 1 to 64 characters"));
    }
    Ok(())
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
