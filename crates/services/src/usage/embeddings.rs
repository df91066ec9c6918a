//! Turning texts into vectors on behalf of a program. All that holds for chats holds for it.
use std::sync::Arc;

use cape_domain::{
    access::{Permit, UseAi},
    usage::{Call, EmbeddingRequest, Embeddings, ModelProviderError, Standing, TokenCounts},
};

use super::{Admission, AskedEmbedding, Candidate, ChatError, ChatService, attempts::Way};

/// Vectors, paid for.
pub struct Embedded {
    /// The record, settled.
    pub call: Call,
    /// A vector for each input, in their order.
    pub vectors: Vec<Vec<f32>>,
    /// What was used: the provider's figure, or our estimate.
    pub tokens: TokenCounts,
    /// Where the limits stand.
    pub standings: Vec<Standing>,
}

/// Vectors.
struct Vectors;

impl Way for Vectors {
    type Asked = AskedEmbedding;
    type Answer = Embeddings;

    async fn ask(candidate: &Candidate<AskedEmbedding>) -> Result<Embeddings, ModelProviderError> {
        candidate.asked.port.embed(&candidate.asked.request).await
    }
}

impl ChatService {
    /// Asks a model for vectors. The model is the name that the caller used.
    ///
    /// # Errors
    ///
    /// See [`ChatError`].
    pub async fn embed(
        self: &Arc<Self>,
        permit: Permit<UseAi>,
        wanted: EmbeddingRequest,
    ) -> Result<Embedded, ChatError> {
        self.refuse_when_stopping()?;
        let this = Arc::clone(self);
        let task = self.tasks.spawn(async move {
            let admission = this.gate.admit(&permit, wanted).await?;
            this.turn_into_vectors(admission).await
        });
        task.await.map_err(|_| ChatError::Stopping)?
    }

    async fn turn_into_vectors(
        &self,
        mut admission: Admission<AskedEmbedding>,
    ) -> Result<Embedded, ChatError> {
        let asked_at = self.base.now();
        let answer = self.attempts.ask::<Vectors>(&mut admission, self.gate.limits()).await;
        let timing = self.timing(&admission, asked_at);
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Err(self.failed(&admission, error, timing).await),
        };
        // Whoever does not tell is believed to have read what is likely.
        let input = answer.input_tokens.unwrap_or(admission.candidate.estimate.likely_input);
        let tokens = TokenCounts { input, ..TokenCounts::default() };
        let estimated = answer.input_tokens.is_none();
        let call = self.settler.settle(&admission, tokens, estimated, timing).await?;
        Ok(Embedded { call, vectors: answer.vectors, tokens, standings: admission.standings })
    }
}
