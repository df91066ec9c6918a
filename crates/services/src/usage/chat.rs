//! Calling a model on behalf of a program.
//!
//! The provider is asked in a tracked task, never in the caller's own: who hangs up pays for
//! what was produced, and a hold never stays open because somebody left.
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use cape_domain::{
    access::{Permit, UseAi},
    time::{Sleeper, Timestamp},
    usage::{
        Call, ChatCompletion, ModelProviderError, Standing, Timing, TokenCounts, likely_tokens,
    },
};
use tokio::sync::mpsc;

use super::{
    Admission, ChatError, Gate, NewCall, Settler,
    pump::{Pump, StreamItem},
};
use crate::{Base, Tasks};

/// Calls models.
pub struct ChatService {
    base: Base,
    tasks: Tasks,
    sleeper: Arc<dyn Sleeper>,
    gate: Arc<Gate>,
    settler: Arc<Settler>,
    stopping: AtomicBool,
}

/// An answer that came in one piece, paid for.
pub struct Completed {
    /// The record, settled.
    pub call: Call,
    /// The answer.
    pub completion: ChatCompletion,
    /// What was used: the provider's figure, or our estimate.
    pub tokens: TokenCounts,
    /// Where the limits stand.
    pub standings: Vec<Standing>,
}

/// An answer that comes in pieces. The last one says that it is paid for.
pub struct Streaming {
    /// The record, running.
    pub call: Call,
    /// Where the limits stand.
    pub standings: Vec<Standing>,
    /// The pieces.
    pub items: mpsc::Receiver<StreamItem>,
}

/// How many pieces may wait for a slow reader.
const BUFFER: usize = 64;

impl ChatService {
    /// A service that runs its calls in these tasks.
    #[must_use]
    pub fn new(
        base: Base,
        tasks: Tasks,
        sleeper: Arc<dyn Sleeper>,
        gate: Arc<Gate>,
        settler: Arc<Settler>,
    ) -> Arc<Self> {
        Arc::new(Self { base, tasks, sleeper, gate, settler, stopping: AtomicBool::new(false) })
    }

    /// Lets no new call in. Those that are running go on.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Asks a model for an answer in one piece.
    ///
    /// # Errors
    ///
    /// See [`ChatError`].
    pub async fn complete(
        self: &Arc<Self>,
        permit: Permit<UseAi>,
        new: NewCall,
    ) -> Result<Completed, ChatError> {
        self.refuse_when_stopping()?;
        let this = Arc::clone(self);
        let task = self.tasks.spawn(async move {
            let admission = this.gate.admit(&permit, new).await?;
            this.call(admission).await
        });
        task.await.map_err(|_| ChatError::Stopping)?
    }

    /// Asks a model for an answer in pieces.
    ///
    /// # Errors
    ///
    /// See [`ChatError`]. What fails after the first piece is told in the stream.
    pub async fn stream(
        self: &Arc<Self>,
        permit: Permit<UseAi>,
        new: NewCall,
    ) -> Result<Streaming, ChatError> {
        self.refuse_when_stopping()?;
        let this = Arc::clone(self);
        let task = self.tasks.spawn(async move {
            let admission = this.gate.admit(&permit, new).await?;
            this.open(admission).await
        });
        task.await.map_err(|_| ChatError::Stopping)?
    }

    fn refuse_when_stopping(&self) -> Result<(), ChatError> {
        if self.stopping.load(Ordering::Relaxed) { Err(ChatError::Stopping) } else { Ok(()) }
    }

    async fn call(&self, admission: Admission) -> Result<Completed, ChatError> {
        let asked_at = self.base.now();
        let answer = admission.provider.complete(&admission.chat).await;
        let timing = self.timing(&admission, asked_at);
        let completion = match answer {
            Ok(completion) => completion,
            Err(error) => return Err(self.failed(&admission, error, timing).await),
        };
        let produced = produced_bytes(&completion);
        let (tokens, estimated) = match completion.usage {
            Some(tokens) => (tokens, false),
            None => (estimated(&admission, produced), true),
        };
        let call = self.settler.settle(&admission, tokens, estimated, timing).await?;
        Ok(Completed { call, completion, tokens, standings: admission.standings })
    }

    async fn open(&self, admission: Admission) -> Result<Streaming, ChatError> {
        let asked_at = self.base.now();
        let stream = match admission.provider.stream(&admission.chat).await {
            Ok(stream) => stream,
            Err(error) => {
                let timing = self.timing(&admission, asked_at);
                return Err(self.failed(&admission, error, timing).await);
            }
        };
        let (sender, items) = mpsc::channel(BUFFER);
        let (call, standings) = (admission.call.clone(), admission.standings.clone());
        let settler = Arc::clone(&self.settler);
        let sleeper = Arc::clone(&self.sleeper);
        let pump = Pump::new(self.base.clone(), settler, sleeper, admission, asked_at, sender);
        self.tasks.spawn(pump.run(stream));
        Ok(Streaming { call, standings, items })
    }

    async fn failed(
        &self,
        admission: &Admission,
        error: ModelProviderError,
        timing: Timing,
    ) -> ChatError {
        match self.settler.fail(admission, error.kind(), timing).await {
            Ok(_) => error.into(),
            Err(failed) => {
                tracing::error!(error = %failed, call.id = %admission.call.id, "a hold stays open");
                error.into()
            }
        }
    }

    fn timing(&self, admission: &Admission, asked_at: Timestamp) -> Timing {
        let now = self.base.now();
        let since = |then: Timestamp| (now - then).to_std().unwrap_or_default();
        Timing {
            total: since(admission.call.started_at),
            provider: since(asked_at),
            first_token: None,
        }
    }
}

/// What was used, where the provider did not tell.
pub(super) fn estimated(admission: &Admission, produced_bytes: u64) -> TokenCounts {
    TokenCounts {
        input: admission.estimate.likely_input,
        output: likely_tokens(produced_bytes),
        ..TokenCounts::default()
    }
}

fn produced_bytes(completion: &ChatCompletion) -> u64 {
    let calls = completion.tool_calls.iter().map(|call| call.name.len() + call.arguments.len());
    (completion.text.len() + calls.sum::<usize>()) as u64
}
