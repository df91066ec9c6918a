//! What is asked of `generateContent`. Google takes every name in camel case and in snake case.
use serde_json::Value;

use super::{
    contents::{hear, parts},
    error::GeminiError,
    generation::{Generation, check_safety},
    offer::chosen_tool,
    thinking::Thinking,
};
use crate::{
    fields::{BadField, Fault, Object, given, list},
    script::{Conversation, Reply, Script},
    tools::Tool,
};

const PARAMETERS: [&str; 9] = [
    "cachedContent",
    "contents",
    "generationConfig",
    "labels",
    "model",
    "safetySettings",
    "store",
    "systemInstruction",
    "toolConfig",
];

/// A request that will be answered.
pub(crate) struct Ask {
    /// What will be answered.
    pub(crate) script: Script,
    /// How many times.
    pub(crate) candidates: u64,
    /// How to think first.
    pub(crate) thinking: Option<Thinking>,
    /// Of how many likely tokens to tell.
    pub(crate) likely: Option<u64>,
    /// Whether the answer is JSON: then its words are those of a call that is none.
    pub(crate) json: bool,
}

impl Ask {
    /// Reads a body. The system instruction counts as a message.
    pub(crate) fn read(model: &str, body: &[u8]) -> Result<Self, GeminiError> {
        Self::of(model, &object(body)?)
    }

    /// Reads what is to be counted: contents, or a whole request.
    pub(crate) fn read_to_count(model: &str, body: &[u8]) -> Result<Self, GeminiError> {
        let fields = object(body)?;
        both(&fields, &["contents", "generateContentRequest"], "")?;
        let Some(whole) = either(&fields, "generateContentRequest", "generate_content_request")
        else {
            return Self::of(model, &fields);
        };
        if fields.contains_key("contents") {
            let reason = "contents and generate_content_request are mutually exclusive";
            return Err(BadField::refused("contents", reason).into());
        }
        let whole = whole.as_object().ok_or_else(GeminiError::malformed)?;
        match whole.get("model").and_then(Value::as_str) {
            Some(named) if named.strip_prefix("models/") == Some(model) => Self::of(model, whole),
            Some(_) | None => {
                let path = "generate_content_request.model";
                Err(BadField::refused(path, "must be the model that is asked").into())
            }
        }
    }

    fn of(model: &str, fields: &Object) -> Result<Self, GeminiError> {
        let known: Vec<&str> = PARAMETERS.into_iter().chain(["tools"]).collect();
        both(fields, &known, "")?;
        let mut conversation = Conversation::default();
        if let Some(system) = either(fields, "systemInstruction", "system_instruction") {
            let parts = parts(system, "system_instruction")?;
            let texts: Vec<&str> =
                parts.iter().filter_map(|part| part.get("text")?.as_str()).collect();
            conversation.hear(false, &texts);
        }
        let answers_a_tool = hear(&mut conversation, list(fields, "contents")?, model)?;
        check_safety(fields)?;
        let Generation { limit, candidates, thinking, likely, schema } =
            Generation::read(model, fields)?;
        let limit = match thinking {
            Some(_) => limit.map(|limit| limit.saturating_sub(Thinking::TOKENS)),
            None => limit,
        };
        let tool = chosen_tool(fields)?.filter(|_| !answers_a_tool);
        let json = tool.is_none() && schema.is_some();
        let form = schema.map(|schema| Tool { name: String::new(), schema });
        let script = Script::write(&conversation, tool.or(form), limit)?;
        Ok(Self { script, candidates, thinking, likely, json })
    }

    /// How many tokens each answer has.
    pub(crate) fn tokens(&self) -> u64 {
        match &self.script.reply {
            Reply::Text(answer) => answer.tokens(),
            Reply::Tool(call) if self.json => call.pieces.len() as u64,
            Reply::Tool(call) => call.tokens(),
        }
    }
}

fn object(body: &[u8]) -> Result<Object, GeminiError> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) | Err(_) => Err(GeminiError::malformed()),
    }
}

/// A field by either of its names.
pub(crate) fn either<'a>(fields: &'a Object, camel: &str, snake: &str) -> Option<&'a Value> {
    given(fields, camel).or_else(|| given(fields, snake))
}

/// Refuses fields outside this list, whose names are in camel case.
pub(crate) fn both(fields: &Object, known: &[&str], path: &str) -> Result<(), BadField> {
    let is_known = |key: &str| known.iter().any(|known| *known == key || in_snake(known) == key);
    match fields.keys().find(|key| !is_known(key)) {
        Some(key) if path.is_empty() => Err(BadField { path: key.clone(), fault: Fault::Unknown }),
        Some(key) => Err(BadField { path: format!("{path}.{key}"), fault: Fault::Unknown }),
        None => Ok(()),
    }
}

fn in_snake(camel: &str) -> String {
    let letters = camel.chars().flat_map(|letter| {
        let apart = letter.is_ascii_uppercase().then_some('_');
        apart.into_iter().chain([letter.to_ascii_lowercase()])
    });
    letters.collect()
}
