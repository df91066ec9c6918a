//! What is asked of `/chat/completions`, read as strictly as the vendor reads it.
use serde_json::Value;

use super::{
    MODELS,
    error::OpenAiError,
    image,
    offer::{Shape, chosen_tool},
    reasoning::Thinking,
};
use crate::{
    fields::{BadField, Object, count, given, list, only, switch, text, within},
    script::{Conversation, Script, Usage},
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
const MOST_CHOICES: u64 = 128;
const MOST_ALTERNATIVES: u64 = 20;
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
    /// How many times it is answered.
    pub(crate) choices: u64,
    /// How many alternatives to each token are told of, if any are told.
    pub(crate) log_probs: Option<u64>,
    /// How many tokens are thought before, and not shown.
    pub(crate) reasoning: u64,
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
        let thinking = Thinking::of(model, given(&fields, "reasoning_effort"), "reasoning_effort")?;
        let (reasoning, limit) = thinking.within(limit(&fields, model)?);
        verbosity(given(&fields, "verbosity"), model, "verbosity")?;
        within(&fields, "temperature", 0.0, 2.0)?;
        within(&fields, "top_p", 0.0, 1.0)?;
        let choices = count(&fields, "n")?.unwrap_or(1);
        if choices > MOST_CHOICES {
            let reason = format!("expected a value <= {MOST_CHOICES}, but got {choices} instead");
            return Err(BadField::refused("n", reason).into());
        }
        let log_probs = log_probs(&fields, model)?;
        let stream = switch(&fields, "stream")?;
        let include_usage = include_usage(&fields, stream)?;
        let tool = chosen_tool(&fields, Shape::Nested)?.filter(|_| !answers_a_tool);
        let script = Script::write(&conversation, tool, limit)?;
        Ok(Self { model, stream, include_usage, script, choices, log_probs, reasoning })
    }

    /// Usage of all the answers, and of what was thought before them.
    pub(crate) fn usage(&self) -> Option<Usage> {
        self.script.usage_after(self.script.reply.tokens() * self.choices + self.reasoning)
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

/// How wordy to be. Older models know one word for it alone.
pub(crate) fn verbosity(value: Option<&Value>, model: &str, path: &str) -> Result<(), BadField> {
    let Some(value) = value else { return Ok(()) };
    let word = value.as_str().ok_or_else(|| BadField::not_a(path, "string"))?;
    let known: &[&str] =
        if model.starts_with("gpt-5") { &["low", "medium", "high"] } else { &["medium"] };
    if known.contains(&word) {
        return Ok(());
    }
    Err(BadField::refused(path, format!("supported values are: {}", known.join(", "))))
}

/// How many alternatives to tell of, if the probabilities are to be told.
fn log_probs(fields: &Object, model: &str) -> Result<Option<u64>, OpenAiError> {
    let told = switch(fields, "logprobs")?;
    let alternatives = match given(fields, "top_logprobs") {
        None => 0,
        Some(_) if !told => {
            let reason = "only allowed when 'logprobs' is enabled";
            return Err(BadField::refused("top_logprobs", reason).into());
        }
        Some(value) => alternatives(value)?,
    };
    if told && Thinking::is_done_by(model) {
        let message = "You are not allowed to request logprobs from this model.";
        return Err(OpenAiError::unsupported("logprobs", message.into()));
    }
    Ok(told.then_some(alternatives))
}

/// How many alternatives to tell of.
pub(crate) fn alternatives(value: &Value) -> Result<u64, BadField> {
    let number = value.as_u64().ok_or_else(|| BadField::not_a("top_logprobs", "integer"))?;
    if number > MOST_ALTERNATIVES {
        let reason = format!("expected a value <= {MOST_ALTERNATIVES}, but got {number} instead");
        return Err(BadField::refused("top_logprobs", reason));
    }
    Ok(number)
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
        conversation.see(images(fields, role, &path)?);
    }
    Ok((conversation, role == "tool" || role == "function"))
}

/// How many images a message has. Each is checked, and only a user shows any.
fn images(fields: &Object, role: &str, path: &str) -> Result<u64, BadField> {
    let mut images = 0;
    let parts = fields.get("content").and_then(Value::as_array);
    for (place, part) in parts.into_iter().flatten().enumerate() {
        if part["type"] == "image_url" {
            let path = format!("{path}.content[{place}]");
            if role != "user" {
                let reason = format!("image_url is not supported in a message of role '{role}'");
                return Err(BadField::refused(path, reason));
            }
            image::check(&part["image_url"]["url"], &format!("{path}.image_url.url"))?;
            image::check_detail(&part["image_url"]["detail"], &format!("{path}.image_url.detail"))?;
            images += 1;
        }
    }
    Ok(images)
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
