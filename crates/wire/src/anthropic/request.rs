//! A request for a message. What the values may be is not decided here.
use serde::{Deserialize, Serialize};

use super::block::{CacheControl, RedactedThinkingBlock, TextBlock, ThinkingBlock, ToolUseBlock};
use crate::{
    Raw, TextOr, lenient,
    tagged::read_by_type,
    words::{constant, words},
};

/// The body of `POST /v1/messages`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MessagesRequest {
    /// The model that is asked.
    pub model: String,
    /// The most tokens to produce. Required by the provider.
    pub max_tokens: u64,
    /// What the application says; it is not among the messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<TextOr<SystemBlock>>,
    /// The conversation so far, oldest first, the user's turn first.
    pub messages: Vec<InputMessage>,
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
    /// Randomness, from 0 to 1. The newest models no longer take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The share of probability that is sampled from, from 0 to 1. The newest models no longer
    /// take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// How many of the likeliest tokens are sampled from. The newest models no longer take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u64>,
    /// Where to stop.
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub stop_sequences: Vec<String>,
    /// Whether to answer in events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// Who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Whether and how much to think first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking: Option<Thinking>,
    /// The form of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_config: Option<OutputConfig>,
    /// The class of service: `auto` or `standard_only`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// Asks for everything to be kept up to the last block that can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<CacheControl>,
}

/// Whether and how much to think first.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Thinking {
    /// Up to so many tokens.
    Enabled(EnabledThinking),
    /// As much as the model likes.
    Adaptive(AdaptiveThinking),
    /// Not at all.
    Disabled,
    /// A way that is not known here.
    #[serde(untagged)]
    Other(Raw),
}

read_by_type!(Thinking {
    "enabled" => Enabled,
    "adaptive" => Adaptive,
} empty {
    "disabled" => Disabled,
});

/// To think with up to so many tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnabledThinking {
    /// The most tokens to think with; part of `max_tokens`.
    pub budget_tokens: u64,
    /// What is shown of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<ThinkingDisplay>,
}

/// To think as much as the model likes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdaptiveThinking {
    /// What is shown of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<ThinkingDisplay>,
}

words! {
    /// What is shown of thoughts.
    ThinkingDisplay {
        /// A summary.
        Summarized = "summarized",
        /// Their proof alone.
        Omitted = "omitted",
    }
}

/// The body of `POST /v1/messages/count_tokens`: a request without what concerns its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CountTokensRequest {
    /// The model whose tokens are counted.
    pub model: String,
    /// What the application says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<TextOr<SystemBlock>>,
    /// The conversation so far.
    pub messages: Vec<InputMessage>,
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
    /// Whether and how much to think first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking: Option<Thinking>,
    /// The form of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_config: Option<OutputConfig>,
    /// Asks for everything to be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<CacheControl>,
}

impl From<MessagesRequest> for CountTokensRequest {
    fn from(request: MessagesRequest) -> Self {
        Self {
            model: request.model,
            system: request.system,
            messages: request.messages,
            tools: request.tools,
            tool_choice: request.tool_choice,
            thinking: request.thinking,
            output_config: request.output_config,
            cache_control: request.cache_control,
        }
    }
}

impl CountTokensRequest {
    /// The request whose tokens are counted, with an answer of up to so many tokens.
    #[must_use]
    pub fn with_max_tokens(self, max_tokens: u64) -> MessagesRequest {
        MessagesRequest {
            system: self.system,
            tools: self.tools,
            tool_choice: self.tool_choice,
            thinking: self.thinking,
            output_config: self.output_config,
            cache_control: self.cache_control,
            ..MessagesRequest::new(self.model, max_tokens, self.messages)
        }
    }
}

words! {
    /// Who speaks.
    Role {
        /// Whoever uses the application, and the results of tools.
        User = "user",
        /// The model.
        Assistant = "assistant",
    }
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputMessage {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: TextOr<InputBlock>,
}

/// One block of what is sent.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum InputBlock {
    /// A text.
    Text(TextBlock),
    /// An image.
    Image(ImageBlock),
    /// A call that the model made.
    ToolUse(ToolUseBlock),
    /// What a call came to.
    ToolResult(ToolResultBlock),
    /// What the model thought.
    Thinking(ThinkingBlock),
    /// What the model thought, unreadable.
    RedactedThinking(RedactedThinkingBlock),
    /// A block that is not known here.
    #[serde(untagged)]
    Other(Raw),
}

read_by_type!(InputBlock {
    "text" => Text,
    "image" => Image,
    "tool_use" => ToolUse,
    "tool_result" => ToolResult,
    "thinking" => Thinking,
    "redacted_thinking" => RedactedThinking,
});

/// One block of what the application says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SystemBlock {
    /// A text.
    Text(TextBlock),
    /// A block that is not known here.
    #[serde(untagged)]
    Other(Raw),
}

read_by_type!(SystemBlock { "text" => Text, });

/// One block of what a call came to. Results do not hold results.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ResultBlock {
    /// A text.
    Text(TextBlock),
    /// An image.
    Image(ImageBlock),
    /// A block that is not known here.
    #[serde(untagged)]
    Other(Raw),
}

read_by_type!(ResultBlock { "text" => Text, "image" => Image, });

/// An image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageBlock {
    /// Where it is.
    pub source: ImageSource,
    /// Asks for everything up to here to be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<CacheControl>,
}

/// Where an image is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ImageSource {
    /// Here.
    Base64 {
        /// `image/jpeg`, `image/png`, `image/gif` or `image/webp`.
        media_type: String,
        /// The image in base64.
        data: String,
    },
    /// Elsewhere.
    Url {
        /// An address beginning with `https:`.
        url: String,
    },
    /// In the provider's store.
    File {
        /// Its id there.
        file_id: String,
    },
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolResultBlock {
    /// Which call.
    pub tool_use_id: String,
    /// The result; none where there is nothing to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<TextOr<ResultBlock>>,
    /// Whether it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_error: Option<bool>,
    /// Asks for everything up to here to be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<CacheControl>,
}

/// Something the model may call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// When and how to call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON schema of its arguments, whose `type` must be `object`.
    pub input_schema: Raw,
    /// Whether arguments must follow the schema to the letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
    /// Asks for everything up to here to be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<CacheControl>,
}

/// Whether and what the model must call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToolChoice {
    /// As it likes.
    Auto {
        /// Whether it must call no more than one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        disable_parallel_tool_use: Option<bool>,
    },
    /// It must call something.
    Any {
        /// Whether it must call no more than one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        disable_parallel_tool_use: Option<bool>,
    },
    /// It must call this.
    Tool {
        /// The tool's name.
        name: String,
        /// Whether it must call no more than one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        disable_parallel_tool_use: Option<bool>,
    },
    /// It must not call anything.
    None,
}

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// An opaque id of the user; no name, no address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}

/// The form of the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputConfig {
    /// How much to put into it: `low`, `medium`, `high`, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    /// The schema it must follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<OutputFormat>,
}

constant! {
    /// What a form with a schema calls itself.
    JsonSchemaMark = "json_schema"
}

/// The schema that an answer must follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputFormat {
    /// `json_schema`.
    #[serde(rename = "type", default)]
    pub kind: JsonSchemaMark,
    /// The JSON schema.
    pub schema: Raw,
}

impl MessagesRequest {
    /// A request that leaves everything to the provider but model, length and messages.
    #[must_use]
    pub fn new(model: impl Into<String>, max_tokens: u64, messages: Vec<InputMessage>) -> Self {
        Self { model: model.into(), max_tokens, messages, ..Self::default() }
    }
}

impl InputMessage {
    /// A message of that role.
    #[must_use]
    pub fn new(role: Role, content: impl Into<TextOr<InputBlock>>) -> Self {
        Self { role, content: content.into() }
    }
}

impl InputBlock {
    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(TextBlock::new(text))
    }
}
