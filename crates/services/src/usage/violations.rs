//! What limits refused: gathered in memory, and written down together after a while.
//!
//! Writing must not slow down who is refused, and who is refused must not fill the memory: so many
//! different ones are remembered until the next writing, and more are told by the metrics alone.
//! What was not written when a process dies is lost.
use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cape_domain::{
    access::{Permit, ViewUsage},
    ids::ViolationId,
    page::{Page, PageRequest},
    store::{Durability, Scope, StoreError},
    time::Timestamp,
    usage::{CallFacts, Refused, Violation, minute_of},
};
use chrono::TimeDelta;

use crate::{Base, retry::retry};

/// How many different ones are remembered until they are written.
const REMEMBERED: usize = 10_000;

/// How many are written together.
const TOGETHER: usize = 500;

/// How long they are kept.
const KEPT: TimeDelta = TimeDelta::days(90);

/// Knows what was refused.
pub struct Violations {
    base: Base,
    noted: Mutex<BTreeMap<Refused, u64>>,
}

impl Violations {
    /// Nothing was refused yet.
    #[must_use]
    pub fn new(base: Base) -> Arc<Self> {
        Arc::new(Self { base, noted: Mutex::default() })
    }

    /// Takes note of a call that was refused.
    pub(super) fn note(
        &self,
        call: &CallFacts<'_>,
        rule: String,
        scope: &'static str,
        now: Timestamp,
    ) {
        metrics::counter!("cape_limits_refused_total", "rule" => rule.clone(), "scope" => scope)
            .increment(1);
        let Some(key) = call.key else { return };
        let CallFacts { workspace, user, .. } = *call;
        let refused = Refused { workspace, user, key, rule, scope, minute: minute_of(now) };
        let mut noted = self.noted();
        if noted.len() < REMEMBERED || noted.contains_key(&refused) {
            *noted.entry(refused).or_default() += 1;
        } else {
            metrics::counter!("cape_limits_refusals_forgotten_total").increment(1);
        }
    }

    /// Writes down what was refused since the last time. Says how many rows.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; what could not be written is remembered.
    pub async fn write(&self) -> Result<usize, StoreError> {
        let noted = mem::take(&mut *self.noted());
        let violations = noted.into_iter().map(|(refused, calls)| Violation {
            id: ViolationId::next(&*self.base.ids),
            refused,
            calls,
        });
        let violations: Vec<Violation> = violations.collect();
        let mut written = 0;
        for some in violations.chunks(TOGETHER) {
            if let Err(error) = retry!(self.store(some)) {
                let mut noted = self.noted();
                for one in violations.iter().skip(written) {
                    *noted.entry(one.refused.clone()).or_default() += one.calls;
                }
                return Err(error);
            }
            written += some.len();
        }
        Ok(written)
    }

    /// Forgets what is older than 90 days. Says how many rows.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn prune(&self) -> Result<usize, StoreError> {
        let before = self.base.now() - KEPT;
        let mut work = self.base.store.begin(Scope::Platform, Durability::Process).await?;
        let forgotten = work.violations().forget(before).await?;
        work.commit().await?;
        // They were all: there is nothing left to do at once.
        tracing::debug!(forgotten, "refused calls of long ago are forgotten");
        Ok(0)
    }

    /// What was refused of the actor's workspace, the newest minute first.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn list(
        &self,
        permit: Permit<ViewUsage>,
        page: PageRequest,
    ) -> Result<Page<Violation>, StoreError> {
        let mut work = self.base.store.look(permit.scope()).await?;
        work.violations().list(permit.actor().workspace, page).await
    }

    async fn store(&self, violations: &[Violation]) -> Result<(), StoreError> {
        let mut work = self.base.store.begin(Scope::Platform, Durability::Process).await?;
        work.violations().count(violations).await?;
        work.commit().await
    }

    fn noted(&self) -> MutexGuard<'_, BTreeMap<Refused, u64>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
