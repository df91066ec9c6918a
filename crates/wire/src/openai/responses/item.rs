//! What a conversation consists of, as a caller tells it.
use serde::{Deserialize, Serialize};

use super::super::message::Role;
use crate::{Raw, TextOr, Unknown, tagged::read_by_type, unknown::beside_type, words::constant};

/// One item of a conversation. Where its `type` is left out it is a message.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum InputItem {
    /// What somebody said.
    Message(MessageItem),
    /// A function that the model called.
    FunctionCall(CallItem),
    /// What a call came to.
    FunctionCallOutput(CallOutputItem),
    /// What the model thought.
    Reasoning(ReasoningItem),
    /// An item that is not known here.
    #[serde(untagged)]
    Other(Raw),
}

read_by_type!(InputItem or "message" {
    "message" => Message,
    "function_call" => FunctionCall,
    "function_call_output" => FunctionCallOutput,
    "reasoning" => Reasoning,
});

/// What somebody said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageItem {
    /// Its id, where it was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// How far it had come, where it was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: InputContent,
    /// Fields that are not known here.
    #[serde(flatten, deserialize_with = "beside_type")]
    pub unknown: Unknown,
}

/// What is said: a text or parts.
pub type InputContent = TextOr<InputPart>;

/// One part of what is said.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum InputPart {
    /// A text of somebody else than the model.
    InputText(InputText),
    /// An image.
    InputImage(InputImage),
    /// A text of the model.
    OutputText(OutputTextPart),
    /// What the model said instead of an answer.
    Refusal(InputRefusal),
    /// A part that is not known here: audio, files, ...
    #[serde(untagged)]
    Other(Raw),
}

read_by_type!(InputPart {
    "input_text" => InputText,
    "input_image" => InputImage,
    "output_text" => OutputText,
    "refusal" => Refusal,
});

/// A text of somebody else than the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputText {
    /// The text.
    pub text: String,
    /// Fields that are not known here.
    #[serde(flatten, deserialize_with = "beside_type")]
    pub unknown: Unknown,
}

/// An image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputImage {
    /// `https:`, or `data:` with the image itself in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    /// How closely to look: `auto`, `low`, `high`, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Fields that are not known here, `file_id` among them.
    #[serde(flatten, deserialize_with = "beside_type")]
    pub unknown: Unknown,
}

/// A text of the model, told back as it came. What is said about it says nothing to a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputTextPart {
    /// The text.
    pub text: String,
    /// Where its knowledge is from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Raw>,
    /// How likely its tokens were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Raw>,
}

/// What the model said instead of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputRefusal {
    /// The text.
    pub refusal: String,
    /// Fields that are not known here.
    #[serde(flatten, deserialize_with = "beside_type")]
    pub unknown: Unknown,
}

/// A function that the model called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallItem {
    /// Its id as an item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// How far it had come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// What its result refers to.
    pub call_id: String,
    /// The function.
    pub name: String,
    /// The arguments as the model wrote them.
    pub arguments: String,
    /// Fields that are not known here.
    #[serde(flatten, deserialize_with = "beside_type")]
    pub unknown: Unknown,
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallOutputItem {
    /// Its id as an item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// How far it had come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Which call it answers.
    pub call_id: String,
    /// The answer.
    pub output: InputContent,
    /// Fields that are not known here.
    #[serde(flatten, deserialize_with = "beside_type")]
    pub unknown: Unknown,
}

/// What the model thought, told back as it came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReasoningItem {
    /// Its id as an item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// How far it had come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// What may be shown of it.
    #[serde(default)]
    pub summary: Vec<SummaryText>,
    /// What only its provider reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted_content: Option<String>,
    /// Fields that are not known here.
    #[serde(flatten, deserialize_with = "beside_type")]
    pub unknown: Unknown,
}

constant! {
    /// What a piece of a summary calls itself.
    SummaryKind = "summary_text"
}

/// A piece of what may be shown of a thought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryText {
    /// `summary_text`.
    #[serde(rename = "type", default)]
    pub kind: SummaryKind,
    /// The text.
    pub text: String,
}

impl SummaryText {
    /// A piece of a summary.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { kind: SummaryKind, text: text.into() }
    }
}
