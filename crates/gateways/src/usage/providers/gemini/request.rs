//! What Gemini is sent, and what cannot be said to it.
//!
//! What its format has no word for is refused unless it asks for what happens anyway, such as calls
//! in parallel. Only the caller's own user is passed over: it changes no answer, and Google keeps
//! no watch that would need it.
use cape_domain::usage::{ChatRequest, Message, Tool, ToolCall, ToolChoice, UnsupportedParameter};
use cape_wire::{
    Raw,
    gemini::{
        CallingMode, Content, FunctionCall, FunctionCallingConfig, FunctionDeclaration,
        FunctionResponse, GenerateContentRequest, GenerationConfig, Part, Role, Tool as BodyTool,
        ToolConfig,
    },
    openai::ResponseFormat,
};

use super::super::format::{arguments, arguments_path, carried, refuse, unsupported};

/// The body of a request, the same for both modes: the address tells them apart.
pub fn body(request: &ChatRequest) -> Result<GenerateContentRequest, UnsupportedParameter> {
    refuse(request.parallel_tool_calls == Some(false), "parallel_tool_calls")?;
    refuse(request.reasoning_effort.is_some(), "reasoning_effort")?;
    let declarations = declarations(&request.tools)?;
    let tools = (!declarations.is_empty())
        .then_some(BodyTool { function_declarations: declarations })
        .into_iter()
        .collect();
    Ok(GenerateContentRequest {
        system_instruction: system(&request.messages),
        tools,
        tool_config: calling(request)
            .map(|config| ToolConfig { function_calling_config: Some(config) }),
        generation_config: Some(generation(request)?),
        ..GenerateContentRequest::new(contents(&request.messages)?)
    })
}

fn generation(request: &ChatRequest) -> Result<GenerationConfig, UnsupportedParameter> {
    let sampling = request.sampling;
    let too_long = sampling.seed.is_some_and(|seed| i32::try_from(seed).is_err());
    refuse(too_long, "seed")?;
    let config = GenerationConfig {
        max_output_tokens: Some(request.max_output_tokens),
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        stop_sequences: request.stop.clone(),
        seed: sampling.seed,
        presence_penalty: sampling.presence_penalty,
        frequency_penalty: sampling.frequency_penalty,
        ..GenerationConfig::default()
    };
    let Some(format) = &request.response_format else { return Ok(config) };
    let json = Some("application/json".to_owned());
    match carried(format, "response_format")?.read() {
        Ok(ResponseFormat::Text) => Ok(config),
        Ok(ResponseFormat::JsonObject) => {
            Ok(GenerationConfig { response_mime_type: json, ..config })
        }
        Ok(ResponseFormat::JsonSchema(format)) => Ok(GenerationConfig {
            response_mime_type: json,
            response_json_schema: format.json_schema.schema,
            ..config
        }),
        Ok(ResponseFormat::Other(_)) | Err(_) => Err(unsupported("response_format")),
    }
}

/// Instructions stand beside the conversation, all together.
fn system(messages: &[Message]) -> Option<Content> {
    let texts = messages.iter().filter_map(|message| match message {
        Message::System { text } => Some(Part::text(text.as_str())),
        Message::User { .. } | Message::Assistant { .. } | Message::Tool { .. } => None,
    });
    let parts: Vec<Part> = texts.collect();
    (!parts.is_empty()).then_some(Content { role: None, parts })
}

/// The conversation. Results of functions that were called together come back together.
fn contents(messages: &[Message]) -> Result<Vec<Content>, UnsupportedParameter> {
    let mut contents: Vec<Content> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        match message {
            Message::System { .. } => {}
            Message::User { text, name } => {
                refuse(name.is_some(), &format!("messages[{at}].name"))?;
                contents.push(Content::new(Role::User, vec![Part::text(text.as_str())]));
            }
            Message::Assistant { text, tool_calls } => {
                contents.push(Content::new(Role::Model, assistant(at, text, tool_calls)?));
            }
            Message::Tool { call, text } => {
                let name = name_of(call, &messages[..at]);
                let path = || unsupported(format!("messages[{at}].tool_call_id"));
                let part = result(call, name.ok_or_else(path)?, text).ok_or_else(path)?;
                match contents.last_mut() {
                    Some(last) if holds_results(last) => last.parts.push(part),
                    _ => contents.push(Content::new(Role::User, vec![part])),
                }
            }
        }
    }
    Ok(contents)
}

fn holds_results(content: &Content) -> bool {
    content.parts.iter().any(|part| part.function_response.is_some())
}

fn assistant(
    at: usize,
    text: &str,
    tool_calls: &[ToolCall],
) -> Result<Vec<Part>, UnsupportedParameter> {
    let says = !text.is_empty() || tool_calls.is_empty();
    let mut parts: Vec<Part> = says.then(|| Part::text(text)).into_iter().collect();
    for (place, call) in tool_calls.iter().enumerate() {
        let args = arguments(&call.arguments);
        parts.push(Part::function_call(FunctionCall {
            id: Some(call.id.clone()),
            name: call.name.clone(),
            args: Some(args.ok_or_else(|| unsupported(arguments_path(at, place)))?),
        }));
    }
    Ok(parts)
}

/// The function that was called under this id: the latest, if an id was used twice.
fn name_of<'a>(id: &str, before: &'a [Message]) -> Option<&'a str> {
    before.iter().rev().find_map(|message| match message {
        Message::Assistant { tool_calls, .. } => {
            tool_calls.iter().find(|call| call.id == id).map(|call| call.name.as_str())
        }
        Message::System { .. } | Message::User { .. } | Message::Tool { .. } => None,
    })
}

/// A result has to be an object; what is none becomes the `result` of one.
fn result(call: &str, name: &str, text: &str) -> Option<Part> {
    let object = Raw::new(text).ok().filter(Raw::is_object);
    let wrapped = || Raw::of(&serde_json::json!({ "result": text })).ok();
    Some(Part::function_response(FunctionResponse {
        id: Some(call.to_owned()),
        name: name.to_owned(),
        response: object.or_else(wrapped)?,
    }))
}

fn declarations(tools: &[Tool]) -> Result<Vec<FunctionDeclaration>, UnsupportedParameter> {
    let declaration = |(at, tool): (usize, &Tool)| {
        let path = || format!("tools[{at}].function.parameters");
        let schema = tool.parameters.as_ref().map(|schema| carried(schema, &path()));
        Ok(FunctionDeclaration {
            name: tool.name.clone(),
            description: tool.description.clone(),
            parameters: None,
            parameters_json_schema: schema.transpose()?,
        })
    };
    tools.iter().enumerate().map(declaration).collect()
}

/// Who must call keeps to the schema anyway; who may call does so only if told.
fn calling(request: &ChatRequest) -> Option<FunctionCallingConfig> {
    let strict = request.tools.iter().any(|tool| tool.strict == Some(true));
    let free = if strict { CallingMode::Validated } else { CallingMode::Auto };
    let none = request.tools.is_empty();
    let (mode, only) = match &request.tool_choice {
        None if strict => (free, None),
        None => return None,
        Some(ToolChoice::Auto | ToolChoice::Never) if none => return None,
        Some(ToolChoice::Auto) => (free, None),
        Some(ToolChoice::Never) => (CallingMode::None, None),
        Some(ToolChoice::Required) => (CallingMode::Any, None),
        Some(ToolChoice::Function(name)) => (CallingMode::Any, Some(name.clone())),
    };
    Some(FunctionCallingConfig { mode, allowed_function_names: only.into_iter().collect() })
}
