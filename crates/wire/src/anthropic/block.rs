//! Blocks of content that are both sent and received.
use serde::{Deserialize, Serialize};

use crate::{Raw, words::constant};

constant! {
    /// What a mark for the cache calls itself.
    EphemeralMark = "ephemeral"
}

/// Asks for everything up to a block to be kept for a while.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheControl {
    /// `ephemeral`.
    #[serde(rename = "type")]
    pub kind: EphemeralMark,
    /// For how long: `5m`, which is meant where it is left out, or `1h`, which costs more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<String>,
}

/// A text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextBlock {
    /// The text.
    pub text: String,
    /// Asks for everything up to here to be kept. Sent, never received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<CacheControl>,
}

impl TextBlock {
    /// A text that is not marked.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), cache_control: None }
    }
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolUseBlock {
    /// What its result refers to.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments, an object; empty at the start of a streamed block.
    pub input: Raw,
    /// Asks for everything up to here to be kept. Sent, never received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<CacheControl>,
}

/// What the model thought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThinkingBlock {
    /// The thought, or a summary of it.
    #[serde(default)]
    pub thinking: String,
    /// Proves that the thought is the model's; must be sent back unchanged.
    #[serde(default)]
    pub signature: String,
}

/// What the model thought, unreadable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedactedThinkingBlock {
    /// The thought, encrypted; must be sent back unchanged.
    pub data: String,
}
