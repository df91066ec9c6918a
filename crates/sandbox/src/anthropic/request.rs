//! What is asked of `/messages` and of its count of tokens, read as strictly as the vendor reads it.
use serde_json::Value;

use super::{
    MODELS, THOUGHTLESS, cache::Beginning, content::Listener, error::AnthropicError,
    output::Output, thinking::Thinking,
};
use crate::{
    fields::{BadField, Object, count, given, list, only, switch, text, within},
    script::Script,
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

/// Parameters of a request to count tokens.
const COUNTED: [&str; 8] = [
    "cache_control",
    "messages",
    "model",
    "output_config",
    "system",
    "thinking",
    "tool_choice",
    "tools",
];

/// A request that will be answered.
pub(crate) struct Ask {
    /// The model, one of [`MODELS`].
    pub(crate) model: &'static str,
    /// Whether the answer is streamed.
    pub(crate) stream: bool,
    /// What will be answered.
    pub(crate) script: Script,
    /// Whether and how it is thought about first.
    pub(crate) thinking: Option<Thinking>,
    /// Whether the answer is JSON rather than a call of a tool.
    pub(crate) json: bool,
    /// What is to be kept of it.
    pub(crate) beginning: Beginning,
}

impl Ask {
    /// Reads a body. The system prompt counts as a message.
    pub(crate) fn read(body: &[u8]) -> Result<Self, AnthropicError> {
        let fields = object(body)?;
        only(&fields, &PARAMETERS)?;
        let limit = count(&fields, "max_tokens")?.ok_or_else(|| BadField::missing("max_tokens"))?;
        within(&fields, "temperature", 0.0, 1.0)?;
        within(&fields, "top_p", 0.0, 1.0)?;
        let stream = switch(&fields, "stream")?;
        Self::of(&fields, Some(limit), stream)
    }

    /// Reads the body of a request whose tokens are counted: nothing is said of its answer.
    pub(crate) fn read_to_count(body: &[u8]) -> Result<Self, AnthropicError> {
        let fields = object(body)?;
        only(&fields, &COUNTED)?;
        Self::of(&fields, None, false)
    }

    fn of(fields: &Object, limit: Option<u64>, stream: bool) -> Result<Self, AnthropicError> {
        let name = text(fields, "model")?;
        let thinking = Thinking::read(fields, limit)?;
        let mut listener = Listener::default();
        let tools = given(fields, "tools").and_then(Value::as_array).map(Vec::as_slice);
        listener.tools(tools.unwrap_or_default())?;
        if let Some(system) = given(fields, "system") {
            listener.system(system)?;
        }
        listener.messages(list(fields, "messages")?, thinking)?;
        let Listener { conversation, mut beginning, answers_a_tool } = listener;
        beginning.keep_all(fields, conversation.input_tokens())?;
        let tool = chosen_tool(fields)?.filter(|_| !answers_a_tool);
        let model = MODELS.into_iter().find(|model| *model == name);
        let model = model.ok_or_else(|| AnthropicError::unknown_model(name))?;
        if thinking.is_some() && model == THOUGHTLESS {
            let reason = format!("{model} does not support thinking");
            return Err(BadField::refused("thinking", reason).into());
        }
        let Output { form, quarters } = Output::read(fields, model)?;
        let thinking = thinking.map(|thinking| thinking.about(conversation.last_user_text()));
        let thinking = thinking.map(|thinking| thinking.with_effort(quarters));
        let room = limit.map(|limit| match thinking {
            Some(thinking) => limit.saturating_sub(thinking.tokens()),
            None => limit,
        });
        let json = tool.is_none() && form.is_some();
        let script = Script::write(&conversation, tool.or(form), room)?;
        Ok(Self { model, stream, script, thinking, json, beginning })
    }
}

fn object(body: &[u8]) -> Result<Object, AnthropicError> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) | Err(_) => Err(AnthropicError::malformed()),
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
