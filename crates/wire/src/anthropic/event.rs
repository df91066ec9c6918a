//! An answer in events: the `data` of server-sent events. Their framing is not done here.
//!
//! Usage stands in two places: what was sent in [`MessageStart`], what was produced in
//! [`MessageDelta`], each time the whole so far and not what was added.
use serde::{Deserialize, Serialize};

use super::{
    error::ErrorDetail,
    response::{ContentBlock, MessageResponse, OutputTokensDetails, StopReason},
};
use crate::{Raw, lenient, tagged::read_by_type};

/// One event of a stream.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum StreamEvent {
    /// The answer begins.
    MessageStart(Box<MessageStart>),
    /// A block begins.
    ContentBlockStart(ContentBlockStart),
    /// Something is added to a block.
    ContentBlockDelta(ContentBlockDelta),
    /// A block is complete.
    ContentBlockStop(ContentBlockStop),
    /// Something is said of the whole answer.
    MessageDelta(MessageDelta),
    /// The provider gave up in the middle.
    Error(ErrorEvent),
    /// The answer is complete.
    MessageStop,
    /// The connection is kept alive.
    Ping,
    /// An event that is not known here.
    #[serde(untagged)]
    Other(Raw),
}

impl StreamEvent {
    /// What stands in the line `event:` before it. Of one that is not known, nothing better than
    /// `message`, which is what no name means.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::MessageStart(_) => "message_start",
            Self::ContentBlockStart(_) => "content_block_start",
            Self::ContentBlockDelta(_) => "content_block_delta",
            Self::ContentBlockStop(_) => "content_block_stop",
            Self::MessageDelta(_) => "message_delta",
            Self::Error(_) => "error",
            Self::MessageStop => "message_stop",
            Self::Ping => "ping",
            Self::Other(_) => "message",
        }
    }
}

read_by_type!(StreamEvent {
    "message_start" => MessageStart,
    "content_block_start" => ContentBlockStart,
    "content_block_delta" => ContentBlockDelta,
    "content_block_stop" => ContentBlockStop,
    "message_delta" => MessageDelta,
    "error" => Error,
} empty {
    "message_stop" => MessageStop,
    "ping" => Ping,
});

/// The answer begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageStart {
    /// The answer, yet empty, and what was sent.
    pub message: MessageResponse,
}

/// A block begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContentBlockStart {
    /// Which block, from zero.
    pub index: u64,
    /// The block, yet empty.
    pub content_block: ContentBlock,
}

/// Something is added to a block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContentBlockDelta {
    /// Which block, from zero.
    pub index: u64,
    /// What is added.
    pub delta: BlockDelta,
}

/// What is added to a block.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum BlockDelta {
    /// Text.
    TextDelta(TextDelta),
    /// Arguments of a call.
    InputJsonDelta(InputJsonDelta),
    /// Thought.
    ThinkingDelta(ThinkingDelta),
    /// The proof of a thought.
    SignatureDelta(SignatureDelta),
    /// Something that is not known here: citations, ...
    #[serde(untagged)]
    Other(Raw),
}

read_by_type!(BlockDelta {
    "text_delta" => TextDelta,
    "input_json_delta" => InputJsonDelta,
    "thinking_delta" => ThinkingDelta,
    "signature_delta" => SignatureDelta,
});

/// More text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextDelta {
    /// The text.
    pub text: String,
}

/// More of the arguments of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputJsonDelta {
    /// A piece of JSON; all of them together are an object, or empty for an empty one.
    pub partial_json: String,
}

/// More of a thought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThinkingDelta {
    /// The thought.
    pub thinking: String,
}

/// The proof of a thought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignatureDelta {
    /// The whole proof.
    pub signature: String,
}

/// A block is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentBlockStop {
    /// Which block, from zero.
    pub index: u64,
}

/// Something is said of the whole answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageDelta {
    /// How it ended.
    pub delta: MessageChange,
    /// What it took.
    #[serde(default, deserialize_with = "lenient::counters_or_none")]
    pub usage: DeltaUsage,
}

/// How an answer ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageChange {
    /// Why.
    #[serde(default)]
    pub stop_reason: Option<StopReason>,
    /// Which stop text it came to.
    #[serde(default)]
    pub stop_sequence: Option<String>,
}

/// What an answer took, in tokens. Counters of input are told again by some models only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeltaUsage {
    /// Sent, and neither read from nor written to the cache.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Sent, and written to the cache.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub cache_creation_input_tokens: Option<u64>,
    /// Sent, and read from the cache.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub cache_read_input_tokens: Option<u64>,
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

/// The provider gave up in the middle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorEvent {
    /// What went wrong.
    pub error: ErrorDetail,
}
