//! A request for a chat completion. What the values may be is not decided here.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::{
    message::{ContentPart, Message},
    tool::{Tool, ToolCall, ToolChoice},
};
use crate::{Raw, TextOr, Unknown, lenient, tagged::read_by_type};

/// The body of `POST /v1/chat/completions`.
///
/// Deprecated or unsupported parameters (`functions`, `audio`, `prediction`, ...) are in
/// [`unknown`](Self::unknown).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChatRequest {
    /// The model that is asked.
    pub model: String,
    /// The conversation so far, oldest first.
    pub messages: Vec<Message>,
    /// The most tokens to produce; the old name of `max_completion_tokens`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// The most tokens to produce, those of reasoning included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_completion_tokens: Option<u64>,
    /// Randomness, from 0 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The share of probability that is sampled from, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// How many answers to produce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<u64>,
    /// Where to stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
    /// Whether to answer in chunks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// What else to send with the chunks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<StreamOptions>,
    /// What the model may call.
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub tools: Vec<Tool>,
    /// Whether and what it must call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// The form of the answer; reads as a [`ResponseFormat`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_format: Option<Raw>,
    /// Asks for the same answer to the same request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// The same, as Mistral calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random_seed: Option<i64>,
    /// Discourages what was already spoken of, from -2 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f64>,
    /// Discourages repetition, from -2 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f64>,
    /// Makes tokens likelier or less likely, by their number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logit_bias: Option<BTreeMap<String, Number>>,
    /// Whether to tell the probabilities of tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<bool>,
    /// How many alternatives to tell for each token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_logprobs: Option<u64>,
    /// The caller's own user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The same, by its present name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety_identifier: Option<String>,
    /// The caller's own notes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
    /// Whether the provider shall keep the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<bool>,
    /// How much to reason: `none`, `minimal`, `low`, `medium`, `high`, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<String>,
    /// How wordy to be: `low`, `medium`, `high`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verbosity: Option<String>,
    /// Whether to show what was thought. `OpenAI` has no such parameter; Groq, vLLM and
    /// `OpenRouter` do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_reasoning: Option<bool>,
    /// The class of service: `auto`, `default`, `flex`, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// Parameters that are not known here.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// Where to stop: one text or several.
pub type Stop = TextOr<String>;

/// What else to send with the chunks of a stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StreamOptions {
    /// Whether a last chunk tells the usage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_usage: Option<bool>,
    /// Options that are not known here.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// The form an answer must have.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ResponseFormat {
    /// Any text.
    Text,
    /// Some JSON object.
    JsonObject,
    /// JSON of a given schema.
    JsonSchema(JsonSchemaFormat),
    /// A form that is not known here.
    #[serde(untagged)]
    Other(Raw),
}

read_by_type!(ResponseFormat {
    "json_schema" => JsonSchema,
} empty {
    "text" => Text,
    "json_object" => JsonObject,
});

/// The form "JSON of a given schema".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JsonSchemaFormat {
    /// The schema and its name.
    pub json_schema: JsonSchema,
}

/// A schema and its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JsonSchema {
    /// What the form is called.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Raw>,
    /// Whether the answer must follow it to the letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

impl ChatRequest {
    /// A request that leaves everything to the provider but model and messages.
    #[must_use]
    pub fn new(model: impl Into<String>, messages: Vec<Message>) -> Self {
        Self { model: model.into(), messages, ..Self::default() }
    }

    /// Whether the answer is wanted in chunks.
    #[must_use]
    pub fn wants_stream(&self) -> bool {
        self.stream == Some(true)
    }

    /// Whether a stream shall end with its usage.
    #[must_use]
    pub fn wants_stream_usage(&self) -> bool {
        self.stream_options.as_ref().and_then(|options| options.include_usage) == Some(true)
    }

    /// Where fields stand that are not known here: `prediction`, `messages[0].audio`, ... Those
    /// that are null or empty ask for nothing: callers send an answer's message back as it came,
    /// `annotations` and all.
    #[must_use]
    pub fn unknown_paths(&self) -> Vec<String> {
        let mut paths = Paths::default();
        paths.add("", &self.unknown);
        for (at, message) in self.messages.iter().enumerate() {
            paths.add_message(&format!("messages[{at}]."), message);
        }
        for (at, tool) in self.tools.iter().enumerate() {
            if let Tool::Function(tool) = tool {
                paths.add(&format!("tools[{at}]."), &tool.unknown);
                paths.add(&format!("tools[{at}].function."), &tool.function.unknown);
            }
        }
        if let Some(options) = &self.stream_options {
            paths.add("stream_options.", &options.unknown);
        }
        paths.into_vec()
    }
}

/// Where fields stand that are not known here.
#[derive(Default)]
pub(super) struct Paths(Vec<String>);

impl Paths {
    /// Adds those that ask for something.
    pub(super) fn add(&mut self, prefix: &str, unknown: &Unknown) {
        let asking = unknown.iter().filter(|(_, value)| !asks_for_nothing(value));
        self.0.extend(asking.map(|(name, _)| format!("{prefix}{name}")));
    }

    /// All of them.
    pub(super) fn into_vec(self) -> Vec<String> {
        self.0
    }

    fn add_message(&mut self, prefix: &str, message: &Message) {
        self.add(prefix, &message.unknown);
        if let Some(TextOr::Parts(parts)) = &message.content {
            for (at, part) in parts.iter().enumerate() {
                self.add_part(&format!("{prefix}content[{at}]."), part);
            }
        }
        for (at, call) in message.tool_calls.iter().enumerate() {
            if let ToolCall::Function(call) = call {
                self.add(&format!("{prefix}tool_calls[{at}]."), &call.unknown);
                self.add(&format!("{prefix}tool_calls[{at}].function."), &call.function.unknown);
            }
        }
    }

    /// Adds those of a part.
    pub(super) fn add_part(&mut self, prefix: &str, part: &ContentPart) {
        match part {
            ContentPart::Text(part) => self.add(prefix, &part.unknown),
            ContentPart::ImageUrl(part) => {
                self.add(prefix, &part.unknown);
                self.add(&format!("{prefix}image_url."), &part.image_url.unknown);
            }
            ContentPart::Refusal(part) => self.add(prefix, &part.unknown),
            ContentPart::Other(_) => {}
        }
    }
}

fn asks_for_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
