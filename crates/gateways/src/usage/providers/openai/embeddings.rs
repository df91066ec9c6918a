//! Vectors, asked of `OpenAI`. They are asked for in base64, as its own clients do: it is exact, and
//! less than half as long. Whoever answers in lists anyway is understood too.
use cape_domain::usage::{EmbeddingInput, EmbeddingRequest, Embeddings, UnsupportedParameter};
use cape_wire::{
    Unknown,
    openai::{
        EmbeddingInput as BodyInput, EmbeddingRequest as Body, EmbeddingResponse, EncodingFormat,
        embeddings::decoded,
    },
};
use reqwest::Url;

use super::{
    super::{embedding::EmbeddingFormat, failure::Unreadable, format::unsupported},
    OpenAiFormat,
};

impl EmbeddingFormat for OpenAiFormat {
    type Inputs = Body;

    const MOST_INPUTS: usize = 2_048;

    fn embeddings_address(&self, base: &Url, model: &str) -> Url {
        self.place(base, model, &["embeddings"])
    }

    fn inputs(
        &self,
        request: &EmbeddingRequest,
        inputs: &[EmbeddingInput],
    ) -> Result<Body, UnsupportedParameter> {
        Ok(Body {
            model: request.model.clone(),
            input: body_input(inputs).ok_or_else(|| unsupported("input"))?,
            dimensions: request.dimensions.map(u64::from),
            encoding_format: Some(EncodingFormat::Base64),
            user: request.end_user.clone(),
            unknown: Unknown::new(),
        })
    }

    fn vectors(&self, body: &[u8]) -> Result<Embeddings, Unreadable> {
        let answer: EmbeddingResponse = serde_json::from_slice(body)?;
        let mut all = answer.data;
        all.sort_by_key(|one| one.index);
        if !all.iter().map(|one| one.index).eq(0..all.len() as u64) {
            return Err(Unreadable::Shape("vectors that are not each at its own place"));
        }
        let numbers = all.into_iter().map(|one| decoded(one.embedding));
        let vectors: Option<Vec<_>> = numbers.collect();
        let vectors = vectors.ok_or(Unreadable::Shape("a vector that is no base64"))?;
        Ok(Embeddings { vectors, input_tokens: answer.usage.prompt_tokens })
    }
}

/// All of them as texts, or all as tokens: there is no word for both at once.
fn body_input(inputs: &[EmbeddingInput]) -> Option<BodyInput> {
    let text = |input: &EmbeddingInput| match input {
        EmbeddingInput::Text(text) => Some(text.clone()),
        EmbeddingInput::Tokens(_) => None,
    };
    let tokens = |input: &EmbeddingInput| match input {
        EmbeddingInput::Tokens(tokens) => Some(tokens.clone()),
        EmbeddingInput::Text(_) => None,
    };
    let texts: Option<Vec<_>> = inputs.iter().map(text).collect();
    let tokens = || inputs.iter().map(tokens).collect::<Option<Vec<_>>>();
    texts.map(BodyInput::Texts).or_else(|| tokens().map(BodyInput::TokenLists))
}
