//! A response in events. Their framing is not done here.
use serde::Serialize;

use super::{
    item::SummaryText,
    output::{Content, OutputItem},
    response::Response,
};
use crate::Raw;

/// An event and its place in the stream.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Numbered {
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// The place, counted from 0.
    pub sequence_number: u64,
}

/// What happens while a response is made. Items, and the parts of each, are counted from 0.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type")]
pub enum Event {
    /// It was begun.
    #[serde(rename = "response.created")]
    Created {
        /// As it is now.
        response: Box<Response>,
    },
    /// It is being made.
    #[serde(rename = "response.in_progress")]
    InProgress {
        /// As it is now.
        response: Box<Response>,
    },
    /// It is whole.
    #[serde(rename = "response.completed")]
    Completed {
        /// As it is now.
        response: Box<Response>,
    },
    /// It was cut short.
    #[serde(rename = "response.incomplete")]
    Incomplete {
        /// As it is now.
        response: Box<Response>,
    },
    /// It came to nothing.
    #[serde(rename = "response.failed")]
    Failed {
        /// As it is now.
        response: Box<Response>,
    },
    /// An item begins.
    #[serde(rename = "response.output_item.added")]
    ItemAdded {
        /// Which.
        output_index: u64,
        /// As it is now.
        item: OutputItem,
    },
    /// An item is whole.
    #[serde(rename = "response.output_item.done")]
    ItemDone {
        /// Which.
        output_index: u64,
        /// As it is now.
        item: OutputItem,
    },
    /// A part of a message begins.
    #[serde(rename = "response.content_part.added")]
    PartAdded {
        /// The message.
        item_id: String,
        /// The same.
        output_index: u64,
        /// The part.
        content_index: u64,
        /// As it is now.
        part: Content,
    },
    /// A part of a message is whole.
    #[serde(rename = "response.content_part.done")]
    PartDone {
        /// The message.
        item_id: String,
        /// The same.
        output_index: u64,
        /// The part.
        content_index: u64,
        /// As it is now.
        part: Content,
    },
    /// More of a text.
    #[serde(rename = "response.output_text.delta")]
    TextDelta {
        /// The message.
        item_id: String,
        /// The same.
        output_index: u64,
        /// The part.
        content_index: u64,
        /// What is added.
        delta: String,
        /// How likely its tokens were.
        logprobs: Vec<Raw>,
    },
    /// A text is whole.
    #[serde(rename = "response.output_text.done")]
    TextDone {
        /// The message.
        item_id: String,
        /// The same.
        output_index: u64,
        /// The part.
        content_index: u64,
        /// The whole text.
        text: String,
        /// How likely its tokens were.
        logprobs: Vec<Raw>,
    },
    /// More of a function's arguments.
    #[serde(rename = "response.function_call_arguments.delta")]
    ArgumentsDelta {
        /// The call.
        item_id: String,
        /// The same.
        output_index: u64,
        /// What is added.
        delta: String,
    },
    /// The arguments are whole.
    #[serde(rename = "response.function_call_arguments.done")]
    ArgumentsDone {
        /// The call.
        item_id: String,
        /// The same.
        output_index: u64,
        /// The function.
        name: String,
        /// All of them.
        arguments: String,
    },
    /// A part of what may be shown of a thought begins.
    #[serde(rename = "response.reasoning_summary_part.added")]
    SummaryAdded {
        /// The thought.
        item_id: String,
        /// The same.
        output_index: u64,
        /// The part.
        summary_index: u64,
        /// As it is now.
        part: SummaryText,
    },
    /// A part of what may be shown of a thought is whole.
    #[serde(rename = "response.reasoning_summary_part.done")]
    SummaryDone {
        /// The thought.
        item_id: String,
        /// The same.
        output_index: u64,
        /// The part.
        summary_index: u64,
        /// As it is now.
        part: SummaryText,
    },
    /// More of what may be shown of a thought.
    #[serde(rename = "response.reasoning_summary_text.delta")]
    SummaryDelta {
        /// The thought.
        item_id: String,
        /// The same.
        output_index: u64,
        /// The part.
        summary_index: u64,
        /// What is added.
        delta: String,
    },
    /// All that may be shown of a thought was told.
    #[serde(rename = "response.reasoning_summary_text.done")]
    SummaryTextDone {
        /// The thought.
        item_id: String,
        /// The same.
        output_index: u64,
        /// The part.
        summary_index: u64,
        /// The whole text.
        text: String,
    },
    /// Something went wrong.
    #[serde(rename = "error")]
    Error {
        /// The exact failure.
        code: Option<String>,
        /// For humans.
        message: String,
        /// The parameter at fault.
        param: Option<String>,
    },
}

impl Event {
    /// Its name, which also stands before its data in the stream.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "response.created",
            Self::InProgress { .. } => "response.in_progress",
            Self::Completed { .. } => "response.completed",
            Self::Incomplete { .. } => "response.incomplete",
            Self::Failed { .. } => "response.failed",
            Self::ItemAdded { .. } => "response.output_item.added",
            Self::ItemDone { .. } => "response.output_item.done",
            Self::PartAdded { .. } => "response.content_part.added",
            Self::PartDone { .. } => "response.content_part.done",
            Self::TextDelta { .. } => "response.output_text.delta",
            Self::TextDone { .. } => "response.output_text.done",
            Self::ArgumentsDelta { .. } => "response.function_call_arguments.delta",
            Self::ArgumentsDone { .. } => "response.function_call_arguments.done",
            Self::SummaryAdded { .. } => "response.reasoning_summary_part.added",
            Self::SummaryDone { .. } => "response.reasoning_summary_part.done",
            Self::SummaryDelta { .. } => "response.reasoning_summary_text.delta",
            Self::SummaryTextDone { .. } => "response.reasoning_summary_text.done",
            Self::Error { .. } => "error",
        }
    }
}
