//! Judging texts and images on behalf of a program. All that holds for chats holds for it.
use std::sync::Arc;

use cape_domain::{
    access::{Permit, UseAi},
    usage::{
        Call, Judgement, ModelProviderError, ModerationRequest, Moderations, Standing, TokenCounts,
    },
};

use super::{Admission, AskedModeration, Candidate, ChatError, ChatService, attempts::Way};

/// Judgements, paid for.
pub struct Moderated {
    /// The record, settled.
    pub call: Call,
    /// A judgement of each input, in their order.
    pub judgements: Vec<Judgement>,
    /// Where the limits stand.
    pub standings: Vec<Standing>,
}

/// Judgements.
struct Judging;

impl Way for Judging {
    type Asked = AskedModeration;
    type Answer = Moderations;

    async fn ask(
        candidate: &Candidate<AskedModeration>,
    ) -> Result<Moderations, ModelProviderError> {
        candidate.asked.port.moderate(&candidate.asked.request).await
    }
}

impl ChatService {
    /// Asks a model for judgements. The model is the name that the caller used.
    ///
    /// # Errors
    ///
    /// See [`ChatError`].
    pub async fn moderate(
        self: &Arc<Self>,
        permit: Permit<UseAi>,
        wanted: ModerationRequest,
    ) -> Result<Moderated, ChatError> {
        self.refuse_when_stopping()?;
        let this = Arc::clone(self);
        let task = self.tasks.spawn(async move {
            let admission = this.gate.admit(&permit, wanted).await?;
            this.judge(admission).await
        });
        task.await.map_err(|_| ChatError::Stopping)?
    }

    async fn judge(
        &self,
        mut admission: Admission<AskedModeration>,
    ) -> Result<Moderated, ChatError> {
        let asked_at = self.base.now();
        let answer = self.attempts.ask::<Judging>(&mut admission, self.gate.limits()).await;
        let timing = self.timing(&admission, asked_at);
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Err(self.failed(&admission, error, timing).await),
        };
        // No provider tells how much it read, so what is likely is believed. Where judging is free
        // that costs nothing, and where it had a price it would not be given away.
        let input = admission.candidate.estimate.likely_input;
        let tokens = TokenCounts { input, ..TokenCounts::default() };
        let call = self.settler.settle(&admission, tokens, true, timing).await?;
        let Admission { standings, .. } = admission;
        Ok(Moderated { call, judgements: answer.judgements, standings })
    }
}
