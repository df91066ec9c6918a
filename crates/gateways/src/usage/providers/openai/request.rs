//! What `OpenAI` is sent. Its format is the caller's: there is nothing it cannot say.
use cape_domain::usage::{ChatRequest, Message, Tool, ToolChoice, UnsupportedParameter};
use cape_wire::{
    Raw,
    openai::{
        ChatRequest as Body, FunctionDefinition, Message as BodyMessage, Role, Stop, StreamOptions,
        Tool as BodyTool, ToolCall, ToolChoice as BodyToolChoice, ToolMode,
    },
};

use super::super::format::{Mode, carried};

/// The body of a request.
///
/// The limit goes by its present name, which every model takes; the old one is refused by those
/// that reason.
pub fn body(request: &ChatRequest, mode: Mode) -> Result<Body, UnsupportedParameter> {
    let sampling = request.sampling;
    let format = request.response_format.as_ref();
    let stream_options = StreamOptions { include_usage: Some(true), ..StreamOptions::default() };
    Ok(Body {
        max_completion_tokens: Some(request.max_output_tokens),
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        presence_penalty: sampling.presence_penalty,
        frequency_penalty: sampling.frequency_penalty,
        seed: sampling.seed,
        stop: (!request.stop.is_empty()).then(|| Stop::Parts(request.stop.clone())),
        stream: (mode == Mode::Pieces).then_some(true),
        stream_options: (mode == Mode::Pieces).then_some(stream_options),
        tools: tools(&request.tools)?,
        tool_choice: request.tool_choice.as_ref().map(tool_choice),
        parallel_tool_calls: request.parallel_tool_calls,
        response_format: format.map(|form| carried(form, "response_format")).transpose()?,
        reasoning_effort: request.reasoning_effort.clone(),
        user: request.end_user.clone(),
        ..Body::new(request.model.clone(), request.messages.iter().map(message).collect())
    })
}

fn message(message: &Message) -> BodyMessage {
    match message {
        Message::System { text } => BodyMessage::new(Role::System, text.as_str()),
        Message::User { text, name } => {
            BodyMessage { name: name.clone(), ..BodyMessage::new(Role::User, text.as_str()) }
        }
        Message::Assistant { text, tool_calls } => {
            let calls = tool_calls.iter().map(|call| {
                ToolCall::function(call.id.as_str(), call.name.as_str(), call.arguments.as_str())
            });
            let tool_calls: Vec<ToolCall> = calls.collect();
            if text.is_empty() && !tool_calls.is_empty() {
                return BodyMessage::calls(tool_calls);
            }
            BodyMessage { tool_calls, ..BodyMessage::new(Role::Assistant, text.as_str()) }
        }
        Message::Tool { call, text } => BodyMessage::tool_result(call.as_str(), text.as_str()),
    }
}

fn tools(tools: &[Tool]) -> Result<Vec<BodyTool>, UnsupportedParameter> {
    let tool = |(at, tool): (usize, &Tool)| {
        let path = || format!("tools[{at}].function.parameters");
        let parameters: Option<Raw> =
            tool.parameters.as_ref().map(|schema| carried(schema, &path())).transpose()?;
        Ok(BodyTool::function(FunctionDefinition {
            name: tool.name.clone(),
            description: tool.description.clone(),
            parameters,
            strict: tool.strict,
            ..FunctionDefinition::default()
        }))
    };
    tools.iter().enumerate().map(tool).collect()
}

fn tool_choice(choice: &ToolChoice) -> BodyToolChoice {
    match choice {
        ToolChoice::Auto => BodyToolChoice::Mode(ToolMode::Auto),
        ToolChoice::Never => BodyToolChoice::Mode(ToolMode::None),
        ToolChoice::Required => BodyToolChoice::Mode(ToolMode::Required),
        ToolChoice::Function(name) => BodyToolChoice::Function(name.clone()),
    }
}
