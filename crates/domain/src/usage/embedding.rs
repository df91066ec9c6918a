//! Turning texts into vectors.
use async_trait::async_trait;

use crate::usage::{ModelProviderError, UnsupportedParameter};

/// Texts to turn into vectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddingRequest {
    /// The model, as its provider names it, or as the caller did.
    pub model: String,
    /// What to turn into vectors, each into one. Never empty.
    pub inputs: Vec<EmbeddingInput>,
    /// How many numbers each vector shall have. The model decides, where it is not said.
    pub dimensions: Option<u32>,
    /// The caller's own user, for the provider's eyes.
    pub end_user: Option<String>,
}

/// What becomes one vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmbeddingInput {
    /// A text. Never empty.
    Text(String),
    /// The tokens of a text, by the model's own numbers. Never empty.
    Tokens(Vec<u32>),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Embeddings {
    /// A vector for each input, in their order.
    pub vectors: Vec<Vec<f32>>,
    /// How many tokens went in, if the provider told.
    pub input_tokens: Option<u64>,
}

/// Asks one provider for vectors, in its own format.
#[async_trait]
pub trait EmbeddingProvider: Send + Sync {
    /// Checks that the provider's format can say all that is asked.
    ///
    /// # Errors
    ///
    /// [`UnsupportedParameter`] names what it cannot.
    fn check(&self, request: &EmbeddingRequest) -> Result<(), UnsupportedParameter>;

    /// Asks for a vector for each input.
    ///
    /// # Errors
    ///
    /// See [`ModelProviderError`]. There is no answer to some of the inputs alone.
    async fn embed(&self, request: &EmbeddingRequest) -> Result<Embeddings, ModelProviderError>;
}
