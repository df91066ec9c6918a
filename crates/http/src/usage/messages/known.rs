//! What a request in Anthropic's format may hold. Everything else is refused by its place, unless
//! it asks for nothing: `null`, `false`, or an empty list or object.
use actix_web::http::StatusCode;
use serde_json::{Map, Value};

use super::super::{unsupported, wrong};
use crate::error::ApiError;

/// Every field of a request for a message that is carried out, or that changes nothing.
pub(super) const MESSAGE: [&str; 16] = [
    "cache_control",
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
    "top_k",
    "top_p",
];

/// Every field of a request to count tokens.
pub(super) const COUNT: [&str; 8] = [
    "cache_control",
    "messages",
    "model",
    "output_config",
    "system",
    "thinking",
    "tool_choice",
    "tools",
];

const TOOL: [&str; 6] = ["cache_control", "description", "input_schema", "name", "strict", "type"];

/// Looks through a request. Whether what is known has the right form is *not* looked at here.
pub(super) fn check(body: &Value, fields: &[&str]) -> Result<(), ApiError> {
    let Some(body) = body.as_object() else {
        let (status, code) = (StatusCode::BAD_REQUEST, "invalid_request");
        return Err(ApiError::client(status, code, "the request is not a JSON object"));
    };
    only(body, fields, "")?;
    inside(body, "metadata", &["user_id"])?;
    inside(body, "thinking", &["budget_tokens", "display", "type"])?;
    inside(body, "tool_choice", &["disable_parallel_tool_use", "name", "type"])?;
    inside(body, "output_config", &["effort", "format"])?;
    if let Some(config) = body.get("output_config").and_then(Value::as_object) {
        inside_at(config, "output_config.", "format", &["schema", "type"])?;
    }
    cache_control(body, "")?;
    for (place, tool) in objects(body, "tools") {
        self::tool(tool, &format!("tools.{place}"))?;
    }
    for (place, block) in objects(body, "system") {
        self::block(block, &format!("system.{place}"))?;
    }
    for (place, message) in objects(body, "messages") {
        let place = format!("messages.{place}");
        only(message, &["content", "role"], &format!("{place}."))?;
        blocks(message, &place)?;
    }
    Ok(())
}

fn blocks(holder: &Map<String, Value>, place: &str) -> Result<(), ApiError> {
    for (number, block) in objects(holder, "content") {
        self::block(block, &format!("{place}.content.{number}"))?;
    }
    Ok(())
}

fn block(block: &Map<String, Value>, place: &str) -> Result<(), ApiError> {
    let at = format!("{place}.");
    match kind(block) {
        Some("text") => only(block, &["cache_control", "text", "type"], &at)?,
        Some("image") => {
            only(block, &["cache_control", "source", "type"], &at)?;
            inside_at(block, &at, "source", &["data", "media_type", "type", "url"])?;
        }
        Some("tool_use") => only(block, &["cache_control", "id", "input", "name", "type"], &at)?,
        Some("tool_result") => {
            let known = ["cache_control", "content", "is_error", "tool_use_id", "type"];
            only(block, &known, &at)?;
            blocks(block, place)?;
        }
        Some("thinking") => only(block, &["signature", "thinking", "type"], &at)?,
        Some("redacted_thinking") => only(block, &["data", "type"], &at)?,
        Some(other) => return Err(unsupported_kind(place, other)),
        None => {}
    }
    cache_control(block, &at)
}

/// A tool of the caller. Those of Anthropic itself have other types.
fn tool(tool: &Map<String, Value>, place: &str) -> Result<(), ApiError> {
    match kind(tool) {
        None | Some("custom") => {
            only(tool, &TOOL, &format!("{place}."))?;
            cache_control(tool, &format!("{place}."))
        }
        Some(other) => Err(unsupported_kind(place, other)),
    }
}

/// A mark for the cache. What is kept for an hour costs more than prices know of.
fn cache_control(holder: &Map<String, Value>, at: &str) -> Result<(), ApiError> {
    let Some(mark) = holder.get("cache_control").and_then(Value::as_object) else { return Ok(()) };
    let at = format!("{at}cache_control.");
    only(mark, &["ttl", "type"], &at)?;
    if kind(mark) != Some("ephemeral") {
        return Err(wrong(&format!("{at}type"), "must be `ephemeral`"));
    }
    match mark.get("ttl") {
        None | Some(Value::Null) => Ok(()),
        Some(ttl) if ttl == "5m" => Ok(()),
        Some(ttl) if ttl == "1h" => Err(unsupported(format!("{at}ttl"))),
        Some(_) => Err(wrong(&format!("{at}ttl"), "must be `5m`")),
    }
}

fn inside(body: &Map<String, Value>, name: &str, known: &[&str]) -> Result<(), ApiError> {
    inside_at(body, "", name, known)
}

fn inside_at(
    holder: &Map<String, Value>,
    at: &str,
    name: &str,
    known: &[&str],
) -> Result<(), ApiError> {
    match holder.get(name).and_then(Value::as_object) {
        Some(object) => only(object, known, &format!("{at}{name}.")),
        None => Ok(()),
    }
}

fn only(object: &Map<String, Value>, known: &[&str], at: &str) -> Result<(), ApiError> {
    let unknown = |(name, value): &(&String, &Value)| {
        !known.contains(&name.as_str()) && !asks_for_nothing(value)
    };
    match object.iter().find(unknown) {
        Some((name, _)) => Err(unsupported(format!("{at}{name}"))),
        None => Ok(()),
    }
}

fn asks_for_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::String(_) => false,
    }
}

fn unsupported_kind(place: &str, kind: &str) -> ApiError {
    let detail = format!("`{place}`, which is of type `{kind}`, is not supported");
    ApiError::client(StatusCode::BAD_REQUEST, "unsupported_parameter", detail).about(place)
}

fn kind(object: &Map<String, Value>) -> Option<&str> {
    object.get("type").and_then(Value::as_str)
}

/// The objects of a list, with their places. A text in its stead has none.
fn objects<'a>(
    holder: &'a Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = (usize, &'a Map<String, Value>)> + use<'a> {
    let list = holder.get(name).and_then(Value::as_array).into_iter().flatten();
    list.enumerate().filter_map(|(place, item)| Some((place, item.as_object()?)))
}
