//! From a request for a response to the domain's. What cannot be carried out is refused by name.
use actix_web::http::StatusCode;
use cape_domain::{
    json::RawJson,
    usage::{self, LogProbs, Message, Reasoning, Sampling},
};
use cape_services::usage::NewCall;
use cape_wire::{
    Raw,
    openai::{
        JsonSchema, JsonSchemaFormat, ResponseFormat, ToolMode,
        responses::{
            CreateRequest, Function, ReasoningConfig, TextConfig, TextFormat, Tool, ToolChoice,
        },
    },
};

use super::{
    super::{
        chat::request::{alternative_tokens, function_name, invalid},
        unsupported, within, wrong,
    },
    conversation::Conversation,
};
use crate::{error::ApiError, extract::depth_within};

/// What is told anyway, where there is any.
const SEALED_THOUGHTS: &str = "reasoning.encrypted_content";
/// How likely each token was.
const LOG_PROBS: &str = "message.output_text.logprobs";
/// How much may be shown of what was thought.
const SUMMARIES: [&str; 3] = ["auto", "concise", "detailed"];

/// Reads a request; its shape alone is checked.
pub(super) fn read(body: &[u8]) -> Result<CreateRequest, ApiError> {
    if !depth_within(body) {
        let (status, code) = (StatusCode::BAD_REQUEST, "request.too_deep");
        return Err(ApiError::client(status, code, "the request is nested too deeply"));
    }
    CreateRequest::read(body).map_err(invalid)
}

/// Translates a request, and says where each message came from.
pub(super) fn translate(asked: CreateRequest) -> Result<(NewCall, Vec<String>), ApiError> {
    refuse_what_is_not_carried_out(&asked)?;
    let streamed = asked.wants_stream();
    let log_probs = log_probs(&asked)?;
    let mut conversation = Conversation::default();
    if let Some(text) = asked.instructions {
        conversation.add(Message::System { text }, "instructions");
    }
    let instructed = conversation.messages.len();
    match asked.input {
        cape_wire::TextOr::Text(text) => conversation.add(Message::user(text), "input"),
        cape_wire::TextOr::Parts(items) => {
            for (at, item) in items.into_iter().enumerate() {
                conversation.item(item, &format!("input[{at}]"))?;
            }
        }
    }
    if conversation.messages.len() == instructed {
        return Err(wrong("input", "there is nothing to answer"));
    }
    let Conversation { messages, places } = conversation;
    let tools = asked.tools.into_iter().enumerate();
    let tools = tools.map(|(at, offered)| tool(offered, at)).collect::<Result<_, _>>()?;
    let TextConfig { format, verbosity, .. } = asked.text.unwrap_or_default();
    let chat = usage::ChatRequest {
        sampling: Sampling {
            temperature: within("temperature", asked.temperature, 0.0, 2.0)?,
            top_p: within("top_p", asked.top_p, 0.0, 1.0)?,
            ..Sampling::default()
        },
        tools,
        tool_choice: asked.tool_choice.map(choice).transpose()?,
        parallel_tool_calls: asked.parallel_tool_calls,
        response_format: format.as_ref().map(form).transpose()?.flatten(),
        reasoning: reasoning(asked.reasoning.unwrap_or_default())?,
        log_probs,
        verbosity,
        end_user: asked.safety_identifier.or(asked.user),
        ..usage::ChatRequest::new(asked.model, messages, 0)
    };
    let new = NewCall { chat, max_output_tokens: asked.max_output_tokens, streamed };
    Ok((new, places))
}

fn refuse_what_is_not_carried_out(asked: &CreateRequest) -> Result<(), ApiError> {
    if let Some(unknown) = asked.unknown_paths().into_iter().next() {
        return Err(unsupported(unknown));
    }
    let is_not = |value: &Option<String>, usual| value.as_ref().is_some_and(|word| word != usual);
    let obfuscated = |options: &cape_wire::openai::responses::StreamOptions| {
        options.include_obfuscation == Some(true)
    };
    let refused = [
        ("background", asked.background == Some(true)),
        ("store", asked.store == Some(true)),
        ("truncation", is_not(&asked.truncation, "disabled")),
        ("service_tier", is_not(&asked.service_tier, "auto")),
        (
            "stream_options.include_obfuscation",
            asked.stream_options.as_ref().is_some_and(obfuscated),
        ),
    ];
    if let Some((param, _)) = refused.into_iter().find(|(_, present)| *present) {
        return Err(unsupported(param));
    }
    let mut included = asked.include.iter().flatten();
    match included.position(|what| ![SEALED_THOUGHTS, LOG_PROBS].contains(&&**what)) {
        Some(at) => Err(unsupported(format!("include[{at}]"))),
        None => Ok(()),
    }
}

fn log_probs(asked: &CreateRequest) -> Result<Option<LogProbs>, ApiError> {
    let included = asked.include.iter().flatten().any(|what| what == LOG_PROBS);
    match asked.top_logprobs {
        Some(alternatives) if included || alternatives > 0 => {
            alternative_tokens("top_logprobs", alternatives).map(Some)
        }
        Some(_) | None => Ok(included.then_some(LogProbs { alternatives: 0 })),
    }
}

fn reasoning(asked: ReasoningConfig) -> Result<Reasoning, ApiError> {
    let ReasoningConfig { effort, summary, .. } = asked;
    if summary.as_deref().is_some_and(|word| !SUMMARIES.contains(&word)) {
        let why = format!("must be one of {}", SUMMARIES.join(", "));
        return Err(wrong("reasoning.summary", why));
    }
    Ok(Reasoning { effort, budget: None, shown: summary.is_some() })
}

fn tool(offered: Tool, place: usize) -> Result<usage::Tool, ApiError> {
    let place = format!("tools[{place}]");
    let Function { name, description, parameters, strict, .. } = match offered {
        Tool::Function(function) => function,
        Tool::Other(_) => return Err(unsupported(place)),
    };
    function_name(&format!("{place}.name"), &name)?;
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

/// The form of a text, as the domain carries it: in the words of a chat completion. Without one
/// it is a text.
fn form(told: &Raw) -> Result<Option<RawJson>, ApiError> {
    let at = "text.format";
    let format = match told.read().map_err(|error| wrong(at, error.to_string()))? {
        TextFormat::Text => return Ok(None),
        TextFormat::JsonObject => ResponseFormat::JsonObject,
        TextFormat::JsonSchema(format) => {
            let (name, description) = (format.name, format.description);
            let (schema, strict) = (Some(format.schema), format.strict);
            let json_schema = JsonSchema { name, description, schema, strict };
            ResponseFormat::JsonSchema(JsonSchemaFormat { json_schema })
        }
        TextFormat::Other(_) => return Err(unsupported(at)),
    };
    let format = Raw::of(&format).map_err(|error| wrong(at, error.to_string()))?;
    Ok(Some(RawJson::new(format.as_str())))
}
