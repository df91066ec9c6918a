//! The messages of a request. An answer's message is in `response`.
use serde::{Deserialize, Serialize};

use super::tool::ToolCall;
use crate::{
    Raw, TextOr, Unknown, lenient, tagged::read_by_type, unknown::beside_type, words::words,
};

words! {
    /// Who speaks.
    Role {
        /// Whoever runs the application; the old name.
        System = "system",
        /// Whoever runs the application.
        Developer = "developer",
        /// Whoever uses it.
        User = "user",
        /// The model.
        Assistant = "assistant",
        /// The result of a call.
        Tool = "tool",
        /// The result of a call; deprecated.
        Function = "function",
    }
}

/// One message of a conversation.
///
/// Which fields it must have depends on the role; that is for the reader to check, who can say
/// which message is at fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said. Every role but the assistant must say something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// Which of several speakers of that role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the assistant said instead of an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// What the assistant thought before. `OpenAI` does not want it back; `DeepSeek`, vLLM and
    /// others take it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// What the assistant called.
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub tool_calls: Vec<ToolCall>,
    /// Which call a tool answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// Fields that are not known here.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// What is said: a text or parts.
pub type Content = TextOr<ContentPart>;

/// One part of what is said.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentPart {
    /// A text.
    Text(TextPart),
    /// An image.
    ImageUrl(ImagePart),
    /// What the assistant said instead of an answer.
    Refusal(RefusalPart),
    /// A part that is not known here: audio, files, ...
    #[serde(untagged)]
    Other(Raw),
}

read_by_type!(ContentPart {
    "text" => Text,
    "image_url" => ImageUrl,
    "refusal" => Refusal,
});

/// A text among parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextPart {
    /// The text.
    pub text: String,
    /// Fields that are not known here.
    #[serde(flatten, deserialize_with = "beside_type")]
    pub unknown: Unknown,
}

/// An image among parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImagePart {
    /// Where it is.
    pub image_url: ImageUrl,
    /// Fields that are not known here.
    #[serde(flatten, deserialize_with = "beside_type")]
    pub unknown: Unknown,
}

/// Where an image is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageUrl {
    /// `https:`, or `data:` with the image itself in base64.
    pub url: String,
    /// How closely to look: `auto`, `low`, `high`, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Fields that are not known here.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// A refusal among parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefusalPart {
    /// What the assistant said instead of an answer.
    pub refusal: String,
    /// Fields that are not known here.
    #[serde(flatten, deserialize_with = "beside_type")]
    pub unknown: Unknown,
}

impl Message {
    /// A message of that role.
    #[must_use]
    pub fn new(role: Role, content: impl Into<Content>) -> Self {
        Self { content: Some(content.into()), ..Self::empty(role) }
    }

    /// What the model called, saying nothing.
    #[must_use]
    pub fn calls(tool_calls: Vec<ToolCall>) -> Self {
        Self { tool_calls, ..Self::empty(Role::Assistant) }
    }

    /// What a call came to.
    #[must_use]
    pub fn tool_result(tool_call_id: impl Into<String>, content: impl Into<Content>) -> Self {
        Self { tool_call_id: Some(tool_call_id.into()), ..Self::new(Role::Tool, content) }
    }

    fn empty(role: Role) -> Self {
        Self {
            role,
            content: None,
            name: None,
            refusal: None,
            reasoning_content: None,
            tool_calls: Vec::new(),
            tool_call_id: None,
            unknown: Unknown::new(),
        }
    }
}

impl ContentPart {
    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(TextPart { text: text.into(), unknown: Unknown::new() })
    }

    /// An image, and how closely to look at it.
    #[must_use]
    pub fn image(url: impl Into<String>, detail: Option<String>) -> Self {
        let image_url = ImageUrl { url: url.into(), detail, unknown: Unknown::new() };
        Self::ImageUrl(ImagePart { image_url, unknown: Unknown::new() })
    }
}
