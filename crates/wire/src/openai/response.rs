//! A whole answer. One in chunks is in `chunk`.
use serde::{Deserialize, Serialize};

use super::{message::Role, tool::ToolCall};
use crate::{
    Raw, lenient,
    words::{constant, words},
};

constant! {
    /// What a whole answer calls itself.
    ChatObject = "chat.completion"
}

/// The answer to a request that is not streamed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatResponse {
    /// The answer's own id.
    #[serde(default)]
    pub id: String,
    /// `chat.completion`.
    #[serde(default)]
    pub object: ChatObject,
    /// When it was made, in seconds since 1970.
    #[serde(default, deserialize_with = "lenient::count_or_zero")]
    pub created: u64,
    /// The model that answered, often more exact than the one asked.
    #[serde(default)]
    pub model: String,
    /// The answers, as many as were asked for.
    pub choices: Vec<Choice>,
    /// What it took. Left out by some; that is not zero.
    #[serde(
        default,
        deserialize_with = "lenient::counters",
        skip_serializing_if = "Option::is_none"
    )]
    pub usage: Option<Usage>,
    /// The class of service it really had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// The provider's configuration; written as `null` where there is none.
    #[serde(default)]
    pub system_fingerprint: Option<String>,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Its place among the answers, from zero.
    #[serde(default)]
    pub index: u64,
    /// What is said.
    pub message: ResponseMessage,
    /// The probabilities of tokens; `null` unless asked for.
    #[serde(default)]
    pub logprobs: Option<Raw>,
    /// Why it ended.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
}

/// What a model says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResponseMessage {
    /// The assistant.
    #[serde(default = "assistant")]
    pub role: Role,
    /// The text; `null` where there is none.
    #[serde(default)]
    pub content: Option<String>,
    /// What it says instead of an answer; `null` where it does not refuse.
    #[serde(default)]
    pub refusal: Option<String>,
    /// What it thought before. `OpenAI` keeps that to itself; `DeepSeek`, vLLM and others do not.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// The same, as Groq, Ollama and `OpenRouter` call it.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// What it calls.
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub tool_calls: Vec<ToolCall>,
    /// Where its knowledge is from, for models that search. An empty list is written too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Vec<Raw>>,
}

fn assistant() -> Role {
    Role::Assistant
}

impl ResponseMessage {
    /// A message that says nothing.
    #[must_use]
    pub const fn silent() -> Self {
        Self {
            role: Role::Assistant,
            content: None,
            refusal: None,
            reasoning_content: None,
            reasoning: None,
            tool_calls: Vec::new(),
            annotations: None,
        }
    }
}

words! {
    /// Why an answer ended.
    FinishReason {
        /// It was complete, or came to a stop text.
        Stop = "stop",
        /// It was as long as it might be.
        Length = "length",
        /// Something is to be called.
        ToolCalls = "tool_calls",
        /// The provider withheld something.
        ContentFilter = "content_filter",
        /// Something is to be called; deprecated.
        FunctionCall = "function_call",
    }
}

/// What an answer took, in tokens. A counter that was not told, or not in whole numbers, is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// What was sent.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u64>,
    /// What was produced, reasoning included.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub completion_tokens: Option<u64>,
    /// Both.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub total_tokens: Option<u64>,
    /// What the prompt was made of.
    #[serde(
        default,
        deserialize_with = "lenient::counters",
        skip_serializing_if = "Option::is_none"
    )]
    pub prompt_tokens_details: Option<PromptTokensDetails>,
    /// What the answer was made of.
    #[serde(
        default,
        deserialize_with = "lenient::counters",
        skip_serializing_if = "Option::is_none"
    )]
    pub completion_tokens_details: Option<CompletionTokensDetails>,
}

/// What a prompt was made of, in tokens; each is part of `prompt_tokens`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptTokensDetails {
    /// Read from the provider's cache.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub cached_tokens: Option<u64>,
    /// Written to the provider's cache.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub cache_write_tokens: Option<u64>,
    /// Sound.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub audio_tokens: Option<u64>,
}

/// What an answer was made of, in tokens; each is part of `completion_tokens`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompletionTokensDetails {
    /// Thought, but not shown.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<u64>,
    /// Sound.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub audio_tokens: Option<u64>,
    /// Predicted by the caller, and right.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub accepted_prediction_tokens: Option<u64>,
    /// Predicted by the caller, and wrong.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub rejected_prediction_tokens: Option<u64>,
}
