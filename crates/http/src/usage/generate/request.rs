//! From Google's request to the domain's. What cannot be carried out is refused by name.
use actix_web::http::StatusCode;
use cape_domain::{
    json::RawJson,
    usage::{ChatRequest, LogProbs, Message, Part, Reasoning, Sampling, Tool, ToolChoice},
};
use cape_services::usage::NewCall;
use cape_wire::gemini::{
    CallingMode, CountTokensRequest, FunctionCallingConfig, FunctionDeclaration,
    GenerateContentRequest, GenerationConfig, Misfit, ThinkingConfig,
};
use serde::de::DeserializeOwned;

use super::{
    super::{unsupported, within, wrong},
    contents::Conversation,
    form,
    names::Names,
    schema,
};
use crate::{error::ApiError, extract::depth_within};

/// Reads a request for content; its shape alone is checked.
pub(super) fn read(body: &[u8]) -> Result<GenerateContentRequest, ApiError> {
    fitting(body, Misfit::of_request)
}

/// Reads a request to count; its shape alone is checked.
pub(super) fn read_count(body: &[u8]) -> Result<GenerateContentRequest, ApiError> {
    let asked: CountTokensRequest = fitting(body, Misfit::of_count)?;
    match asked.generate_content_request {
        Some(_) if !asked.contents.is_empty() => {
            Err(wrong("contents", "stands in generateContentRequest already"))
        }
        Some(request) => Ok(*request),
        None => Ok(GenerateContentRequest::new(asked.contents)),
    }
}

fn fitting<T: DeserializeOwned>(
    body: &[u8],
    misfit: impl FnOnce(&[u8]) -> Option<Misfit>,
) -> Result<T, ApiError> {
    if !depth_within(body) {
        let (status, code) = (StatusCode::BAD_REQUEST, "request.too_deep");
        return Err(ApiError::client(status, code, "the request is nested too deeply"));
    }
    match misfit(body) {
        Some(Misfit::Unknown { path }) => return Err(unsupported(path)),
        Some(Misfit::Wrong { path, expected }) => {
            return Err(wrong(&path, format!("must be {expected}")));
        }
        None => {}
    }
    serde_json::from_slice(body)
        .map_err(|error| ApiError::client(StatusCode::BAD_REQUEST, "invalid_request", error))
}

/// Translates a request to the model `name`.
pub(super) fn translate(
    name: &str,
    asked: GenerateContentRequest,
    streamed: bool,
) -> Result<(NewCall, Names), ApiError> {
    if asked.model.is_some_and(|model| model_name(&model) != name) {
        return Err(wrong("model", "is another one than in the address"));
    }
    let mut conversation = Conversation::default();
    if let Some(told) = asked.system_instruction {
        conversation.instruct(told)?;
    }
    let instructions = conversation.messages.len();
    for (place, content) in asked.contents.into_iter().enumerate() {
        conversation.hear(place, content)?;
    }
    if conversation.messages.len() == instructions {
        return Err(wrong("contents", "there is nothing to answer"));
    }
    let Conversation { mut messages, places, .. } = conversation;
    let config = asked.generation_config.unwrap_or_default();
    look(&mut messages, config.media_resolution.as_deref())?;
    let declarations = asked.tools.into_iter().flat_map(|tool| tool.function_declarations);
    let mut tools = declarations.enumerate().map(tool).collect::<Result<Vec<_>, _>>()?;
    let calling = asked.tool_config.and_then(|config| config.function_calling_config);
    let tool_choice = calling.map(|config| choice(config, &mut tools)).transpose()?.flatten();
    let safety = (!asked.safety_settings.is_empty())
        .then(|| serde_json::to_string(&asked.safety_settings).ok())
        .flatten();
    let (format, response_format) = form::of(&config)?;
    let chat = ChatRequest {
        sampling: sampling(&config)?,
        stop: config.stop_sequences.clone(),
        tools,
        tool_choice,
        response_format,
        reasoning: config
            .thinking_config
            .as_ref()
            .map_or_else(|| Ok(Reasoning::default()), reasoning)?,
        choices: choices(&config)?,
        log_probs: log_probs(&config)?,
        safety: safety.map(RawJson::new),
        ..ChatRequest::new(name, messages, 0)
    };
    if config.response_modalities.iter().any(|kind| kind != "TEXT") {
        return Err(unsupported("generationConfig.responseModalities"));
    }
    let new = NewCall { chat, max_output_tokens: config.max_output_tokens, streamed };
    Ok((new, Names { places, format }))
}

/// The name of a model, which may say that it is one.
pub(super) fn model_name(told: &str) -> &str {
    told.strip_prefix("models/").unwrap_or(told)
}

fn sampling(config: &GenerationConfig) -> Result<Sampling, ApiError> {
    let at = |name: &str| format!("generationConfig.{name}");
    if config.top_k == Some(0) {
        return Err(wrong(&at("topK"), "must be 1 or more"));
    }
    Ok(Sampling {
        temperature: within(&at("temperature"), config.temperature, 0.0, 2.0)?,
        top_p: within(&at("topP"), config.top_p, 0.0, 1.0)?,
        top_k: config.top_k,
        presence_penalty: within(&at("presencePenalty"), config.presence_penalty, -2.0, 2.0)?,
        frequency_penalty: within(&at("frequencyPenalty"), config.frequency_penalty, -2.0, 2.0)?,
        seed: config.seed,
    })
}

fn choices(config: &GenerationConfig) -> Result<u32, ApiError> {
    let count = u32::try_from(config.candidate_count.unwrap_or(1)).ok();
    let count = count.filter(|count| (1..=8).contains(count));
    count.ok_or_else(|| wrong("generationConfig.candidateCount", "must be between 1 and 8"))
}

fn log_probs(config: &GenerationConfig) -> Result<Option<LogProbs>, ApiError> {
    let at = "generationConfig.logprobs";
    let alternatives = u32::try_from(config.logprobs.unwrap_or(0)).ok();
    let alternatives = alternatives.filter(|count| *count <= 20);
    let alternatives = alternatives.ok_or_else(|| wrong(at, "must be between 0 and 20"))?;
    match config.response_logprobs {
        Some(true) => Ok(Some(LogProbs { alternatives })),
        Some(false) | None if config.logprobs.is_some() => {
            Err(wrong(at, "needs responseLogprobs to be true"))
        }
        Some(false) | None => Ok(None),
    }
}

/// A budget of -1 leaves it to the model, which is what it does by itself.
fn reasoning(config: &ThinkingConfig) -> Result<Reasoning, ApiError> {
    let at = |name: &str| format!("generationConfig.thinkingConfig.{name}");
    let budget = match config.thinking_budget {
        None | Some(-1) => None,
        Some(budget) => {
            let budget = u64::try_from(budget);
            Some(budget.map_err(|_| wrong(&at("thinkingBudget"), "must be -1 or more"))?)
        }
    };
    let effort = match config.thinking_level.as_deref().map(str::to_ascii_lowercase) {
        None => None,
        Some(level) => match level.as_str() {
            "thinking_level_unspecified" => None,
            "minimal" | "low" | "medium" | "high" | "xhigh" => Some(level),
            _ => return Err(wrong(&at("thinkingLevel"), "must be LOW, MEDIUM, HIGH or the like")),
        },
    };
    if effort.is_some() && budget.is_some() {
        return Err(wrong(&at("thinkingBudget"), "does not go together with thinkingLevel"));
    }
    Ok(Reasoning { effort, budget, shown: config.include_thoughts == Some(true) })
}

/// How closely to look at every image.
fn look(messages: &mut [Message], resolution: Option<&str>) -> Result<(), ApiError> {
    let told = match resolution {
        None | Some("MEDIA_RESOLUTION_UNSPECIFIED") => return Ok(()),
        Some("MEDIA_RESOLUTION_LOW") => "low",
        Some("MEDIA_RESOLUTION_HIGH") => "high",
        Some(_) => return Err(unsupported("generationConfig.mediaResolution")),
    };
    for message in messages {
        if let Message::User { content, .. } | Message::Tool { content, .. } = message {
            for part in content {
                if let Part::Image(image) = part {
                    image.detail = Some(told.to_owned());
                }
            }
        }
    }
    Ok(())
}

fn tool((place, declared): (usize, FunctionDeclaration)) -> Result<Tool, ApiError> {
    let at = format!("tools.functionDeclarations[{place}]");
    let FunctionDeclaration { name, description, parameters, parameters_json_schema, .. } =
        declared;
    if name.is_empty() || name.len() > 64 {
        return Err(wrong(&format!("{at}.name"), "must have 1 to 64 characters"));
    }
    let parameters = match (parameters, parameters_json_schema) {
        (Some(_), Some(_)) => {
            let at = format!("{at}.parameters");
            return Err(wrong(&at, "does not go together with parametersJsonSchema"));
        }
        (Some(dialect), None) => {
            let schema = schema::json_schema(&dialect, false);
            let not_one = || wrong(&format!("{at}.parameters"), "must be a schema");
            Some(RawJson::new(schema.ok_or_else(not_one)?))
        }
        (None, Some(schema)) if schema.is_object() => Some(RawJson::new(schema.as_str())),
        (None, Some(_)) => {
            return Err(wrong(&format!("{at}.parametersJsonSchema"), "must be a schema"));
        }
        (None, None) => None,
    };
    Ok(Tool { name, description, parameters, strict: None })
}

/// What has to be called. Functions that must not be called are not offered.
fn choice(
    config: FunctionCallingConfig,
    tools: &mut Vec<Tool>,
) -> Result<Option<ToolChoice>, ApiError> {
    let at = |name: &str| format!("toolConfig.functionCallingConfig.{name}");
    let allowed = config.allowed_function_names;
    let unknown = allowed.iter().any(|name| !tools.iter().any(|tool| tool.name == *name));
    if unknown {
        return Err(wrong(&at("allowedFunctionNames"), "names a function that is not declared"));
    }
    let narrowed = !allowed.is_empty();
    if narrowed && !["ANY", "VALIDATED"].contains(&config.mode.as_str()) {
        return Err(wrong(&at("allowedFunctionNames"), "needs the mode ANY or VALIDATED"));
    }
    match config.mode {
        CallingMode::Auto => Ok(Some(ToolChoice::Auto)),
        CallingMode::None => Ok(Some(ToolChoice::Never)),
        CallingMode::Any => {
            if let [name] = allowed.as_slice() {
                return Ok(Some(ToolChoice::Function(name.clone())));
            }
            tools.retain(|tool| !narrowed || allowed.contains(&tool.name));
            Ok(Some(ToolChoice::Required))
        }
        CallingMode::Validated => {
            tools.retain(|tool| !narrowed || allowed.contains(&tool.name));
            for tool in tools {
                tool.strict = Some(true);
            }
            Ok(Some(ToolChoice::Auto))
        }
        CallingMode::Other(word) if word == "MODE_UNSPECIFIED" => Ok(None),
        CallingMode::Other(_) => Err(wrong(&at("mode"), "must be AUTO, ANY, NONE or VALIDATED")),
    }
}
