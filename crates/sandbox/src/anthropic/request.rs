//! What is asked of `/messages`, read as strictly as the vendor reads it.
use serde_json::Value;

use super::{MODELS, error::AnthropicError};
use crate::{
    fields::{BadField, Object, count, given, list, only, switch, text, within},
    script::{Conversation, Script},
    tools::Tool,
};

const PARAMETERS: [&str; 20] = [
    "cache_control",
    "container",
    "context_management",
    "inference_geo",
    "max_tokens",
    "mcp_servers",
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

/// A request that will be answered.
pub(crate) struct Ask {
    /// The model, one of [`MODELS`].
    pub(crate) model: &'static str,
    /// Whether the answer is streamed.
    pub(crate) stream: bool,
    /// What will be answered.
    pub(crate) script: Script,
}

impl Ask {
    /// Reads a body. The system prompt counts as a message.
    pub(crate) fn read(body: &[u8]) -> Result<Self, AnthropicError> {
        let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
            return Err(AnthropicError::malformed());
        };
        only(&fields, &PARAMETERS)?;
        let name = text(&fields, "model")?;
        let limit = count(&fields, "max_tokens")?.ok_or_else(|| BadField::missing("max_tokens"))?;
        let mut conversation = Conversation::default();
        if let Some(system) = given(&fields, "system") {
            conversation.hear(false, &said(system, "system")?.texts);
        }
        let answers_a_tool = hear(&mut conversation, list(&fields, "messages")?)?;
        within(&fields, "temperature", 0.0, 1.0)?;
        within(&fields, "top_p", 0.0, 1.0)?;
        let stream = switch(&fields, "stream")?;
        let tool = chosen_tool(&fields)?.filter(|_| !answers_a_tool);
        let model = MODELS.into_iter().find(|model| *model == name);
        let model = model.ok_or_else(|| AnthropicError::unknown_model(name))?;
        let script = Script::write(&conversation, tool, Some(limit))?;
        Ok(Self { model, stream, script })
    }
}

/// Takes in the messages, and tells whether the last one carries a tool's result.
fn hear(conversation: &mut Conversation, messages: &[Value]) -> Result<bool, BadField> {
    let (mut calls, mut last_answers): (Vec<&str>, bool) = (Vec::new(), false);
    for (place, message) in messages.iter().enumerate() {
        let path = format!("messages.{place}");
        let fields = message.as_object().ok_or_else(|| BadField::not_a(&path, "dictionary"))?;
        only(fields, &["role", "content"])
            .map_err(|bad| BadField { path: format!("{path}.{}", bad.path), ..bad })?;
        let role = fields.get("role").and_then(Value::as_str).unwrap_or_default();
        if !["user", "assistant"].contains(&role) {
            let reason = format!("Unexpected role \"{role}\". Expected \"user\" or \"assistant\".");
            return Err(BadField::refused(format!("{path}.role"), reason));
        }
        let content =
            given(fields, "content").ok_or_else(|| BadField::missing(format!("{path}.content")))?;
        let said = said(content, &format!("{path}.content"))?;
        if let Some(stray) = said.answered.iter().find(|id| !calls.contains(id)) {
            let reason = format!("unexpected `tool_use_id` found in `tool_result` blocks: {stray}");
            return Err(BadField::refused(format!("{path}.content"), reason));
        }
        last_answers = !said.answered.is_empty();
        conversation.hear(role == "user", &said.texts);
        conversation.overhear(&said.results);
        calls = said.called;
    }
    Ok(last_answers)
}

#[derive(Default)]
struct Said<'a> {
    texts: Vec<&'a str>,
    results: Vec<&'a str>,
    called: Vec<&'a str>,
    answered: Vec<&'a str>,
}

fn said<'a>(content: &'a Value, path: &str) -> Result<Said<'a>, BadField> {
    let mut said = Said::default();
    match content {
        Value::String(text) => said.texts.push(text),
        Value::Array(blocks) => {
            for (place, block) in blocks.iter().enumerate() {
                said.block(block, &format!("{path}.{place}"))?;
            }
        }
        _ => return Err(BadField::not_a(path, "string or list")),
    }
    Ok(said)
}

impl<'a> Said<'a> {
    fn block(&mut self, block: &'a Value, path: &str) -> Result<(), BadField> {
        let field = |name: &str| {
            let missing = || BadField::missing(format!("{path}.{name}"));
            block[name].as_str().ok_or_else(missing)
        };
        match field("type")? {
            "text" => match field("text")? {
                "" => {
                    return Err(BadField::refused(path, "text content blocks must be non-empty"));
                }
                text => self.texts.push(text),
            },
            "tool_use" => {
                if !block["input"].is_object() {
                    return Err(BadField::not_a(format!("{path}.input"), "dictionary"));
                }
                self.called.push(field("id")?);
            }
            "tool_result" => {
                self.answered.push(field("tool_use_id")?);
                match &block["content"] {
                    Value::String(text) => self.results.push(text),
                    parts => {
                        let parts = parts.as_array().into_iter().flatten();
                        self.results.extend(parts.filter_map(|part| part["text"].as_str()));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn chosen_tool(fields: &Object) -> Result<Option<Tool>, BadField> {
    let choice = fields.get("tool_choice").unwrap_or(&Value::Null);
    let Some(tools) = given(fields, "tools") else {
        return match choice {
            Value::Null => Ok(None),
            _ => Err(BadField::refused("tool_choice", "may only be specified with `tools`")),
        };
    };
    let tools = tools.as_array().ok_or_else(|| BadField::not_a("tools", "list"))?;
    let mut offered = Vec::with_capacity(tools.len());
    for (place, tool) in tools.iter().enumerate() {
        let missing = |name: &str| BadField::missing(format!("tools.{place}.{name}"));
        let name = tool["name"].as_str().ok_or_else(|| missing("name"))?;
        if !tool["input_schema"].is_object() {
            return Err(missing("input_schema"));
        }
        offered.push((name, &tool["input_schema"]));
    }
    let wanted = match choice["type"].as_str() {
        None if choice.is_null() => offered.first(),
        Some("auto" | "any") => offered.first(),
        Some("none") => None,
        Some("tool") => {
            let name = choice["name"].as_str().unwrap_or_default();
            let found = offered.iter().find(|(offered, _)| *offered == name);
            let reason = || format!("Tool '{name}' not found in provided tools");
            Some(found.ok_or_else(|| BadField::refused("tool_choice", reason()))?)
        }
        _ => {
            return Err(BadField::refused("tool_choice", "Input tag is not auto, any, tool, none"));
        }
    };
    Ok(wanted.map(|(name, schema)| Tool { name: (*name).into(), schema: (*schema).clone() }))
}
