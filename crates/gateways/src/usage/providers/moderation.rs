//! Asking for judgements, whatever the format.
use async_trait::async_trait;
use cape_domain::usage::{
    Judgement, ModelProviderError, ModerationProvider, ModerationRequest, Moderations,
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

/// The most bytes of an answer. As many texts as a caller may send at once come to less.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// The words of a provider that has models that judge.
pub trait ModerationFormat: Format {
    /// What it is sent.
    type Judged: Serialize + Send + Sync;

    /// Where exactly to send a request. `base` can be a base.
    fn moderations_address(&self, base: &Url, model: &str) -> Url;

    /// What to send.
    ///
    /// # Errors
    ///
    /// [`UnsupportedParameter`] names what the format has no word for.
    fn judged(&self, request: &ModerationRequest) -> Result<Self::Judged, UnsupportedParameter>;

    /// Reads an answer.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    fn judgements(&self, body: &[u8]) -> Result<Moderations, Unreadable>;
}

#[async_trait]
impl<F: ModerationFormat> ModerationProvider for Provider<F> {
    fn check(&self, request: &ModerationRequest) -> Result<(), UnsupportedParameter> {
        self.format.judged(request).map(drop)
    }

    async fn moderate(
        &self,
        request: &ModerationRequest,
    ) -> Result<Moderations, ModelProviderError> {
        let answer = async {
            let body = self.format.judged(request).map_err(unsaid)?;
            let address = self.format.moderations_address(&self.base, &request.model);
            let answer = read(self.send(address, &body).await?, LARGEST_ANSWER).await?;
            let answer = self.format.judgements(&answer)?;
            check(&answer.judgements, request.inputs.len())?;
            Ok(answer)
        };
        timeout(self.answer_timeout, answer).await.unwrap_or(Err(ModelProviderError::Timeout))
    }
}

/// There is a judgement of each input: one that is missing must not pass for one that is harmless.
fn check(judgements: &[Judgement], inputs: usize) -> Result<(), Unreadable> {
    if judgements.len() != inputs {
        return Err(Unreadable::Shape("not as many judgements as there were inputs"));
    }
    Ok(())
}
