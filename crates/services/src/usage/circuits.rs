//! Which models answer, as far as this process has seen.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cape_domain::{
    time::Timestamp,
    usage::{Circuit, CircuitRules, CredentialUsed, ModelProviderError, Provider},
};

use super::Candidate;

/// What fails together: a model at a provider, under one key. What a workspace's own key meets
/// there says nothing of anybody else's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Line {
    provider: Provider,
    model: String,
    credential: CredentialUsed,
}

impl Line {
    fn of<A>(candidate: &Candidate<A>) -> Self {
        let Candidate { provider, credential, .. } = *candidate;
        Self { provider, model: candidate.model.clone(), credential }
    }
}

/// How many troubled ones are remembered before those that are not open are forgotten. Keys of
/// workspaces come and go.
const REMEMBERED: usize = 10_000;

/// A circuit for each model and key. Only troubled ones are remembered.
pub struct Circuits {
    rules: CircuitRules,
    circuits: Mutex<HashMap<Line, Circuit>>,
}

impl Circuits {
    /// Circuits that are all closed.
    #[must_use]
    pub fn new(rules: CircuitRules) -> Arc<Self> {
        Arc::new(Self { rules, circuits: Mutex::default() })
    }

    /// Whether a call may be sent to this model now.
    ///
    /// # Errors
    ///
    /// When to ask again.
    pub(super) fn enter<A>(
        &self,
        candidate: &Candidate<A>,
        now: Timestamp,
    ) -> Result<(), Timestamp> {
        match self.circuits().get_mut(&Line::of(candidate)) {
            Some(circuit) => circuit.enter(now),
            None => Ok(()),
        }
    }

    /// The same, when nothing is sent.
    ///
    /// # Errors
    ///
    /// When to ask again.
    pub(super) fn look<A>(
        &self,
        candidate: &Candidate<A>,
        now: Timestamp,
    ) -> Result<(), Timestamp> {
        self.circuits().get(&Line::of(candidate)).map_or(Ok(()), |circuit| circuit.look(now))
    }

    /// The model answered.
    pub(super) fn succeeded<A>(&self, candidate: &Candidate<A>) {
        self.circuits().remove(&Line::of(candidate));
    }

    /// The model did not answer, or broke off.
    pub(super) fn failed<A>(
        &self,
        candidate: &Candidate<A>,
        error: &ModelProviderError,
        now: Timestamp,
    ) {
        if !error.is_retryable() {
            self.succeeded(candidate);
            return;
        }
        let after: Option<Duration> = error.retry_after();
        let mut circuits = self.circuits();
        if circuits.len() >= REMEMBERED {
            // What is not open has failed a few times; that is forgotten.
            circuits.retain(|_, circuit| circuit.look(now).is_err());
        }
        let circuit = circuits.entry(Line::of(candidate)).or_default();
        let was_open = circuit.is_open();
        circuit.failed(&self.rules, after, now);
        if !was_open && circuit.is_open() {
            let provider = candidate.provider.to_string();
            metrics::counter!("cape_circuit_opened_total", "provider" => provider).increment(1);
            tracing::warn!(provider = %candidate.provider, model = candidate.model, "circuit open");
        }
    }

    fn circuits(&self) -> MutexGuard<'_, HashMap<Line, Circuit>> {
        self.circuits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
