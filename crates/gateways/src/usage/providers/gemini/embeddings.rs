//! Vectors, asked of Gemini. What a caller's own user is called has no place in it.
//!
//! Its newer models tell what they used. What others do not tell is not asked for by counting
//! tokens beforehand: that would be a second request for each, which may fail by itself.
use cape_domain::usage::{EmbeddingInput, EmbeddingRequest, Embeddings, UnsupportedParameter};
use cape_wire::gemini::{
    BatchEmbedContentsRequest, BatchEmbedContentsResponse, EmbedContentRequest,
};
use reqwest::Url;

use super::{
    super::{
        embedding::EmbeddingFormat,
        failure::Unreadable,
        format::{below, unsupported},
    },
    GeminiFormat,
};

impl EmbeddingFormat for GeminiFormat {
    type Inputs = BatchEmbedContentsRequest;

    const MOST_INPUTS: usize = 100;

    fn embeddings_address(&self, base: &Url, model: &str) -> Url {
        below(base, &["v1beta", "models", &format!("{model}:batchEmbedContents")])
    }

    fn inputs(
        &self,
        request: &EmbeddingRequest,
        inputs: &[EmbeddingInput],
    ) -> Result<BatchEmbedContentsRequest, UnsupportedParameter> {
        let one = |input: &EmbeddingInput| match input {
            EmbeddingInput::Text(text) => Ok(EmbedContentRequest {
                output_dimensionality: request.dimensions,
                ..EmbedContentRequest::of(&request.model, text.as_str())
            }),
            EmbeddingInput::Tokens(_) => Err(unsupported("input")),
        };
        Ok(BatchEmbedContentsRequest {
            requests: inputs.iter().map(one).collect::<Result<_, _>>()?,
        })
    }

    fn vectors(&self, body: &[u8]) -> Result<Embeddings, Unreadable> {
        let answer: BatchEmbedContentsResponse = serde_json::from_slice(body)?;
        let vectors = answer.embeddings.into_iter().map(|one| one.values).collect();
        Ok(Embeddings { vectors, input_tokens: answer.usage_metadata.prompt_token_count })
    }
}
