//! Doing once what is asked for again under the same key.
//!
//! The key is reserved in a unit of work of its own, before anything else is done. Whoever got the
//! reservation has an [`Attempt`], which keeps the others away until it is said how it ended: it
//! was answered, and the answer is kept; or it came to nothing, and the key is free.
//!
//! What is *not* here: reading a request, and what it does.
mod attempt;

use std::{sync::Arc, time::Duration};

use cape_domain::{
    audit::{Sealed, Vault},
    idempotency::{Answer, Entry, Fingerprint, IdempotencyKey, KeyDigest, Requester, Verdict},
    ids::ReservationId,
    store::{BoxError, Durability, Scope, StoreError, UnitOfWork},
    time::Sleeper,
};

pub use attempt::{Attempt, Ending, Once};

use crate::{Base, Tasks, audit::Trail, retry::retry};

/// Knows which requests were made already, and how they were answered.
pub struct IdempotencyService {
    base: Base,
    trail: Trail,
    vault: Arc<dyn Vault>,
    tasks: Tasks,
    sleeper: Arc<dyn Sleeper>,
}

/// What becomes of a request.
pub enum Begun {
    /// It is carried out.
    Proceed(Attempt),
    /// It was answered before.
    Replay(Answer),
}

/// Why a request is neither carried out nor answered as before.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    /// The same request is being carried out.
    #[error("a request with this idempotency key is being carried out; ask again in a moment")]
    InFlight {
        /// When asking again may be worth it.
        retry_after: Duration,
    },
    /// The key belongs to another request.
    #[error("this idempotency key was used for another request; use a new one for each request")]
    Reused,
    /// It was carried out, but its answer is not there to be given again.
    #[error("the request was carried out, but its answer was not kept: {why}")]
    NotKept {
        /// Why.
        why: &'static str,
        /// What is known of the answer.
        headers: Vec<(String, String)>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a look at a key came to.
enum Looked {
    Mine(Entry),
    Answered(Answer),
    InFlight(Duration),
    Reused,
    Unreadable,
}

const WHAT: &str = "idempotency entry";

/// Why an answer is not there.
const TOO_LARGE: &str = "it was too large";
const ERASED: &str = "what it was encrypted with is gone";

/// When asking again is worth it after a race that nobody has won yet.
const SHORTLY: Duration = Duration::from_secs(1);

/// How many answers are pruned at once: they are large, and others want to write.
const AT_ONCE: u32 = 100;

impl IdempotencyService {
    /// A service that seals answers with this vault, and renews reservations in these tasks.
    #[must_use]
    pub fn new(
        base: Base,
        trail: Trail,
        vault: Arc<dyn Vault>,
        tasks: Tasks,
        sleeper: Arc<dyn Sleeper>,
    ) -> Arc<Self> {
        Arc::new(Self { base, trail, vault, tasks, sleeper })
    }

    /// Reserves a key, or tells what became of the request that it belongs to. The durability is
    /// that of the effect: what a power cut may undo it may undo together with the reservation,
    /// and nothing else.
    ///
    /// # Errors
    ///
    /// See [`IdempotencyError`]. Nothing may be done then.
    pub async fn begin(
        self: &Arc<Self>,
        requester: Requester,
        key: &IdempotencyKey,
        fingerprint: Fingerprint,
        durability: Durability,
    ) -> Result<Begun, IdempotencyError> {
        let key = key.digest();
        let looked = match retry!(self.look(requester, key, fingerprint, durability)) {
            // Others use the same key at this very moment.
            Err(StoreError::Conflict { .. }) => Looked::InFlight(SHORTLY),
            looked => looked?,
        };
        let (outcome, begun) = match looked {
            Looked::Mine(entry) => {
                let attempt = Attempt::begin(Arc::clone(self), entry, durability);
                ("proceed", Ok(Begun::Proceed(attempt)))
            }
            Looked::Answered(Answer { body: None, headers, .. }) => {
                ("not_kept", Err(IdempotencyError::NotKept { why: TOO_LARGE, headers }))
            }
            Looked::Answered(answer) => ("replay", Ok(Begun::Replay(answer))),
            Looked::InFlight(retry_after) => {
                ("in_flight", Err(IdempotencyError::InFlight { retry_after }))
            }
            Looked::Reused => ("reused", Err(IdempotencyError::Reused)),
            Looked::Unreadable => {
                let headers = Vec::new();
                ("not_kept", Err(IdempotencyError::NotKept { why: ERASED, headers }))
            }
        };
        metrics::counter!("cape_idempotent_requests_total", "outcome" => outcome).increment(1);
        begun
    }

    /// Forgets requests that have expired, up to a hundred. Says how many there were.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn prune(&self) -> Result<usize, StoreError> {
        let mut work = self.base.store.begin(Scope::Platform, Durability::Process).await?;
        let pruned = work.idempotency().prune(self.base.now(), AT_ONCE).await?;
        work.commit().await?;
        Ok(usize::try_from(pruned).unwrap_or(usize::MAX))
    }

    /// Reserves the key if it is free. What an entry says is decided by the rule.
    async fn look(
        &self,
        requester: Requester,
        key: KeyDigest,
        fingerprint: Fingerprint,
        durability: Durability,
    ) -> Result<Looked, StoreError> {
        let now = self.base.now();
        let id = ReservationId::next(&*self.base.ids);
        let fresh = Entry::reserve(id, requester, key, fingerprint, now);
        let lost = StoreError::Conflict { what: WHAT };
        let scope = Scope::Workspace(requester.workspace);
        let mut work = self.base.store.begin(scope, durability).await?;
        if work.idempotency().reserve(&fresh).await? {
            work.commit().await?;
            return Ok(Looked::Mine(fresh));
        }
        // Whoever had it may have forgotten it in the meantime.
        let Some(found) = work.idempotency().find(&requester, key).await? else {
            return Err(lost);
        };
        match found.verdict(fingerprint, now) {
            Verdict::Anew => {
                let requests = work.idempotency();
                let free = requests.forget(found.id, found.attempt).await?;
                if !(free && requests.reserve(&fresh).await?) {
                    return Err(lost);
                }
                work.commit().await?;
                Ok(Looked::Mine(fresh))
            }
            Verdict::Resume => {
                let next = found.resume(now);
                if !work.idempotency().resume(&next).await? {
                    return Err(lost);
                }
                work.commit().await?;
                Ok(Looked::Mine(next))
            }
            Verdict::Replay(sealed) => {
                let Some(key) = work.personal_keys().find(sealed.person).await? else {
                    return Ok(Looked::Unreadable);
                };
                let text = self.vault.open(&key, &sealed).map_err(corrupt)?;
                let answer = Answer::from_text(&text, fingerprint);
                Ok(Looked::Answered(answer.map_err(corrupt)?))
            }
            Verdict::InFlight { retry_after } => Ok(Looked::InFlight(retry_after)),
            Verdict::Reused => Ok(Looked::Reused),
        }
    }

    /// Encrypts an answer for whoever asked.
    async fn seal(
        &self,
        work: &mut dyn UnitOfWork,
        entry: &Entry,
        answer: &Answer,
    ) -> Result<Sealed, StoreError> {
        let text = answer.to_text(entry.fingerprint);
        self.trail.seal(work, entry.requester.person, &text).await
    }
}

fn corrupt(source: impl Into<BoxError>) -> StoreError {
    StoreError::Corrupt { what: WHAT, source: source.into() }
}
