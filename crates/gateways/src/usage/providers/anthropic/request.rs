//! What Anthropic is sent, and what cannot be said to it.
//!
//! What its format has no word for is refused unless it asks for what happens anyway: a penalty of
//! zero, a text as the form of the answer, calls in parallel.
use cape_domain::usage::{
    CachePoint, ChatRequest, Reasoning, Sampling, Tool, ToolChoice, UnsupportedParameter,
};
use cape_wire::{
    Raw,
    anthropic::{
        AdaptiveThinking, CacheControl, EnabledThinking, MessagesRequest, Metadata, Thinking,
        ThinkingDisplay, Tool as BodyTool, ToolChoice as BodyToolChoice,
    },
};

use super::{
    super::format::{Mode, carried, is_penalty, refuse, unsupported},
    messages::{messages, system},
    output::{NO_EFFORT, output},
};

/// The highest temperature there is, and the only one with which a model thinks.
const HIGHEST_TEMPERATURE: f64 = 1.0;
/// The least share of probability with which a model thinks.
const LEAST_TOP_P: f64 = 0.95;
/// The fewest tokens with which a model thinks.
const LEAST_BUDGET: u64 = 1_024;
/// The schema of a function without arguments: here every function needs one.
const NO_ARGUMENTS: &str = r#"{"type":"object","properties":{}}"#;

/// The body of a request.
pub fn body(request: &ChatRequest, mode: Mode) -> Result<MessagesRequest, UnsupportedParameter> {
    refuse_what_cannot_be_said(request)?;
    let thinking = thinking(request)?;
    if matches!(thinking, Some(Thinking::Enabled(_) | Thinking::Adaptive(_))) {
        refuse_what_hinders_thinking(request)?;
    }
    let Sampling { temperature, top_p, top_k, .. } = request.sampling;
    let messages = messages(request)?;
    Ok(MessagesRequest {
        system: system(request),
        tools: tools(request)?,
        tool_choice: tool_choice(request),
        temperature,
        top_p,
        top_k,
        stop_sequences: request.stop.clone(),
        stream: (mode == Mode::Pieces).then_some(true),
        metadata: request.end_user.clone().map(|user| Metadata { user_id: Some(user) }),
        thinking,
        output_config: output(request)?,
        cache_control: mark(request, CachePoint::End),
        ..MessagesRequest::new(request.model.clone(), request.max_output_tokens, messages)
    })
}

/// Asks for everything up to here to be kept, if the caller wants that.
pub(super) fn mark(request: &ChatRequest, point: CachePoint) -> Option<CacheControl> {
    request.cache_points.contains(&point).then(CacheControl::default)
}

fn refuse_what_cannot_be_said(request: &ChatRequest) -> Result<(), UnsupportedParameter> {
    let Sampling { temperature, presence_penalty, frequency_penalty, seed, .. } = request.sampling;
    refuse(temperature.is_some_and(|value| value > HIGHEST_TEMPERATURE), "temperature")?;
    refuse(is_penalty(presence_penalty), "presence_penalty")?;
    refuse(is_penalty(frequency_penalty), "frequency_penalty")?;
    refuse(seed.is_some(), "seed")?;
    refuse(request.choices > 1, "n")?;
    refuse(request.log_probs.is_some(), "logprobs")?;
    refuse(request.verbosity.is_some(), "verbosity")?;
    refuse(request.safety.is_some(), "safetySettings")
}

/// A model that thinks chooses freely, among words and among functions.
fn refuse_what_hinders_thinking(request: &ChatRequest) -> Result<(), UnsupportedParameter> {
    let Sampling { temperature, top_p, top_k, .. } = request.sampling;
    refuse(temperature.is_some_and(|value| value < HIGHEST_TEMPERATURE), "temperature")?;
    refuse(top_p.is_some_and(|value| value < LEAST_TOP_P), "top_p")?;
    refuse(top_k.is_some(), "top_k")?;
    match &request.tool_choice {
        Some(ToolChoice::Required | ToolChoice::Function(_)) => Err(unsupported("tool_choice")),
        Some(ToolChoice::Auto | ToolChoice::Never) | None => Ok(()),
    }
}

/// How to think. What is shown is always said: what is usual differs from model to model.
fn thinking(request: &ChatRequest) -> Result<Option<Thinking>, UnsupportedParameter> {
    let Reasoning { budget, shown, .. } = request.reasoning;
    let wants_none = request.reasoning.effort.as_deref() == Some(NO_EFFORT);
    refuse(wants_none && budget.is_some_and(|budget| budget > 0), "reasoning_effort")?;
    let display = Some(if shown { ThinkingDisplay::Summarized } else { ThinkingDisplay::Omitted });
    match budget {
        None if wants_none => Ok(Some(Thinking::Disabled)),
        None => Ok(shown.then_some(Thinking::Adaptive(AdaptiveThinking { display }))),
        Some(0) => Ok(Some(Thinking::Disabled)),
        Some(budget_tokens) => {
            let fits = (LEAST_BUDGET..request.max_output_tokens).contains(&budget_tokens);
            refuse(!fits, "reasoning_budget")?;
            Ok(Some(Thinking::Enabled(EnabledThinking { budget_tokens, display })))
        }
    }
}

fn tools(request: &ChatRequest) -> Result<Vec<BodyTool>, UnsupportedParameter> {
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
            cache_control: mark(request, CachePoint::Tool(at)),
        })
    };
    request.tools.iter().enumerate().map(tool).collect()
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
