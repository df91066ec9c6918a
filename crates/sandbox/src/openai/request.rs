//! What is asked of `/chat/completions`, read as strictly as the vendor reads it.
use serde_json::Value;

use super::{MODELS, error::OpenAiError};
use crate::{
    fields::{BadField, Object, count, given, list, only, switch, text, within},
    script::{Conversation, Script},
    tools::Tool,
};

const PARAMETERS: [&str; 32] = [
    "audio",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
];
const ROLES: [&str; 6] = ["assistant", "developer", "function", "system", "tool", "user"];

/// A request that will be answered.
pub(crate) struct Ask {
    /// The model, one of [`MODELS`].
    pub(crate) model: &'static str,
    /// Whether the answer is streamed.
    pub(crate) stream: bool,
    /// Whether a stream tells its usage.
    pub(crate) include_usage: bool,
    /// What will be answered.
    pub(crate) script: Script,
}

impl Ask {
    /// Reads a body.
    pub(crate) fn read(body: &[u8]) -> Result<Self, OpenAiError> {
        let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
            return Err(OpenAiError::malformed());
        };
        only(&fields, &PARAMETERS)?;
        let name = text(&fields, "model")?;
        let model = MODELS.into_iter().find(|model| *model == name);
        let model = model.ok_or_else(|| OpenAiError::unknown_model(name))?;
        let (conversation, answers_a_tool) = conversation(list(&fields, "messages")?)?;
        let limit = limit(&fields, model)?;
        within(&fields, "temperature", 0.0, 2.0)?;
        within(&fields, "top_p", 0.0, 1.0)?;
        if count(&fields, "n")?.is_some_and(|n| n != 1) {
            return Err(BadField::refused("n", "only one choice is made").into());
        }
        let stream = switch(&fields, "stream")?;
        let include_usage = include_usage(&fields, stream)?;
        let tool = chosen_tool(&fields)?.filter(|_| !answers_a_tool);
        let script = Script::write(&conversation, tool, limit)?;
        Ok(Self { model, stream, include_usage, script })
    }
}

fn limit(fields: &Object, model: &str) -> Result<Option<u64>, OpenAiError> {
    let (old, new) = (count(fields, "max_tokens")?, count(fields, "max_completion_tokens")?);
    if old.is_some() && new.is_some() {
        let reason = "it cannot be set together with 'max_completion_tokens'";
        return Err(BadField::refused("max_tokens", reason).into());
    }
    if old.is_some() && (model.starts_with("gpt-5") || model.starts_with('o')) {
        let message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use \
                       'max_completion_tokens' instead.";
        return Err(OpenAiError::unsupported("max_tokens", message.into()));
    }
    Ok(old.or(new))
}

fn include_usage(fields: &Object, stream: bool) -> Result<bool, BadField> {
    let Some(options) = given(fields, "stream_options") else { return Ok(false) };
    let options = options.as_object().ok_or_else(|| BadField::not_a("stream_options", "object"))?;
    if !stream {
        return Err(BadField::refused("stream_options", "only allowed when 'stream' is enabled"));
    }
    only(options, &["include_usage", "include_obfuscation"])?;
    switch(options, "include_usage")
}

/// What was said, and whether the last message is a tool's result.
fn conversation(messages: &[Value]) -> Result<(Conversation, bool), BadField> {
    let mut conversation = Conversation::default();
    let (mut role, mut calls): (&str, Vec<&str>) = ("", Vec::new());
    for (place, message) in messages.iter().enumerate() {
        let path = format!("messages[{place}]");
        let fields = message.as_object().ok_or_else(|| BadField::not_a(&path, "object"))?;
        role = fields.get("role").and_then(Value::as_str).unwrap_or_default();
        if !ROLES.contains(&role) {
            let reason = format!("supported values are: {}", ROLES.join(", "));
            return Err(BadField::refused(format!("{path}.role"), reason));
        }
        if let Some(made) = fields.get("tool_calls").and_then(Value::as_array) {
            calls.extend(made.iter().filter_map(|call| call["id"].as_str()));
        }
        if role == "tool" {
            let answered = fields.get("tool_call_id").and_then(Value::as_str);
            if !answered.is_some_and(|id| calls.contains(&id)) {
                let reason = "messages with role 'tool' must answer a preceding message with \
                              'tool_calls'";
                return Err(BadField::refused(format!("{path}.tool_call_id"), reason));
            }
        }
        conversation.hear(role == "user", &texts(fields, role, &path)?);
    }
    Ok((conversation, role == "tool" || role == "function"))
}

fn texts<'a>(fields: &'a Object, role: &str, path: &str) -> Result<Vec<&'a str>, BadField> {
    match given(fields, "content") {
        None if role == "assistant" => Ok(Vec::new()),
        None => Err(BadField::missing(format!("{path}.content"))),
        Some(Value::String(text)) => Ok(vec![text]),
        Some(Value::Array(parts)) => {
            if let Some(bad) = parts.iter().position(|part| !part["type"].is_string()) {
                return Err(BadField::missing(format!("{path}.content[{bad}].type")));
            }
            Ok(parts.iter().filter_map(|part| part["text"].as_str()).collect())
        }
        Some(_) => {
            Err(BadField::not_a(format!("{path}.content"), "one of a string or array of objects"))
        }
    }
}

fn chosen_tool(fields: &Object) -> Result<Option<Tool>, BadField> {
    let Some(tools) = given(fields, "tools") else {
        return match given(fields, "tool_choice") {
            Some(_) => {
                Err(BadField::refused("tool_choice", "only allowed when 'tools' are specified"))
            }
            None => Ok(None),
        };
    };
    let tools = tools.as_array().ok_or_else(|| BadField::not_a("tools", "array"))?;
    let mut offered = Vec::with_capacity(tools.len());
    for (place, tool) in tools.iter().enumerate() {
        let path = format!("tools[{place}].function.name");
        let name = tool["function"]["name"].as_str().ok_or_else(|| BadField::missing(path))?;
        offered.push((name, &tool["function"]["parameters"]));
    }
    let choice = fields.get("tool_choice").unwrap_or(&Value::Null);
    let wanted = match choice {
        Value::Null => offered.first(),
        Value::String(word) => match word.as_str() {
            "none" => None,
            "auto" | "required" => offered.first(),
            _ => return Err(BadField::refused("tool_choice", "expected none, auto or required")),
        },
        named => {
            let name = named["function"]["name"].as_str().unwrap_or_default();
            let found = offered.iter().find(|(offered, _)| *offered == name);
            Some(found.ok_or_else(|| {
                BadField::refused("tool_choice", format!("tool '{name}' is not in 'tools'"))
            })?)
        }
    };
    Ok(wanted.map(|(name, schema)| Tool { name: (*name).into(), schema: (*schema).clone() }))
}
