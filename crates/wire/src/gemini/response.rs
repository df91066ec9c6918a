//! An answer, or a piece of one in a stream.
use serde::{Deserialize, Serialize};

use super::{content::Content, error::ErrorBody};
use crate::{Raw, lenient, words::words};

/// The answer to a request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GenerateContentResponse {
    /// The answers; none where the prompt was refused.
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub candidates: Vec<Candidate>,
    /// What was thought of the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_feedback: Option<PromptFeedback>,
    /// What it took; in a stream, so far.
    #[serde(
        default,
        deserialize_with = "lenient::counters",
        skip_serializing_if = "Option::is_none"
    )]
    pub usage_metadata: Option<UsageMetadata>,
    /// The model that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_version: Option<String>,
    /// The answer's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_id: Option<String>,
}

/// One answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// What is said; none where it was withheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// Why it ended; none while it has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<FinishReason>,
    /// The same for humans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_message: Option<String>,
    /// Its place among the answers, from zero; the first is often left out.
    #[serde(default, deserialize_with = "lenient::count_or_zero")]
    pub index: u64,
    /// How likely its tokens were, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs_result: Option<LogprobsResult>,
}

/// How likely the tokens of an answer were.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogprobsResult {
    /// For each place, the likeliest tokens, the likeliest first.
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub top_candidates: Vec<TopCandidates>,
    /// For each place, the token that was chosen.
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub chosen_candidates: Vec<TokenCandidate>,
}

/// The likeliest tokens of one place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TopCandidates {
    /// The likeliest first.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub candidates: Vec<TokenCandidate>,
}

/// How likely one token was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenCandidate {
    /// The token.
    #[serde(default)]
    pub token: String,
    /// The natural logarithm of its probability.
    #[serde(default)]
    pub log_probability: f64,
}

words! {
    /// Why an answer ended.
    FinishReason {
        /// It was complete, or came to a stop text.
        Stop = "STOP",
        /// It was as long as it might be.
        MaxTokens = "MAX_TOKENS",
        /// Withheld: harmful.
        Safety = "SAFETY",
        /// Withheld: somebody's work.
        Recitation = "RECITATION",
        /// The language is not spoken.
        Language = "LANGUAGE",
        /// Withheld: a forbidden word.
        Blocklist = "BLOCKLIST",
        /// Withheld: forbidden content.
        ProhibitedContent = "PROHIBITED_CONTENT",
        /// Withheld: personal data.
        Spii = "SPII",
        /// Withheld: a harmful image.
        ImageSafety = "IMAGE_SAFETY",
        /// A call that cannot be read.
        MalformedFunctionCall = "MALFORMED_FUNCTION_CALL",
        /// A call though there is nothing to call.
        UnexpectedToolCall = "UNEXPECTED_TOOL_CALL",
    }
}

/// What was thought of a prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PromptFeedback {
    /// Why it was refused, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_reason: Option<BlockReason>,
    /// The same for humans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_reason_message: Option<String>,
}

words! {
    /// Why a prompt was refused.
    BlockReason {
        /// Harmful.
        Safety = "SAFETY",
        /// A forbidden word.
        Blocklist = "BLOCKLIST",
        /// Forbidden content.
        ProhibitedContent = "PROHIBITED_CONTENT",
        /// A harmful image.
        ImageSafety = "IMAGE_SAFETY",
    }
}

/// What an answer took, in tokens. A counter that was not told, or not in whole numbers, is `None`.
///
/// The provider leaves out counters that are zero, thoughts and cache above all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageMetadata {
    /// Sent, what was read from the cache included.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub prompt_token_count: Option<u64>,
    /// Produced, thoughts not included.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub candidates_token_count: Option<u64>,
    /// All of it.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub total_token_count: Option<u64>,
    /// Read from the cache; part of what was sent.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub cached_content_token_count: Option<u64>,
    /// Thought; produced as well, and paid for.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub thoughts_token_count: Option<u64>,
    /// Sent by the provider's own tools; not part of the prompt.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub tool_use_prompt_token_count: Option<u64>,
}

/// What one event of a stream can hold. There is no event that ends a stream.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamData {
    /// A piece of the answer.
    Response(Box<GenerateContentResponse>),
    /// The provider gave up in the middle.
    Error(ErrorBody),
}

impl StreamData {
    /// Reads the `data` of one event.
    ///
    /// # Errors
    ///
    /// When it is neither an error nor a response.
    pub fn read(data: &str) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Failure {
            #[serde(default)]
            error: Option<Raw>,
        }
        match serde_json::from_str::<Failure>(data)?.error {
            Some(_) => serde_json::from_str(data).map(Self::Error),
            None => serde_json::from_str(data).map(Self::Response),
        }
    }
}
