//! Counting tokens beforehand.
use serde::{Deserialize, Serialize};

use super::{content::Content, request::GenerateContentRequest};
use crate::lenient;

/// The body of `POST /v1beta/models/{model}:countTokens`: contents alone, or a whole request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CountTokensRequest {
    /// The conversation so far, oldest first.
    #[serde(
        default,
        deserialize_with = "lenient::or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub contents: Vec<Content>,
    /// All that would be sent; not together with `contents`.
    #[serde(default, alias = "generate_content_request", skip_serializing_if = "Option::is_none")]
    pub generate_content_request: Option<Box<GenerateContentRequest>>,
}

/// How many tokens it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CountTokensResponse {
    /// All of them.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub total_tokens: Option<u64>,
}
