//! What Anthropic is told of the answer: its form, and how much to put into it.
//!
//! Which words there are is certain, and which of the older models know none of them. Which of the
//! words a newer model takes is for it to say.
use cape_domain::usage::{ChatRequest, UnsupportedParameter};
use cape_wire::{
    anthropic::{JsonSchemaMark, OutputConfig, OutputFormat},
    openai::ResponseFormat,
};

use super::super::format::{carried, refuse, unsupported};

/// The effort of not thinking at all, which is said elsewhere.
pub const NO_EFFORT: &str = "none";

/// How models are called that know no effort.
const NO_EFFORTS: [&str; 10] = [
    "claude-2",
    "claude-3",
    "claude-instant",
    "claude-haiku-4-5",
    "claude-opus-4-0",
    "claude-opus-4-1",
    "claude-opus-4-2025",
    "claude-sonnet-4-0",
    "claude-sonnet-4-2025",
    "claude-sonnet-4-5",
];

/// How models are called that know no schema for their answers.
const NO_SCHEMAS: [&str; 7] = [
    "claude-2",
    "claude-3",
    "claude-instant",
    "claude-opus-4-0",
    "claude-opus-4-2025",
    "claude-sonnet-4-0",
    "claude-sonnet-4-2025",
];

/// What is said of the answer. Nothing, where it may be any text and as much as is usual.
pub fn output(request: &ChatRequest) -> Result<Option<OutputConfig>, UnsupportedParameter> {
    let config = OutputConfig { effort: effort(request)?, format: format(request)? };
    Ok((config != OutputConfig::default()).then_some(config))
}

/// The vendor's word for an effort: the least that others have is no less than its own least.
fn effort(request: &ChatRequest) -> Result<Option<String>, UnsupportedParameter> {
    let Some(effort) = request.reasoning.effort.as_deref() else { return Ok(None) };
    let word = match effort {
        NO_EFFORT => return Ok(None),
        "minimal" | "low" => "low",
        "medium" | "high" | "xhigh" | "max" => effort,
        _ => return Err(unsupported("reasoning_effort")),
    };
    refuse(is_one_of(&NO_EFFORTS, &request.model), "reasoning_effort")?;
    Ok(Some(word.to_owned()))
}

/// A schema is the only form there is beside any text. What others call it has no place.
fn format(request: &ChatRequest) -> Result<Option<OutputFormat>, UnsupportedParameter> {
    let unsaid = || unsupported("response_format");
    let Some(form) = &request.response_format else { return Ok(None) };
    let schema = match carried(form, "response_format")?.read() {
        Ok(ResponseFormat::Text) => return Ok(None),
        Ok(ResponseFormat::JsonSchema(form)) => form.json_schema.schema.ok_or_else(unsaid)?,
        Ok(ResponseFormat::JsonObject | ResponseFormat::Other(_)) | Err(_) => return Err(unsaid()),
    };
    refuse(is_one_of(&NO_SCHEMAS, &request.model), "response_format")?;
    Ok(Some(OutputFormat { kind: JsonSchemaMark, schema }))
}

fn is_one_of(names: &[&str], model: &str) -> bool {
    names.iter().any(|name| model.starts_with(name))
}
