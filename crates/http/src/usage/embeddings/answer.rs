//! From vectors to `OpenAI`'s answer.
use cape_services::usage::Embedded;
use cape_wire::openai::{
    Embedding, EmbeddingObject, EmbeddingResponse, EmbeddingUsage, ListObject, Vector,
    embeddings::encoded,
};

/// How vectors are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As lists of numbers.
    Numbers,
    /// In base64.
    Base64,
}

/// The answer to a request for `name`.
pub(super) fn response(name: String, form: Form, embedded: Embedded) -> EmbeddingResponse {
    let Embedded { vectors, tokens, .. } = embedded;
    let written = |numbers: Vec<f32>| match form {
        Form::Numbers => Vector::Parts(numbers),
        Form::Base64 => encoded(&numbers),
    };
    let embedding = |(numbers, index)| Embedding {
        object: EmbeddingObject,
        index,
        embedding: written(numbers),
    };
    let used = Some(tokens.total_input());
    EmbeddingResponse {
        object: ListObject,
        data: vectors.into_iter().zip(0..).map(embedding).collect(),
        model: name,
        usage: EmbeddingUsage { prompt_tokens: used, total_tokens: used },
    }
}
