//! A whole answer. One in events is in `event`.
use serde::{Deserialize, Serialize};

use super::block::{RedactedThinkingBlock, TextBlock, ThinkingBlock, ToolUseBlock};
use crate::{
    Raw, lenient,
    tagged::read_by_type,
    words::{constant, words},
};

constant! {
    /// What an answer calls itself.
    MessageMark = "message"
}

constant! {
    /// Who speaks in an answer.
    AssistantMark = "assistant"
}

/// The answer to a request; in a stream, its beginning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageResponse {
    /// The answer's own id.
    #[serde(default)]
    pub id: String,
    /// `message`.
    #[serde(rename = "type", default)]
    pub kind: MessageMark,
    /// `assistant`.
    #[serde(default)]
    pub role: AssistantMark,
    /// The model that answered.
    #[serde(default)]
    pub model: String,
    /// What is said.
    pub content: Vec<ContentBlock>,
    /// Why it ended; `null` at the beginning of a stream.
    #[serde(default)]
    pub stop_reason: Option<StopReason>,
    /// Which stop text it came to.
    #[serde(default)]
    pub stop_sequence: Option<String>,
    /// What it took; in a stream, so far.
    #[serde(default, deserialize_with = "lenient::counters_or_none")]
    pub usage: Usage,
}

/// The answer to a request to count tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCount {
    /// System, messages and tools together.
    #[serde(default, deserialize_with = "lenient::count")]
    pub input_tokens: Option<u64>,
}

/// One block of an answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentBlock {
    /// A text.
    Text(TextBlock),
    /// A call of a tool.
    ToolUse(ToolUseBlock),
    /// What the model thought.
    Thinking(ThinkingBlock),
    /// What the model thought, unreadable.
    RedactedThinking(RedactedThinkingBlock),
    /// A block that is not known here: the provider's own tools and their results.
    #[serde(untagged)]
    Other(Raw),
}

read_by_type!(ContentBlock {
    "text" => Text,
    "tool_use" => ToolUse,
    "thinking" => Thinking,
    "redacted_thinking" => RedactedThinking,
});

words! {
    /// Why an answer ended.
    StopReason {
        /// It was complete.
        EndTurn = "end_turn",
        /// It was as long as it might be.
        MaxTokens = "max_tokens",
        /// It came to a stop text.
        StopSequence = "stop_sequence",
        /// Something is to be called.
        ToolUse = "tool_use",
        /// The provider paused; the same conversation may be sent again to go on.
        PauseTurn = "pause_turn",
        /// The provider withheld something.
        Refusal = "refusal",
        /// The model can hold no more.
        ContextWindowExceeded = "model_context_window_exceeded",
    }
}

/// What an answer took, in tokens. A counter that was not told, or not in whole numbers, is `None`.
///
/// The three counters of input do not overlap: what was sent is their sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Sent, and neither read from nor written to the cache.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Sent, and written to the cache.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub cache_creation_input_tokens: Option<u64>,
    /// Sent, and read from the cache.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub cache_read_input_tokens: Option<u64>,
    /// For how long it was written to the cache; the prices differ.
    #[serde(
        default,
        deserialize_with = "lenient::counters",
        skip_serializing_if = "Option::is_none"
    )]
    pub cache_creation: Option<CacheCreation>,
    /// Produced, thinking included.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// What it was made of.
    #[serde(
        default,
        deserialize_with = "lenient::counters",
        skip_serializing_if = "Option::is_none"
    )]
    pub output_tokens_details: Option<OutputTokensDetails>,
}

/// For how long tokens were written to the cache; part of `cache_creation_input_tokens`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheCreation {
    /// For five minutes.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub ephemeral_5m_input_tokens: Option<u64>,
    /// For an hour.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub ephemeral_1h_input_tokens: Option<u64>,
}

/// What an answer was made of, in tokens; part of `output_tokens`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputTokensDetails {
    /// Thought.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub thinking_tokens: Option<u64>,
}
