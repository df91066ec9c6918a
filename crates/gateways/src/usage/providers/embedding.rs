//! Asking for vectors, whatever the format. It is asked in as many requests as the provider needs,
//! one after the other; should one fail, all have.
use async_trait::async_trait;
use cape_domain::usage::{
    EmbeddingInput, EmbeddingProvider, EmbeddingRequest, Embeddings, ModelProviderError,
    UnsupportedParameter,
};
use reqwest::Url;
use serde::Serialize;
use tokio::time::timeout;

use super::{
    failure::Unreadable,
    format::Format,
    provider::{Provider, read, unsaid},
};

/// The most bytes of an answer. As many inputs as a caller may send at once, each as a list of
/// 3 072 numbers, are less.
const LARGEST_ANSWER: usize = 96 * 1024 * 1024;

/// The words of a provider that has models for vectors.
pub trait EmbeddingFormat: Format {
    /// What it is sent.
    type Inputs: Serialize + Send + Sync;

    /// How many inputs go into one request.
    const MOST_INPUTS: usize;

    /// Where exactly to send a request. `base` can be a base.
    fn embeddings_address(&self, base: &Url, model: &str) -> Url;

    /// What to send for these of its inputs.
    ///
    /// # Errors
    ///
    /// [`UnsupportedParameter`] names what the format has no word for.
    fn inputs(
        &self,
        request: &EmbeddingRequest,
        inputs: &[EmbeddingInput],
    ) -> Result<Self::Inputs, UnsupportedParameter>;

    /// Reads an answer.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    fn vectors(&self, body: &[u8]) -> Result<Embeddings, Unreadable>;
}

impl<F: EmbeddingFormat> Provider<F> {
    /// Asks for the vectors of some inputs, in one request.
    async fn embed_some(
        &self,
        request: &EmbeddingRequest,
        inputs: &[EmbeddingInput],
    ) -> Result<Embeddings, ModelProviderError> {
        let body = self.format.inputs(request, inputs).map_err(unsaid)?;
        let address = self.format.embeddings_address(&self.base, &request.model);
        let answer = read(self.send(address, &body).await?, LARGEST_ANSWER).await?;
        let answer = self.format.vectors(&answer)?;
        check(&answer.vectors, inputs.len())?;
        Ok(answer)
    }
}

#[async_trait]
impl<F: EmbeddingFormat> EmbeddingProvider for Provider<F> {
    fn check(&self, request: &EmbeddingRequest) -> Result<(), UnsupportedParameter> {
        self.format.inputs(request, &request.inputs).map(drop)
    }

    async fn embed(&self, request: &EmbeddingRequest) -> Result<Embeddings, ModelProviderError> {
        let answer = async {
            let mut vectors = Vec::with_capacity(request.inputs.len());
            let mut input_tokens = Some(0_u64);
            for inputs in request.inputs.chunks(F::MOST_INPUTS) {
                let some = self.embed_some(request, inputs).await?;
                vectors.extend(some.vectors);
                // Of what is told in part, the sum is not known.
                let sum = input_tokens.zip(some.input_tokens);
                input_tokens = sum.and_then(|(sum, more)| sum.checked_add(more));
            }
            Ok(Embeddings { vectors, input_tokens })
        };
        timeout(self.answer_timeout, answer).await.unwrap_or(Err(ModelProviderError::Timeout))
    }
}

/// There is a vector for each input, and all are of one length and made of numbers.
fn check(vectors: &[Vec<f32>], inputs: usize) -> Result<(), Unreadable> {
    let dimensions = vectors.first().map_or(0, Vec::len);
    if vectors.len() != inputs {
        return Err(Unreadable::Shape("not as many vectors as there were inputs"));
    }
    if dimensions == 0 || vectors.iter().any(|vector| vector.len() != dimensions) {
        return Err(Unreadable::Shape("vectors of different lengths, or of none"));
    }
    if vectors.iter().flatten().any(|number| !number.is_finite()) {
        return Err(Unreadable::Shape("a vector of what is no number"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_as_many_as_inputs_and_of_one_length_and_of_numbers() {
        assert_eq!(check(&[vec![1.0, 2.0], vec![0.0, -1.0]], 2), Ok(()));
        for (vectors, inputs) in [
            (vec![vec![1.0]], 2),
            (vec![vec![1.0], vec![1.0]], 1),
            (vec![vec![1.0], vec![1.0, 2.0]], 2),
            (vec![vec![]], 1),
            (vec![vec![f32::NAN]], 1),
            (vec![vec![f32::INFINITY]], 1),
        ] {
            assert!(check(&vectors, inputs).is_err(), "{vectors:?}");
        }
    }
}
