//! From Anthropic's request to the domain's. What cannot be carried out is refused by name.
use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use cape_domain::{
    json::RawJson,
    usage::{self, Message, Sampling},
};
use cape_services::usage::NewCall;
use cape_wire::{
    Raw, TextOr,
    anthropic::{
        InputBlock, InputMessage, MessagesRequest, OutputConfig, OutputFormat, ResultBlock, Role,
        SystemBlock, TextBlock, Tool, ToolChoice, ToolResultBlock,
    },
};

use super::super::{unsupported, within, wrong};
use crate::{error::ApiError, extract::depth_within};

/// Every field that is carried out, or that changes nothing.
const KNOWN: [&str; 14] = [
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "output_config",
    "service_tier",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_p",
];

/// Reads a request; its shape alone is checked.
pub(super) fn read(body: &[u8]) -> Result<MessagesRequest, ApiError> {
    if !depth_within(body) {
        let (status, code) = (StatusCode::BAD_REQUEST, "request.too_deep");
        return Err(ApiError::client(status, code, "the request is nested too deeply"));
    }
    let invalid = |error: serde_json::Error| {
        ApiError::client(StatusCode::BAD_REQUEST, "invalid_request", error)
    };
    let fields: BTreeMap<String, Raw> = serde_json::from_slice(body).map_err(invalid)?;
    if let Some(unknown) = fields.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(unsupported(unknown.clone()));
    }
    serde_json::from_slice(body).map_err(invalid)
}

/// Translates a request.
pub(super) fn translate(asked: MessagesRequest) -> Result<NewCall, ApiError> {
    refuse_what_is_not_carried_out(&asked)?;
    let mut messages = asked.system.map(system).transpose()?.unwrap_or_default();
    let instructions = messages.len();
    for (place, told) in asked.messages.into_iter().enumerate() {
        message(told, &format!("messages.{place}"), &mut messages)?;
    }
    if messages.len() == instructions {
        return Err(wrong("messages", "there is nothing to answer"));
    }
    let (tool_choice, one_at_a_time) = asked.tool_choice.map_or((None, false), choice);
    let OutputConfig { effort, format } = asked.output_config.unwrap_or_default();
    let chat = usage::ChatRequest {
        model: asked.model,
        messages,
        max_output_tokens: 0,
        sampling: Sampling {
            temperature: within("temperature", asked.temperature, 0.0, 1.0)?,
            top_p: within("top_p", asked.top_p, 0.0, 1.0)?,
            ..Sampling::default()
        },
        stop: asked.stop_sequences,
        tools: asked.tools.into_iter().enumerate().map(tool).collect::<Result<_, _>>()?,
        tool_choice,
        parallel_tool_calls: one_at_a_time.then_some(false),
        response_format: format.map(response_format),
        reasoning_effort: effort,
        end_user: asked.metadata.and_then(|metadata| metadata.user_id),
    };
    let max_output_tokens = Some(asked.max_tokens);
    Ok(NewCall { chat, max_output_tokens, streamed: asked.stream.unwrap_or(false) })
}

fn refuse_what_is_not_carried_out(asked: &MessagesRequest) -> Result<(), ApiError> {
    #[derive(serde::Deserialize)]
    struct Kind {
        r#type: String,
    }
    let thinks = asked.thinking.as_ref().is_some_and(|thinking| {
        thinking.read::<Kind>().map_or(true, |thinking| thinking.r#type != "disabled")
    });
    let tier = asked.service_tier.as_deref().unwrap_or("auto");
    let refused =
        [("thinking", thinks), ("service_tier", !["auto", "standard_only"].contains(&tier))];
    match refused.into_iter().find(|(_, present)| *present) {
        Some((param, _)) => Err(unsupported(param)),
        None => Ok(()),
    }
}

fn system(told: TextOr<SystemBlock>) -> Result<Vec<Message>, ApiError> {
    let blocks = match told {
        TextOr::Text(text) => return Ok(vec![Message::System { text }]),
        TextOr::Parts(blocks) => blocks.into_iter().enumerate(),
    };
    let message = |(place, block)| match block {
        SystemBlock::Text(TextBlock { text }) => Ok(Message::System { text }),
        SystemBlock::Other(_) => Err(unsupported(format!("system.{place}"))),
    };
    blocks.map(message).collect()
}

/// What one turn says. Results of tools, which stand in the user's turn here, are messages of
/// their own.
fn message(told: InputMessage, place: &str, out: &mut Vec<Message>) -> Result<(), ApiError> {
    let blocks = match told.content {
        TextOr::Text(text) => vec![InputBlock::text(text)],
        TextOr::Parts(blocks) => blocks,
    };
    match told.role {
        Role::User => user(blocks, place, out),
        Role::Assistant => assistant(blocks, place).map(|said| out.push(said)),
        Role::Other(_) => Err(unsupported(format!("{place}.role"))),
    }
}

fn user(blocks: Vec<InputBlock>, place: &str, out: &mut Vec<Message>) -> Result<(), ApiError> {
    let mut said: Option<String> = None;
    for (number, block) in blocks.into_iter().enumerate() {
        let at = format!("{place}.content.{number}");
        match block {
            InputBlock::Text(TextBlock { text }) => said.get_or_insert_default().push_str(&text),
            InputBlock::ToolResult(result) => {
                out.extend(said.take().map(|text| Message::User { text, name: None }));
                out.push(tool_result(result, &at)?);
            }
            InputBlock::Image(_)
            | InputBlock::ToolUse(_)
            | InputBlock::Thinking(_)
            | InputBlock::RedactedThinking(_)
            | InputBlock::Other(_) => return Err(unsupported(at)),
        }
    }
    out.extend(said.map(|text| Message::User { text, name: None }));
    Ok(())
}

/// What a call came to. Not every format has a place for whether it failed: the text says so.
fn tool_result(result: ToolResultBlock, place: &str) -> Result<Message, ApiError> {
    let mut text = match result.content {
        None => String::new(),
        Some(TextOr::Text(text)) => text,
        Some(TextOr::Parts(blocks)) => {
            let part = |(number, block)| match block {
                ResultBlock::Text(TextBlock { text }) => Ok(text),
                ResultBlock::Image(_) | ResultBlock::Other(_) => {
                    Err(unsupported(format!("{place}.content.{number}")))
                }
            };
            blocks.into_iter().enumerate().map(part).collect::<Result<String, _>>()?
        }
    };
    if result.is_error == Some(true) {
        text = format!("Error: {text}");
    }
    Ok(Message::Tool { call: result.tool_use_id, text })
}

fn assistant(blocks: Vec<InputBlock>, place: &str) -> Result<Message, ApiError> {
    let (mut text, mut tool_calls) = (String::new(), Vec::new());
    for (number, block) in blocks.into_iter().enumerate() {
        match block {
            InputBlock::Text(block) => text.push_str(&block.text),
            InputBlock::ToolUse(call) => tool_calls.push(usage::ToolCall {
                id: call.id,
                name: call.name,
                arguments: call.input.as_str().to_owned(),
            }),
            InputBlock::Image(_)
            | InputBlock::ToolResult(_)
            | InputBlock::Thinking(_)
            | InputBlock::RedactedThinking(_)
            | InputBlock::Other(_) => {
                return Err(unsupported(format!("{place}.content.{number}")));
            }
        }
    }
    Ok(Message::Assistant { text, tool_calls })
}

fn tool((place, offered): (usize, Tool)) -> Result<usage::Tool, ApiError> {
    let Tool { name, description, input_schema, strict } = offered;
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
fn response_format(format: OutputFormat) -> RawJson {
    let schema = format.schema.as_str();
    RawJson::new(format!(
        r#"{{"type":"json_schema","json_schema":{{"name":"answer","strict":true,"schema":{schema}}}}}"#
    ))
}
