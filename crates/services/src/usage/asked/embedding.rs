//! Asking for vectors.
use std::sync::Arc;

use cape_domain::{
    billing::{BasisPoints, Credits},
    usage::{EmbeddingProvider, EmbeddingRequest, Estimate, Model, ModelKind, estimate_embedding},
};

use super::{
    super::{Candidate, ChatError, UsageRules},
    Asked, Upstream,
};

/// Texts, and who is asked to turn them into vectors.
#[derive(Clone)]
pub struct AskedEmbedding {
    /// What to ask: under the provider's name of the model.
    pub request: EmbeddingRequest,
    /// Whom to ask.
    pub port: Arc<dyn EmbeddingProvider>,
}

impl Asked for AskedEmbedding {
    type Wanted = EmbeddingRequest;

    fn name(wanted: &EmbeddingRequest) -> &str {
        &wanted.model
    }

    fn is_streamed(_: &EmbeddingRequest) -> bool {
        false
    }

    fn suits(kind: ModelKind) -> bool {
        matches!(kind, ModelKind::Embedding { .. })
    }

    fn of(
        wanted: &EmbeddingRequest,
        model: &Model,
        upstream: &Upstream,
        _: &UsageRules,
    ) -> Result<(Self, Estimate), ChatError> {
        let port = upstream.embeddings.as_ref().ok_or(ChatError::Disabled(model.provider))?;
        let request = EmbeddingRequest { model: model.upstream.clone(), ..wanted.clone() };
        check_dimensions(&request, model.kind)?;
        port.check(&request)?;
        // Each by itself: a vector is made of one input, whatever else is in the request.
        let window = model.context_window;
        let too_long = request.inputs.iter().position(|input| input.likely_tokens() > window);
        if let Some(input) = too_long {
            return Err(ChatError::InputTooLong { input, window });
        }
        let estimate = estimate_embedding(&request);
        Ok((Self { request, port: Arc::clone(port) }, estimate))
    }

    fn is_kept(&self) -> bool {
        false
    }

    /// Nothing comes out that could be shorter.
    fn shortened(
        _: &Candidate<Self>,
        _: Credits,
        _: BasisPoints,
    ) -> Option<(Candidate<Self>, u64)> {
        None
    }
}

fn check_dimensions(request: &EmbeddingRequest, kind: ModelKind) -> Result<(), ChatError> {
    let most = match kind {
        ModelKind::Embedding { dimensions } => dimensions,
        ModelKind::Chat | ModelKind::Moderation => 0,
    };
    match request.dimensions {
        Some(wanted) if wanted == 0 || wanted > most => {
            Err(ChatError::DimensionsOutOfRange { most })
        }
        Some(_) | None => Ok(()),
    }
}
