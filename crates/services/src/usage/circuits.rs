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

#[cfg(test)]
mod tests {
    use cape_domain::{
        billing::Credits,
        usage::{Estimate, Price, TokenCounts},
    };
    use cape_testkit::fixtures::{at, credential_id};

    use super::*;

    fn under(key: u32) -> Candidate<()> {
        let tokens = TokenCounts::default();
        Candidate {
            model: "m".to_owned(),
            provider: Provider::OPENAI,
            credential: CredentialUsed::Workspace(credential_id(key)),
            asked: (),
            price_version: "1".to_owned(),
            price: Price::Free,
            estimate: Estimate { likely_input: 0, most: tokens },
            worst: Credits::ZERO,
        }
    }

    #[test]
    fn keys_that_come_and_go_fill_no_memory_and_what_is_open_stays_open() {
        let circuits = Circuits::new(CircuitRules { failures: 2, ..CircuitRules::default() });
        let fails = |key| circuits.failed(&under(key), &ModelProviderError::Timeout, at(0));
        for key in [0, 0, 1] {
            fails(key);
        }
        let most = u32::try_from(REMEMBERED).expect("a few");
        (2..=most).for_each(fails);
        assert!(circuits.circuits().len() <= REMEMBERED);
        assert!(circuits.look(&under(0), at(0)).is_err(), "it is open");
        // What had failed once is forgotten: it takes two more.
        fails(1);
        assert!(circuits.look(&under(1), at(0)).is_ok());
        fails(1);
        assert!(circuits.look(&under(1), at(0)).is_err());
    }
}
