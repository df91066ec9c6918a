//! Asking one model after the other until one answers.
//!
//! Nothing has been sent to the caller while this goes on, so trying again is safe: once a
//! provider has begun to answer, it is the one. A call that is stopped is not waited for.
use std::{collections::VecDeque, sync::Arc, time::Duration};

use cape_domain::{
    time::{Sleeper, Timestamp},
    usage::{ChatCompletion, ChatStream, ModelProviderError},
};
use chrono::TimeDelta;

use super::{
    Admission, Asked, AskedChat, Candidate, ChatError, Circuits, CredentialRing, limits::Limits,
};
use crate::Base;

/// How often, and for how long, it is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptRules {
    /// How many attempts there are in all, over all models. 1 or more.
    pub most: u32,
    /// How long after the first attempt began another may begin, and how long that may take.
    pub within: TimeDelta,
    /// How long to wait before the same model is asked again; each time twice as long, unless the
    /// provider says how long.
    pub pause: Duration,
}

impl Default for AttemptRules {
    fn default() -> Self {
        let (within, pause) = (TimeDelta::seconds(60), Duration::from_millis(250));
        Self { most: 3, within, pause }
    }
}

/// Tries the candidates of a call.
pub struct Attempts {
    base: Base,
    sleeper: Arc<dyn Sleeper>,
    circuits: Arc<Circuits>,
    credentials: Arc<CredentialRing>,
    rules: AttemptRules,
}

/// What is asked of a model.
pub(super) trait Way {
    /// What is asked.
    type Asked: Asked;
    /// What it answers.
    type Answer: Send;

    /// Asks once.
    fn ask(
        candidate: &Candidate<Self::Asked>,
    ) -> impl Future<Output = Result<Self::Answer, ModelProviderError>> + Send;
}

/// An answer in one piece.
pub(super) struct Whole;

impl Way for Whole {
    type Asked = AskedChat;
    type Answer = ChatCompletion;

    async fn ask(candidate: &Candidate) -> Result<ChatCompletion, ModelProviderError> {
        candidate.asked.port.complete(&candidate.asked.request).await
    }
}

/// An answer in pieces.
pub(super) struct Pieces;

impl Way for Pieces {
    type Asked = AskedChat;
    type Answer = Box<dyn ChatStream>;

    async fn ask(candidate: &Candidate) -> Result<Box<dyn ChatStream>, ModelProviderError> {
        candidate.asked.port.stream(&candidate.asked.request).await
    }
}

impl Attempts {
    /// Attempts under these rules.
    #[must_use]
    pub const fn new(
        base: Base,
        sleeper: Arc<dyn Sleeper>,
        circuits: Arc<Circuits>,
        credentials: Arc<CredentialRing>,
        rules: AttemptRules,
    ) -> Self {
        Self { base, sleeper, circuits, credentials, rules }
    }

    /// What this process knows of who answers.
    pub(super) const fn circuits(&self) -> &Arc<Circuits> {
        &self.circuits
    }

    /// Asks until somebody answers. The admission then names whoever did, or was asked last.
    ///
    /// # Errors
    ///
    /// [`ChatError`]: that of the last attempt, or that there was none to make.
    pub(super) async fn ask<W: Way>(
        &self,
        admission: &mut Admission<W::Asked>,
        limits: &Limits,
    ) -> Result<W::Answer, ChatError> {
        let deadline = self.base.now() + self.rules.within;
        let mut line = Queue::of(admission);
        let mut failure = None;
        for attempt in 0..self.rules.most.max(1) {
            let candidate = match self.next(&mut line, admission, limits).await {
                Ok(candidate) => candidate,
                Err(closed) => return Err(failure.unwrap_or(closed)),
            };
            if attempt > 0 {
                self.refuse_what_was_taken_back(admission, &candidate).await?;
            }
            admission.choose(candidate.clone());
            let mut stop = admission.watch.over(&candidate.model, candidate.provider);
            let asked = W::ask(&candidate);
            let asked = async {
                if attempt == 0 { asked.await } else { self.before(deadline, asked).await }
            };
            let answer = tokio::select! {
                biased;
                stopped = stop.wait() => {
                    if !stopped.is_about_a_model() {
                        return Err(stopped);
                    }
                    failure = Some(stopped);
                    continue;
                }
                answer = asked => answer,
            };
            let error = match answer {
                Ok(answer) => {
                    self.circuits.succeeded(&candidate);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            count(&candidate, &error);
            let asked_of = (candidate.provider, candidate.credential);
            let wait = match ChatError::asking(error, asked_of) {
                ChatError::Provider(error) => {
                    self.circuits.failed(&candidate, &error, self.base.now());
                    if !error.is_retryable() {
                        return Err(error.into());
                    }
                    let wait = line.failed(candidate, &error, self.rules.pause);
                    failure = Some(ChatError::from(error));
                    wait
                }
                // Whose key it is has to hear of it: another model may be asked under another.
                refused => return Err(refused),
            };
            let Some(wait) = wait.filter(|wait| self.is_before(deadline, *wait)) else { break };
            if attempt + 1 < self.rules.most && !wait.is_zero() {
                tokio::select! {
                    () = self.sleeper.sleep(wait) => {}
                    stopped = stop.wait() => if !stopped.is_about_a_model() {
                        return Err(stopped);
                    }
                }
            }
        }
        Err(failure.unwrap_or(ChatError::Stopping))
    }

    /// A key that was replaced or removed since the call was admitted is not used again.
    async fn refuse_what_was_taken_back<A>(
        &self,
        admission: &Admission<A>,
        candidate: &Candidate<A>,
    ) -> Result<(), ChatError> {
        let Candidate { provider, credential, .. } = *candidate;
        let workspace = admission.call.workspace;
        if self.credentials.is_current(workspace, provider, credential).await? {
            return Ok(());
        }
        Err(ChatError::CredentialRefused(provider))
    }

    fn is_before(&self, deadline: Timestamp, wait: Duration) -> bool {
        TimeDelta::from_std(wait).is_ok_and(|wait| self.base.now() + wait < deadline)
    }

    /// The next candidate whose circuit and whose limits let a call through. It counts by its own
    /// limits from then on.
    async fn next<A>(
        &self,
        line: &mut Queue<A>,
        admission: &mut Admission<A>,
        limits: &Limits,
    ) -> Result<Candidate<A>, ChatError> {
        let now = self.base.now();
        let mut opens = None::<Timestamp>;
        let mut limited = None;
        while let Some(candidate) = line.waiting.pop_front() {
            // Not entered yet: who tries whether somebody answers again has to be asked.
            if self.circuits.look(&candidate, now).is_ok()
                && let Err(error) = limits.follow(admission, &candidate).await
            {
                limited = Some(error);
                continue;
            }
            match self.circuits.enter(&candidate, now) {
                Ok(()) => return Ok(candidate),
                Err(until) => opens = Some(opens.map_or(until, |opens| opens.min(until))),
            }
        }
        let closed = || ChatError::not_answering(opens.unwrap_or(now), now);
        let error = limited.unwrap_or_else(closed);
        limits.note_end(admission, &error);
        Err(error)
    }

    async fn before<A>(
        &self,
        deadline: Timestamp,
        asked: impl Future<Output = Result<A, ModelProviderError>>,
    ) -> Result<A, ModelProviderError> {
        let left = (deadline - self.base.now()).to_std().unwrap_or_default();
        tokio::select! {
            answer = asked => answer,
            () = self.sleeper.sleep(left) => Err(ModelProviderError::Timeout),
        }
    }
}

/// The candidates of one call that may still be tried.
struct Queue<A> {
    /// In this round.
    waiting: VecDeque<Candidate<A>>,
    /// In the next one: what failed may pass with time.
    again: VecDeque<Candidate<A>>,
    rounds: u32,
}

impl<A: Clone> Queue<A> {
    fn of(admission: &Admission<A>) -> Self {
        let first = std::iter::once(&admission.candidate);
        let waiting = first.chain(&admission.fallbacks).cloned().collect();
        Self { waiting, again: VecDeque::new(), rounds: 0 }
    }

    /// Puts one that failed behind all others. Says how long to wait: not at all, if there is
    /// another one to ask. None, if there is nobody left.
    fn failed(
        &mut self,
        candidate: Candidate<A>,
        error: &ModelProviderError,
        pause: Duration,
    ) -> Option<Duration> {
        if error.kind().passes_with_time() {
            self.again.push_back(candidate);
        }
        if !self.waiting.is_empty() {
            return Some(Duration::ZERO);
        }
        if self.again.is_empty() {
            return None;
        }
        std::mem::swap(&mut self.waiting, &mut self.again);
        let pause = pause.saturating_mul(1 << self.rounds.min(8));
        self.rounds = self.rounds.saturating_add(1);
        Some(error.retry_after().unwrap_or(pause))
    }
}

fn count<A>(candidate: &Candidate<A>, error: &ModelProviderError) {
    let provider = candidate.provider.to_string();
    let kind = error.kind().name();
    metrics::counter!("cape_failed_attempts_total", "provider" => provider, "kind" => kind)
        .increment(1);
}
