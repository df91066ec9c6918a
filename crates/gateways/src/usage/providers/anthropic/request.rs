//! What Anthropic is sent, and what cannot be said to it.
//!
//! What its format has no word for is refused unless it asks for what happens anyway: a penalty of
//! zero, a text as the form of the answer, calls in parallel.
use cape_domain::usage::{
    ChatRequest, Message, Sampling, Tool, ToolCall, ToolChoice, UnsupportedParameter,
};
use cape_wire::{
    Raw, TextOr,
    anthropic::{
        InputBlock, InputMessage, MessagesRequest, Metadata, Role, TextBlock, Tool as BodyTool,
        ToolChoice as BodyToolChoice, ToolResultBlock, ToolUseBlock,
    },
    openai::ResponseFormat,
};

use super::super::format::{
    Mode, arguments, arguments_path, carried, is_penalty, refuse, unsupported,
};

/// The highest temperature there is.
const HIGHEST_TEMPERATURE: f64 = 1.0;
/// The schema of a function without arguments: here every function needs one.
const NO_ARGUMENTS: &str = r#"{"type":"object","properties":{}}"#;

/// The body of a request.
pub fn body(request: &ChatRequest, mode: Mode) -> Result<MessagesRequest, UnsupportedParameter> {
    let Sampling { temperature, top_p, presence_penalty, frequency_penalty, seed } =
        request.sampling;
    refuse(temperature.is_some_and(|value| value > HIGHEST_TEMPERATURE), "temperature")?;
    refuse(is_penalty(presence_penalty), "presence_penalty")?;
    refuse(is_penalty(frequency_penalty), "frequency_penalty")?;
    refuse(seed.is_some(), "seed")?;
    refuse(request.reasoning_effort.is_some(), "reasoning_effort")?;
    if let Some(format) = &request.response_format {
        let format = carried(format, "response_format")?.read::<ResponseFormat>();
        refuse(!matches!(format, Ok(ResponseFormat::Text)), "response_format")?;
    }
    let messages = messages(&request.messages)?;
    Ok(MessagesRequest {
        system: system(&request.messages),
        tools: tools(&request.tools)?,
        tool_choice: tool_choice(request),
        temperature,
        top_p,
        stop_sequences: request.stop.clone(),
        stream: (mode == Mode::Pieces).then_some(true),
        metadata: request.end_user.clone().map(|user| Metadata { user_id: Some(user) }),
        ..MessagesRequest::new(request.model.clone(), request.max_output_tokens, messages)
    })
}

/// Instructions stand beside the conversation, all together.
fn system<T>(messages: &[Message]) -> Option<TextOr<T>> {
    let texts = messages.iter().filter_map(|message| match message {
        Message::System { text } => Some(text.as_str()),
        Message::User { .. } | Message::Assistant { .. } | Message::Tool { .. } => None,
    });
    let texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
    (!texts.is_empty()).then(|| TextOr::Text(texts.join("\n\n")))
}

/// The turns of the conversation: user and assistant take turns, so what one says in several
/// messages is one turn. Results of functions are the user's.
fn messages(messages: &[Message]) -> Result<Vec<InputMessage>, UnsupportedParameter> {
    let mut turns: Vec<(Role, Vec<InputBlock>)> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        let (role, blocks) = match message {
            Message::System { .. } => continue,
            Message::User { text, name } => {
                refuse(name.is_some(), &format!("messages[{at}].name"))?;
                (Role::User, vec![InputBlock::text(text.as_str())])
            }
            Message::Assistant { text, tool_calls } => {
                (Role::Assistant, assistant(at, text, tool_calls)?)
            }
            Message::Tool { call, text } => (Role::User, vec![result(call, text)]),
        };
        match turns.last_mut() {
            Some((last, said)) if *last == role => said.extend(blocks),
            _ => turns.push((role, blocks)),
        }
    }
    Ok(turns.into_iter().map(|(role, blocks)| turn(role, blocks)).collect())
}

fn turn(role: Role, mut blocks: Vec<InputBlock>) -> InputMessage {
    match blocks.as_mut_slice() {
        [InputBlock::Text(TextBlock { text })] => InputMessage::new(role, std::mem::take(text)),
        _ => InputMessage::new(role, blocks),
    }
}

fn assistant(
    at: usize,
    text: &str,
    tool_calls: &[ToolCall],
) -> Result<Vec<InputBlock>, UnsupportedParameter> {
    // An empty text beside other blocks is refused by the provider.
    let says = !text.is_empty() || tool_calls.is_empty();
    let mut blocks: Vec<InputBlock> = says.then(|| InputBlock::text(text)).into_iter().collect();
    for (place, call) in tool_calls.iter().enumerate() {
        let input = arguments(&call.arguments);
        blocks.push(InputBlock::ToolUse(ToolUseBlock {
            id: call.id.clone(),
            name: call.name.clone(),
            input: input.ok_or_else(|| unsupported(arguments_path(at, place)))?,
        }));
    }
    Ok(blocks)
}

fn result(call: &str, text: &str) -> InputBlock {
    InputBlock::ToolResult(ToolResultBlock {
        tool_use_id: call.to_owned(),
        content: (!text.is_empty()).then(|| text.into()),
        is_error: None,
    })
}

fn tools(tools: &[Tool]) -> Result<Vec<BodyTool>, UnsupportedParameter> {
    let tool = |(at, tool): (usize, &Tool)| {
        let path = format!("tools[{at}].function.parameters");
        let schema = match &tool.parameters {
            Some(schema) => carried(schema, &path)?,
            None => Raw::new(NO_ARGUMENTS).map_err(|_| unsupported(path))?,
        };
        Ok(BodyTool {
            name: tool.name.clone(),
            description: tool.description.clone(),
            input_schema: schema,
            strict: tool.strict.filter(|strict| *strict),
        })
    };
    tools.iter().enumerate().map(tool).collect()
}

/// Whether functions may be called in parallel is said with the choice. Where there are none, to
/// choose freely or not at all needs no word, and has none.
fn tool_choice(request: &ChatRequest) -> Option<BodyToolChoice> {
    let one_at_a_time = (request.parallel_tool_calls == Some(false)).then_some(true);
    let free = BodyToolChoice::Auto { disable_parallel_tool_use: one_at_a_time };
    let none = request.tools.is_empty();
    match &request.tool_choice {
        None => (one_at_a_time.is_some() && !none).then_some(free),
        Some(ToolChoice::Auto) => (!none).then_some(free),
        Some(ToolChoice::Never) => (!none).then_some(BodyToolChoice::None),
        Some(ToolChoice::Required) => {
            Some(BodyToolChoice::Any { disable_parallel_tool_use: one_at_a_time })
        }
        Some(ToolChoice::Function(name)) => Some(BodyToolChoice::Tool {
            name: name.clone(),
            disable_parallel_tool_use: one_at_a_time,
        }),
    }
}
