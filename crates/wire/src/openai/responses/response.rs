//! A response. Its events are in `event`.
use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    output::OutputItem,
    request::{ReasoningConfig, TextConfig},
    tool::{Tool, ToolChoice},
};
use crate::words::{constant, words};

constant! {
    /// What a response calls itself.
    ResponseObject = "response"
}

constant! {
    /// What is done with a conversation that is too long: it is refused.
    Untruncated = "disabled"
}

words! {
    /// How far a response has come.
    Status {
        /// It is being made.
        InProgress = "in_progress",
        /// It is whole.
        Completed = "completed",
        /// It was cut short.
        Incomplete = "incomplete",
        /// It came to nothing.
        Failed = "failed",
    }
}

/// An answer, with what was asked for. Fields without a value are written as `null`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Response {
    /// The answer's own id.
    pub id: String,
    /// `response`.
    pub object: ResponseObject,
    /// When it was begun, in seconds since 1970.
    pub created_at: u64,
    /// How far it has come.
    pub status: Status,
    /// Whether nobody waits for it.
    pub background: bool,
    /// Why it came to nothing.
    pub error: Option<Failure>,
    /// Why it was cut short.
    pub incomplete_details: Option<IncompleteDetails>,
    /// What the model was told to be.
    pub instructions: Option<String>,
    /// The most tokens that it was to have.
    pub max_output_tokens: Option<u64>,
    /// The model that was asked.
    pub model: String,
    /// What it consists of.
    pub output: Vec<OutputItem>,
    /// Whether several functions might be called at once.
    pub parallel_tool_calls: bool,
    /// What it goes on from: nothing.
    pub previous_response_id: Option<String>,
    /// How it was to be thought of.
    pub reasoning: ReasoningConfig,
    /// Whether it is kept.
    pub store: bool,
    /// Randomness.
    pub temperature: Option<f64>,
    /// How texts were to be.
    pub text: TextConfig,
    /// Whether and what was to be called.
    pub tool_choice: ToolChoice,
    /// What might be called.
    pub tools: Vec<Tool>,
    /// How many alternatives are told for each token.
    pub top_logprobs: u64,
    /// The share of probability that was sampled from.
    pub top_p: Option<f64>,
    /// `disabled`.
    pub truncation: Untruncated,
    /// What it took; `null` until it is over.
    pub usage: Option<Usage>,
    /// The caller's own user.
    pub user: Option<String>,
    /// The caller's own notes.
    pub metadata: BTreeMap<String, String>,
}

/// Why a response came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The kind of failure: `server_error`, `rate_limit_exceeded`, ...
    pub code: String,
    /// For humans.
    pub message: String,
}

/// Why a response was cut short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IncompleteDetails {
    /// `max_output_tokens`, `content_filter`, ...
    pub reason: String,
}

/// What a response took, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// What was sent.
    pub input_tokens: u64,
    /// What that was made of.
    pub input_tokens_details: InputTokensDetails,
    /// What was produced, reasoning included.
    pub output_tokens: u64,
    /// What that was made of.
    pub output_tokens_details: OutputTokensDetails,
    /// Both.
    pub total_tokens: u64,
}

/// What input was made of, in tokens; each is part of `input_tokens`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct InputTokensDetails {
    /// Read from the provider's cache.
    pub cached_tokens: u64,
    /// Written to the provider's cache.
    pub cache_write_tokens: u64,
}

/// What output was made of, in tokens; each is part of `output_tokens`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct OutputTokensDetails {
    /// Thought.
    pub reasoning_tokens: u64,
}
