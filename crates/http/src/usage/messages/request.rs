//! From Anthropic's request to the domain's. What cannot be carried out is refused by name.
use actix_web::http::StatusCode;
use cape_domain::{
    json::RawJson,
    usage::{self, CachePoint, Reasoning, Sampling},
};
use cape_services::usage::NewCall;
use cape_wire::anthropic::{
    CountTokensRequest, MessagesRequest, OutputConfig, OutputFormat, Thinking, ThinkingDisplay,
    Tool, ToolChoice,
};
use serde_json::Value;

use super::{
    super::{unsupported, within, wrong},
    content::Conversation,
    known,
    names::Names,
};
use crate::{error::ApiError, extract::depth_within};

/// The fewest tokens that a model thinks with.
const LEAST_BUDGET: u64 = 1_024;

/// Reads a request for a message; its shape alone is checked.
pub(super) fn read(body: &[u8]) -> Result<MessagesRequest, ApiError> {
    check(body, &known::MESSAGE)?;
    serde_json::from_slice(body).map_err(invalid)
}

/// Reads a request to count tokens: as one for a message of any length.
pub(super) fn read_count(body: &[u8]) -> Result<MessagesRequest, ApiError> {
    check(body, &known::COUNT)?;
    let asked: CountTokensRequest = serde_json::from_slice(body).map_err(invalid)?;
    Ok(asked.with_max_tokens(u64::MAX))
}

fn check(body: &[u8], known: &[&str]) -> Result<(), ApiError> {
    if !depth_within(body) {
        let (status, code) = (StatusCode::BAD_REQUEST, "request.too_deep");
        return Err(ApiError::client(status, code, "the request is nested too deeply"));
    }
    let fields: Value = serde_json::from_slice(body).map_err(invalid)?;
    known::check(&fields, known)
}

fn invalid(error: serde_json::Error) -> ApiError {
    ApiError::client(StatusCode::BAD_REQUEST, "invalid_request", error)
}

/// Translates a request, and keeps what its parts are called there.
pub(super) fn translate(asked: MessagesRequest) -> Result<(NewCall, Names), ApiError> {
    let tier = asked.service_tier.as_deref().unwrap_or("auto");
    if !["auto", "standard_only"].contains(&tier) {
        return Err(unsupported("service_tier"));
    }
    let mut told = Conversation::default();
    let mut tools = Vec::with_capacity(asked.tools.len());
    for (place, offered) in asked.tools.into_iter().enumerate() {
        told.cache_points.extend(offered.cache_control.as_ref().map(|_| CachePoint::Tool(place)));
        tools.push(tool(place, offered)?);
    }
    if let Some(system) = asked.system {
        told.instruct(system)?;
    }
    if asked.messages.is_empty() {
        return Err(wrong("messages", "there is nothing to answer"));
    }
    for (place, message) in asked.messages.into_iter().enumerate() {
        told.hear(message, &format!("messages.{place}"))?;
    }
    told.cache_points.extend(asked.cache_control.map(|_| CachePoint::End));
    let Conversation { messages, cache_points, places } = told;
    let (tool_choice, one_at_a_time) = asked.tool_choice.map_or((None, false), choice);
    let OutputConfig { effort, format } = asked.output_config.unwrap_or_default();
    let max_output_tokens = asked.max_tokens;
    let chat = usage::ChatRequest {
        sampling: Sampling {
            temperature: within("temperature", asked.temperature, 0.0, 1.0)?,
            top_p: within("top_p", asked.top_p, 0.0, 1.0)?,
            top_k: asked.top_k,
            ..Sampling::default()
        },
        stop: asked.stop_sequences,
        tools,
        tool_choice,
        parallel_tool_calls: one_at_a_time.then_some(false),
        response_format: format.map(response_format),
        reasoning: Reasoning { effort, ..reasoning(asked.thinking, max_output_tokens)? },
        end_user: asked.metadata.and_then(|metadata| metadata.user_id),
        cache_points,
        ..usage::ChatRequest::new(asked.model, messages, 0)
    };
    let streamed = asked.stream.unwrap_or(false);
    Ok((NewCall { chat, max_output_tokens: Some(max_output_tokens), streamed }, Names::of(places)))
}

/// How to think. Thoughts are shown, unless they are to be left out.
fn reasoning(thinking: Option<Thinking>, max_tokens: u64) -> Result<Reasoning, ApiError> {
    let adaptive = Reasoning { shown: true, ..Reasoning::default() };
    match thinking {
        None => Ok(Reasoning::default()),
        Some(Thinking::Disabled) => Ok(Reasoning { budget: Some(0), ..Reasoning::default() }),
        Some(Thinking::Enabled(thinking)) => {
            let budget = thinking.budget_tokens;
            if budget < LEAST_BUDGET || budget >= max_tokens {
                let why = format!("must be at least {LEAST_BUDGET} and less than max_tokens");
                return Err(wrong("thinking.budget_tokens", why));
            }
            let shown = shown(thinking.display)?;
            Ok(Reasoning { budget: Some(budget), shown, ..Reasoning::default() })
        }
        Some(Thinking::Adaptive(thinking)) if shown(thinking.display.clone())? => Ok(adaptive),
        // Nothing that a provider could be told would differ from no wish at all.
        Some(Thinking::Adaptive(_)) => Err(unsupported("thinking.display")),
        Some(Thinking::Other(_)) => Err(unsupported("thinking.type")),
    }
}

fn shown(display: Option<ThinkingDisplay>) -> Result<bool, ApiError> {
    match display {
        None | Some(ThinkingDisplay::Summarized) => Ok(true),
        Some(ThinkingDisplay::Omitted) => Ok(false),
        Some(ThinkingDisplay::Other(_)) => {
            Err(wrong("thinking.display", "must be `summarized` or `omitted`"))
        }
    }
}

fn tool(place: usize, offered: Tool) -> Result<usage::Tool, ApiError> {
    let Tool { name, description, input_schema, strict, .. } = offered;
    if name.is_empty() || name.len() > 64 {
        return Err(wrong(&format!("tools.{place}.name"), "must have 1 to 64 characters"));
    }
    let parameters = Some(RawJson::new(input_schema.as_str()));
    Ok(usage::Tool { name, description, parameters, strict })
}

/// What has to be called, and whether one at a time.
fn choice(choice: ToolChoice) -> (Option<usage::ToolChoice>, bool) {
    let (choice, one_at_a_time) = match choice {
        ToolChoice::Auto { disable_parallel_tool_use } => {
            (usage::ToolChoice::Auto, disable_parallel_tool_use)
        }
        ToolChoice::Any { disable_parallel_tool_use } => {
            (usage::ToolChoice::Required, disable_parallel_tool_use)
        }
        ToolChoice::Tool { name, disable_parallel_tool_use } => {
            (usage::ToolChoice::Function(name), disable_parallel_tool_use)
        }
        ToolChoice::None => (usage::ToolChoice::Never, None),
    };
    (Some(choice), one_at_a_time.unwrap_or(false))
}

/// A schema for the answer, as the domain carries it: in `OpenAI`'s words.
#[expect(clippy::needless_pass_by_value, reason = "it is given to `map`")]
fn response_format(format: OutputFormat) -> RawJson {
    let schema = format.schema.as_str();
    RawJson::new(format!(
        r#"{{"type":"json_schema","json_schema":{{"name":"answer","strict":true,"schema":{schema}}}}}"#
    ))
}
