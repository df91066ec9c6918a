//! A provider of judgements that says what a test wrote down.
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use cape_domain::usage::{
    ModelProviderError, ModerationProvider, ModerationRequest, Moderations, UnsupportedParameter,
};

/// Each call takes the next answer; a call beyond the last one is
/// [`ModelProviderError::Unavailable`].
#[derive(Default)]
pub struct ScriptedModerations {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    answers: VecDeque<Result<Moderations, ModelProviderError>>,
    requests: Vec<ModerationRequest>,
}

impl ScriptedModerations {
    /// The next call is answered.
    pub fn will_answer(&self, answer: Moderations) {
        self.state().answers.push_back(Ok(answer));
    }

    /// The next call fails.
    pub fn will_fail(&self, error: ModelProviderError) {
        self.state().answers.push_back(Err(error));
    }

    /// What was asked, the oldest first. Checks are nothing that is asked.
    #[must_use]
    pub fn requests(&self) -> Vec<ModerationRequest> {
        self.state().requests.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ModerationProvider for ScriptedModerations {
    fn check(&self, _: &ModerationRequest) -> Result<(), UnsupportedParameter> {
        Ok(())
    }

    async fn moderate(
        &self,
        request: &ModerationRequest,
    ) -> Result<Moderations, ModelProviderError> {
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
    use crate::fixtures::moderation_request;

    #[tokio::test]
    async fn each_call_takes_the_next_answer() {
        let fake = ScriptedModerations::default();
        let answer = Moderations { judgements: vec![] };
        fake.will_answer(answer.clone());
        fake.will_fail(ModelProviderError::Timeout);
        let request = moderation_request(&["hello"]);
        assert_eq!(fake.check(&request), Ok(()));
        let ask = async || fake.moderate(&request).await.map_err(|error| error.kind());
        assert_eq!(ask().await, Ok(answer));
        assert_eq!(ask().await, Err(FailureKind::Timeout));
        assert_eq!(ask().await, Err(FailureKind::Unavailable));
        assert_eq!(fake.requests(), vec![request.clone(); 3]);
    }
}
