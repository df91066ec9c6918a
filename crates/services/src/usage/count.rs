//! Counting the tokens of a call that is not made.
//!
//! The provider that runs the model is asked: nobody else knows. It costs nothing, so nothing is
//! held, recorded or counted towards the quota; it counts as a request at the limits of the plan,
//! because the provider limits us for it.
use std::sync::Arc;

use cape_domain::{
    access::{Permit, UseAi},
    usage::{ChatRequest, Standing},
};

use super::{ChatError, Gate, admission::Question, limits::Used};

/// Counts tokens.
pub struct CountService {
    gate: Arc<Gate>,
}

/// How many tokens a call would put in.
#[derive(Clone, Debug)]
pub struct Counted {
    /// All of them, as its provider counts.
    pub input_tokens: u64,
    /// Where the limits stand.
    pub standings: Vec<Standing>,
}

impl CountService {
    /// Counts for whom this gate lets in.
    #[must_use]
    pub fn new(gate: Arc<Gate>) -> Arc<Self> {
        Arc::new(Self { gate })
    }

    /// Asks how many tokens `chat` would put in. The model is the name that the caller used; how
    /// much may come out makes no difference.
    ///
    /// # Errors
    ///
    /// See [`ChatError`]. A question that came to nothing counts nowhere.
    pub async fn count(
        &self,
        permit: Permit<UseAi>,
        chat: ChatRequest,
    ) -> Result<Counted, ChatError> {
        let question = self.gate.admit_question(&permit, chat).await?;
        let Question { chat, provider, asked_of, claims, standings } = question;
        match provider.count_tokens(&chat).await {
            Ok(input_tokens) => Ok(Counted { input_tokens, standings }),
            Err(error) => {
                self.gate.limits().correct_all(&claims, Used::default()).await;
                Err(ChatError::asking(error, asked_of))
            }
        }
    }
}
