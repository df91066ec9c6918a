//! What `OpenAI` is sent. Its format is mostly the caller's: what cannot be said in it comes from
//! callers of other formats. Of what was thought, no more than the text can be told back.
use cape_domain::usage::{
    ChatRequest, Image, ImageSource, Message, Part, Reasoning, Thought, Tool, ToolCall, ToolChoice,
    UnsupportedParameter, plain_text,
};
use cape_wire::{
    Raw,
    openai::{
        ChatRequest as Body, Content, ContentPart, FunctionDefinition, Message as BodyMessage,
        Role, Stop, StreamOptions, Tool as BodyTool, ToolCall as BodyToolCall,
        ToolChoice as BodyToolChoice, ToolMode,
    },
};

use super::{
    super::format::{Mode, carried, refuse, unsupported},
    dialect::{OpenAiDialect, OutputBound, SeedName},
};

/// The effort of not thinking at all.
const NO_EFFORT: &str = "none";
/// How models are called that never think, and do not know the word.
const NEVER_THINK: [&str; 3] = ["gpt-3", "gpt-4", "chatgpt-4"];

/// The body of a request.
pub fn body(
    dialect: &OpenAiDialect,
    request: &ChatRequest,
    mode: Mode,
) -> Result<Body, UnsupportedParameter> {
    let sampling = request.sampling;
    refuse(sampling.top_k.is_some(), "top_k")?;
    refuse(request.safety.is_some(), "safetySettings")?;
    let bound = Some(request.max_output_tokens);
    let (max_tokens, max_completion_tokens) = match dialect.output_bound {
        OutputBound::MaxCompletionTokens => (None, bound),
        OutputBound::MaxTokens => (bound, None),
    };
    let (seed, random_seed) = match dialect.seed {
        SeedName::Seed => (sampling.seed, None),
        SeedName::RandomSeed => (None, sampling.seed),
    };
    let format = request.response_format.as_ref();
    let streamed = mode == Mode::Pieces;
    let usage = StreamOptions { include_usage: Some(true), ..StreamOptions::default() };
    let messages = request.messages.iter().enumerate();
    let messages =
        messages.map(|(at, told)| message(dialect, at, told)).collect::<Result<_, _>>()?;
    Ok(Body {
        max_tokens,
        max_completion_tokens,
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        presence_penalty: sampling.presence_penalty,
        frequency_penalty: sampling.frequency_penalty,
        seed,
        random_seed,
        n: (request.choices > 1).then_some(request.choices.into()),
        stop: (!request.stop.is_empty()).then(|| Stop::Parts(request.stop.clone())),
        stream: streamed.then_some(true),
        stream_options: (streamed && dialect.usage_on_request).then_some(usage),
        tools: tools(&request.tools)?,
        tool_choice: request.tool_choice.as_ref().map(tool_choice),
        parallel_tool_calls: request.parallel_tool_calls,
        response_format: format.map(|form| carried(form, "response_format")).transpose()?,
        reasoning_effort: effort(&request.model, &request.reasoning)?,
        verbosity: request.verbosity.clone(),
        logprobs: request.log_probs.map(|_| true),
        top_logprobs: request
            .log_probs
            .map(|wish| u64::from(wish.alternatives))
            .filter(|alternatives| *alternatives > 0),
        user: request.end_user.clone(),
        ..Body::new(request.model.clone(), messages)
    })
}

/// How hard to think. There is no word for a budget, except for one of nothing.
fn effort(model: &str, reasoning: &Reasoning) -> Result<Option<String>, UnsupportedParameter> {
    let never_thinks = NEVER_THINK.iter().any(|name| model.starts_with(name));
    match (&reasoning.effort, reasoning.budget) {
        (Some(effort), _) => Ok(Some(effort.clone())),
        (None, Some(0)) if never_thinks => Ok(None),
        (None, Some(0)) => Ok(Some(NO_EFFORT.to_owned())),
        (None, Some(_)) => Err(unsupported("reasoning_budget")),
        (None, None) => Ok(None),
    }
}

fn message(
    dialect: &OpenAiDialect,
    at: usize,
    message: &Message,
) -> Result<BodyMessage, UnsupportedParameter> {
    match message {
        Message::System { text } => Ok(BodyMessage::new(Role::System, text.as_str())),
        Message::User { content, name } => {
            Ok(BodyMessage { name: name.clone(), ..BodyMessage::new(Role::User, said(content)) })
        }
        Message::Assistant { thoughts, text, tool_calls } => {
            let thoughts = if dialect.takes_thoughts { thoughts.as_slice() } else { &[] };
            Ok(assistant(thoughts, text, tool_calls))
        }
        Message::Tool { call, content, failed } => {
            let text = plain_text(content);
            let text = text.ok_or_else(|| unsupported(format!("messages[{at}].content")))?;
            // There is no place for whether it failed: the text says so.
            let text = if *failed { format!("Error: {text}") } else { text };
            Ok(BodyMessage::tool_result(call.as_str(), text))
        }
    }
}

fn assistant(thoughts: &[Thought], text: &str, tool_calls: &[ToolCall]) -> BodyMessage {
    let calls = tool_calls.iter().map(|call| {
        BodyToolCall::function(call.id.as_str(), call.name.as_str(), call.arguments.as_str())
    });
    let tool_calls: Vec<_> = calls.collect();
    let thought: String = thoughts.iter().map(|thought| thought.text.as_str()).collect();
    let said = if text.is_empty() && !tool_calls.is_empty() {
        BodyMessage::calls(tool_calls)
    } else {
        BodyMessage { tool_calls, ..BodyMessage::new(Role::Assistant, text) }
    };
    BodyMessage { reasoning_content: (!thought.is_empty()).then_some(thought), ..said }
}

/// A text alone is one in the short form too.
fn said(content: &[Part]) -> Content {
    match content {
        [Part::Text(text)] => Content::from(text.as_str()),
        parts => Content::Parts(parts.iter().map(part).collect()),
    }
}

fn part(part: &Part) -> ContentPart {
    match part {
        Part::Text(text) => ContentPart::text(text.as_str()),
        Part::Image(Image { source, detail }) => {
            let url = match source {
                ImageSource::Url(url) => url.clone(),
                ImageSource::Inline { media_type, base64 } => {
                    format!("data:{media_type};base64,{base64}")
                }
            };
            ContentPart::image(url, detail.clone())
        }
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
