//! Blocks of content that are both sent and received.
use serde::{Deserialize, Serialize};

use crate::Raw;

/// A text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextBlock {
    /// The text.
    pub text: String,
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
