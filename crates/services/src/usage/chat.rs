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
    usage::{Call, ChatCompletion, Metered, Standing, Timing, TokenCounts, likely_tokens},
};

use super::{
    Admission, Asked, Attempts, ChatError, Explanation, Gate, Items, Leaving, NewCall, Settler,
    attempts::{Pieces, Whole},
    pump::{Means, Pump},
};
use crate::{Base, Tasks};

/// Calls models.
pub struct ChatService {
    pub(super) base: Base,
    pub(super) tasks: Tasks,
    sleeper: Arc<dyn Sleeper>,
    pub(super) gate: Arc<Gate>,
    pub(super) attempts: Attempts,
    pub(super) settler: Arc<Settler>,
    leaving: Arc<Leaving>,
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
    /// The bound on the output, where the credits left room for less than was wanted.
    pub shortened_to: Option<u64>,
}

/// An answer that comes in pieces. The last one says that it is paid for.
pub struct Streaming {
    /// The record, running.
    pub call: Call,
    /// Where the limits stand.
    pub standings: Vec<Standing>,
    /// The bound on the output, where the credits left room for less than was wanted.
    pub shortened_to: Option<u64>,
    /// The pieces.
    pub items: Items,
}

impl ChatService {
    /// A service that runs its calls in these tasks.
    #[must_use]
    pub fn new(
        base: Base,
        tasks: Tasks,
        sleeper: Arc<dyn Sleeper>,
        gate: Arc<Gate>,
        attempts: Attempts,
        settler: Arc<Settler>,
        leaving: Arc<Leaving>,
    ) -> Arc<Self> {
        let stopping = AtomicBool::new(false);
        Arc::new(Self { base, tasks, sleeper, gate, attempts, settler, leaving, stopping })
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

    /// What would become of a call, if it were made now.
    ///
    /// # Errors
    ///
    /// See [`ChatError`]; that it would be refused is none.
    pub async fn explain<A: Asked>(
        &self,
        permit: Permit<UseAi>,
        wanted: A::Wanted,
    ) -> Result<Explanation, ChatError> {
        self.gate.explain::<A>(&permit, &wanted).await
    }

    pub(super) fn refuse_when_stopping(&self) -> Result<(), ChatError> {
        if self.stopping.load(Ordering::Relaxed) { Err(ChatError::Stopping) } else { Ok(()) }
    }

    async fn call(&self, mut admission: Admission) -> Result<Completed, ChatError> {
        let asked_at = self.base.now();
        let answer = self.attempts.ask::<Whole>(&mut admission, self.gate.limits()).await;
        let timing = self.timing(&admission, asked_at);
        let completion = match answer {
            Ok(completion) => completion,
            Err(error) => return Err(self.failed(&admission, error, timing).await),
        };
        let produced = produced_bytes(&completion);
        let told = completion.usage.filter(|told| is_credible(&admission, told));
        let (tokens, estimated) = match told {
            Some(tokens) => (tokens, false),
            None => (estimated(&admission, produced), true),
        };
        let call = self.settler.settle(&admission, tokens, estimated, timing).await?;
        let Admission { standings, shortened_to, .. } = admission;
        Ok(Completed { call, completion, tokens, standings, shortened_to })
    }

    async fn open(&self, mut admission: Admission) -> Result<Streaming, ChatError> {
        let asked_at = self.base.now();
        let stream = match self.attempts.ask::<Pieces>(&mut admission, self.gate.limits()).await {
            Ok(stream) => stream,
            Err(error) => {
                let timing = self.timing(&admission, asked_at);
                return Err(self.failed(&admission, error, timing).await);
            }
        };
        let (reader, items) = Items::channel();
        let (call, standings) = (admission.call.clone(), admission.standings.clone());
        let shortened_to = admission.shortened_to;
        let means = Means {
            base: self.base.clone(),
            settler: Arc::clone(&self.settler),
            sleeper: Arc::clone(&self.sleeper),
            circuits: Arc::clone(self.attempts.circuits()),
            leaving: Arc::clone(&self.leaving),
        };
        let pump = Pump::new(means, admission, asked_at, reader);
        self.tasks.spawn(pump.run(stream));
        Ok(Streaming { call, standings, shortened_to, items })
    }

    pub(super) async fn failed<A>(
        &self,
        admission: &Admission<A>,
        error: ChatError,
        timing: Timing,
    ) -> ChatError {
        if let Err(failed) = self.settler.fail(admission, error.failure(), timing).await {
            tracing::error!(error = %failed, call.id = %admission.call.id, "a hold stays open");
        }
        error
    }

    pub(super) fn timing<A>(&self, admission: &Admission<A>, asked_at: Timestamp) -> Timing {
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
        input: admission.candidate.estimate.likely_input,
        output: likely_tokens(produced_bytes),
        ..TokenCounts::default()
    }
}

/// Whether a figure can be charged. One that does not fit anywhere is as good as none.
pub(super) fn is_credible(admission: &Admission, told: &TokenCounts) -> bool {
    let Admission { candidate, call, .. } = admission;
    let metered = Metered::of(&candidate.price, call.markup, call.credential, *told, false);
    told.total().is_ok() && metered.is_ok()
}

fn produced_bytes(completion: &ChatCompletion) -> u64 {
    completion.choices.iter().map(|choice| choice.bytes() as u64).sum()
}
