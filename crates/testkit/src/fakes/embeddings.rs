//! A provider of vectors that says what a test wrote down.
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use cape_domain::usage::{
    EmbeddingProvider, EmbeddingRequest, Embeddings, ModelProviderError, UnsupportedParameter,
};

/// Each call takes the next answer; a call beyond the last one is
/// [`ModelProviderError::Unavailable`].
#[derive(Default)]
pub struct ScriptedEmbeddings {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    answers: VecDeque<Result<Embeddings, ModelProviderError>>,
    unsupported: Option<String>,
    requests: Vec<EmbeddingRequest>,
}

impl ScriptedEmbeddings {
    /// The next call is answered.
    pub fn will_answer(&self, answer: Embeddings) {
        self.state().answers.push_back(Ok(answer));
    }

    /// The next call fails.
    pub fn will_fail(&self, error: ModelProviderError) {
        self.state().answers.push_back(Err(error));
    }

    /// From now on requests fail their check because of this parameter.
    pub fn does_not_support(&self, parameter: &str) {
        self.state().unsupported = Some(parameter.to_owned());
    }

    /// What was asked, the oldest first. Checks are nothing that is asked.
    #[must_use]
    pub fn requests(&self) -> Vec<EmbeddingRequest> {
        self.state().requests.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl EmbeddingProvider for ScriptedEmbeddings {
    fn check(&self, _: &EmbeddingRequest) -> Result<(), UnsupportedParameter> {
        match &self.state().unsupported {
            None => Ok(()),
            Some(parameter) => Err(UnsupportedParameter { parameter: parameter.clone() }),
        }
    }

    async fn embed(&self, request: &EmbeddingRequest) -> Result<Embeddings, ModelProviderError> {
        let mut state = self.state();
        state.requests.push(request.clone());
        let nothing = || Err(ModelProviderError::Unavailable("nothing was written down".into()));
        state.answers.pop_front().unwrap_or_else(nothing)
    }
}

#[cfg(test)]
mod tests {
    use cape_domain::usage::FailureKind;

    use super::*;
    use crate::fixtures::embedding_request;

    #[tokio::test]
    async fn each_call_takes_the_next_answer() {
        let fake = ScriptedEmbeddings::default();
        let answer = Embeddings { vectors: vec![vec![1.0]], input_tokens: Some(2) };
        fake.will_answer(answer.clone());
        fake.will_fail(ModelProviderError::Timeout);
        let request = embedding_request(&["hello"]);
        let ask = async || fake.embed(&request).await.map_err(|error| error.kind());
        assert_eq!(ask().await, Ok(answer));
        assert_eq!(ask().await, Err(FailureKind::Timeout));
        assert_eq!(ask().await, Err(FailureKind::Unavailable));
        assert_eq!(fake.requests(), vec![request.clone(); 3]);
    }

    #[test]
    fn a_parameter_that_is_not_supported_is_named() {
        let fake = ScriptedEmbeddings::default();
        let request = embedding_request(&["hello"]);
        assert_eq!(fake.check(&request), Ok(()));
        fake.does_not_support("dimensions");
        let parameter = "dimensions".to_owned();
        assert_eq!(fake.check(&request), Err(UnsupportedParameter { parameter }));
        assert_eq!(fake.requests(), []);
    }
}
