//! What an answer consists of.
use serde::Serialize;

use super::item::SummaryText;
use crate::{
    Raw,
    words::{constant, words},
};

/// One item of an answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OutputItem {
    /// What the model thought.
    Reasoning(Reasoning),
    /// What it says.
    Message(Message),
    /// A function that it calls.
    FunctionCall(FunctionCall),
}

words! {
    /// How far an item has come.
    ItemStatus {
        /// More of it follows.
        InProgress = "in_progress",
        /// It is whole.
        Completed = "completed",
        /// It was cut short.
        Incomplete = "incomplete",
    }
}

/// What the model thought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reasoning {
    /// Its id as an item.
    pub id: String,
    /// What may be shown of it.
    pub summary: Vec<SummaryText>,
    /// What its provider wants back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encrypted_content: Option<String>,
    /// How far it has come.
    pub status: ItemStatus,
}

constant! {
    /// Who speaks.
    AssistantRole = "assistant"
}

/// What the model says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message {
    /// Its id as an item.
    pub id: String,
    /// How far it has come.
    pub status: ItemStatus,
    /// `assistant`.
    pub role: AssistantRole,
    /// What is said.
    pub content: Vec<Content>,
}

/// A part of what the model says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    /// A text.
    OutputText(OutputText),
}

/// A text of the model.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct OutputText {
    /// The text.
    pub text: String,
    /// Where its knowledge is from.
    pub annotations: Vec<Raw>,
    /// How likely its tokens were; empty unless asked for.
    pub logprobs: Vec<Raw>,
}

/// A function that the model calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FunctionCall {
    /// Its id as an item.
    pub id: String,
    /// How far it has come.
    pub status: ItemStatus,
    /// What its result refers to.
    pub call_id: String,
    /// The function.
    pub name: String,
    /// The arguments as the model wrote them.
    pub arguments: String,
}

impl Message {
    /// A message that has begun and says nothing yet.
    #[must_use]
    pub fn begun(id: impl Into<String>) -> Self {
        let status = ItemStatus::InProgress;
        Self { id: id.into(), status, role: AssistantRole, content: Vec::new() }
    }
}
