//! What can be asked of a model: all in which one kind of call differs from another until it is
//! made. Not here: who may ask, and what it costs.
mod chat;
mod embedding;
mod moderation;

use std::sync::Arc;

use cape_domain::{
    billing::{BasisPoints, Credits},
    usage::{ChatProvider, EmbeddingProvider, Estimate, Model, ModelKind, ModerationProvider},
};

pub use chat::AskedChat;
pub use embedding::AskedEmbedding;
pub use moderation::AskedModeration;

use super::{Candidate, ChatError, UsageRules};

/// Who can be asked at one provider.
#[derive(Clone)]
pub struct Upstream {
    /// For chats.
    pub chat: Arc<dyn ChatProvider>,
    /// For vectors. None, where the provider has no models for them.
    pub embeddings: Option<Arc<dyn EmbeddingProvider>>,
    /// For judgements. None, where the provider has no models for them.
    pub moderations: Option<Arc<dyn ModerationProvider>>,
}

impl Upstream {
    /// A provider that has models for chats alone.
    #[must_use]
    pub fn of_chats(provider: impl ChatProvider + 'static) -> Self {
        Self { chat: Arc::new(provider), embeddings: None, moderations: None }
    }

    /// A provider that has models for vectors too.
    #[must_use]
    pub fn of_both(provider: impl ChatProvider + EmbeddingProvider + 'static) -> Self {
        let provider = Arc::new(provider);
        Self { chat: provider.clone(), embeddings: Some(provider), moderations: None }
    }

    /// A provider that has models for vectors and for judgements too.
    #[must_use]
    pub fn of_all(
        provider: impl ChatProvider + EmbeddingProvider + ModerationProvider + 'static,
    ) -> Self {
        let provider = Arc::new(provider);
        Self {
            chat: provider.clone(),
            embeddings: Some(provider.clone()),
            moderations: Some(provider),
        }
    }
}

/// What is asked of a model, and of whom.
pub trait Asked: Clone + Send + Sync + 'static {
    /// What a caller wants to be asked.
    type Wanted: Send + Sync;

    /// The model, by the name that the caller used.
    fn name(wanted: &Self::Wanted) -> &str;

    /// Whether the answer is to come in pieces.
    fn is_streamed(wanted: &Self::Wanted) -> bool;

    /// Whether it can be asked of models of this kind.
    fn suits(kind: ModelKind) -> bool;

    /// The question as this model is asked it, and how large the call can become.
    ///
    /// # Errors
    ///
    /// [`ChatError`] says why the model cannot be asked this.
    fn of(
        wanted: &Self::Wanted,
        model: &Model,
        upstream: &Upstream,
        rules: &UsageRules,
    ) -> Result<(Self, Estimate), ChatError>;

    /// Whether the provider is told to keep what it reads: that may be dearer than reading.
    fn is_kept(&self) -> bool;

    /// The same call with an answer so short that it costs no more than `available` in the worst
    /// case, and the bound on that answer. None, where nothing can be left out.
    fn shortened(
        candidate: &Candidate<Self>,
        available: Credits,
        markup: BasisPoints,
    ) -> Option<(Candidate<Self>, u64)>;
}
