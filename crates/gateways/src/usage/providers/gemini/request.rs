//! What Gemini is sent, and what cannot be said to it.
//!
//! What its format has no word for is refused unless it asks for what happens anyway, such as calls
//! in parallel. Only the caller's own user is passed over: it changes no answer, and Google keeps
//! no watch that would need it.
use cape_domain::usage::{ChatRequest, Message, Tool, ToolChoice, UnsupportedParameter};
use cape_wire::gemini::{
    CallingMode, Content, FunctionCallingConfig, FunctionDeclaration, GenerateContentRequest, Part,
    Role, Tool as BodyTool, ToolConfig,
};

use super::{
    super::format::{carried, refuse, unsupported},
    generation::{generation, safety},
    parts::{assistant, name_of, result, said},
};

/// The body of a request, the same for both modes: the address tells them apart.
pub fn body(request: &ChatRequest) -> Result<GenerateContentRequest, UnsupportedParameter> {
    refuse(request.parallel_tool_calls == Some(false), "parallel_tool_calls")?;
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
        safety_settings: safety(request)?,
        ..GenerateContentRequest::new(contents(&request.model, &request.messages)?)
    })
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
fn contents(model: &str, messages: &[Message]) -> Result<Vec<Content>, UnsupportedParameter> {
    let mut contents: Vec<Content> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        let unsaid = || unsupported(format!("messages[{at}].content"));
        match message {
            Message::System { .. } => {}
            Message::User { content, name } => {
                refuse(name.is_some(), &format!("messages[{at}].name"))?;
                contents.push(Content::new(Role::User, said(content).ok_or_else(unsaid)?));
            }
            Message::Assistant { thoughts, text, tool_calls } => {
                let parts = assistant(model, at, (thoughts, text, tool_calls))?;
                contents.push(Content::new(Role::Model, parts));
            }
            Message::Tool { call, content, failed } => {
                let name = name_of(call, &messages[..at]);
                let name = name.ok_or_else(|| unsupported(format!("messages[{at}].tool_call_id")));
                let result = result(call, name?, content, *failed).ok_or_else(unsaid)?;
                let part = Part::function_response(result);
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
