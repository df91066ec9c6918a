//! Embeddings: texts go in, and a vector comes out for each.
use serde::{Deserialize, Serialize};

use super::content::{Content, Part};
use crate::lenient;

/// The body of `POST /v1beta/models/{model}:batchEmbedContents`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchEmbedContentsRequest {
    /// One for each vector. At most a hundred.
    pub requests: Vec<EmbedContentRequest>,
}

/// What becomes one vector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmbedContentRequest {
    /// The model, as `models/…`: the same that the address names.
    pub model: String,
    /// The text.
    pub content: Content,
    /// How many numbers the vector shall have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(alias = "output_dimensionality")]
    pub output_dimensionality: Option<u32>,
}

/// What is answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchEmbedContentsResponse {
    /// A vector for each request, in their order.
    pub embeddings: Vec<ContentEmbedding>,
    /// What was used. Not every model tells it.
    #[serde(default, deserialize_with = "lenient::counters_or_none")]
    pub usage_metadata: EmbeddingUsageMetadata,
}

/// One vector.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ContentEmbedding {
    /// Its numbers.
    pub values: Vec<f32>,
}

/// How many tokens were used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmbeddingUsageMetadata {
    /// Those that went in.
    #[serde(default, deserialize_with = "lenient::count", skip_serializing_if = "Option::is_none")]
    pub prompt_token_count: Option<u64>,
}

impl EmbedContentRequest {
    /// A text for this model.
    #[must_use]
    pub fn of(model: &str, text: impl Into<String>) -> Self {
        let part = Part { text: Some(text.into()), ..Part::default() };
        Self {
            model: format!("models/{model}"),
            content: Content { role: None, parts: vec![part] },
            output_dimensionality: None,
        }
    }
}
