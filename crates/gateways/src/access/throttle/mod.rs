//! Failed attempts counted in the memory of one process.
//!
//! Several processes that share counts need another throttle: what is counted here is *not* seen
//! elsewhere, and forgotten when the process ends.
mod breaker;
mod shard;

use std::{
    fmt,
    hash::{BuildHasher as _, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use cape_domain::{
    access::{Attempt, Axis, Door, Throttle, Throttled},
    time::Timestamp,
};

use self::{breaker::Breaker, shard::Shard};

/// Locks that callers are spread over.
const MOST_SHARDS: usize = 64;
/// The fewest tallies that are worth a lock of their own.
const TALLIES_PER_SHARD: usize = 64;

/// How much is remembered, and what is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InProcessThrottleOptions {
    /// The most tallies there may be, each for one account or network at one door, of about 200
    /// bytes. They are spread evenly over locks; where one has no room left, it is made by
    /// forgetting those that no longer matter, or else the one that failed longest ago.
    pub max_tallies: usize,
    /// How many failures a minute, at all doors together, there may be before a single one is
    /// free anywhere.
    pub breaker: u32,
}

impl Default for InProcessThrottleOptions {
    fn default() -> Self {
        Self { max_tallies: 100_000, breaker: 300 }
    }
}

/// Where a tally is found.
type Key = (Door, Axis);

/// Counts in the memory of this process, by the rule of [`Tally`](cape_domain::access::Tally).
pub struct InProcessThrottle {
    shards: Vec<Mutex<Shard>>,
    breaker: Mutex<Breaker>,
    hasher: RandomState,
}

impl InProcessThrottle {
    /// A throttle that has seen nobody yet.
    #[must_use]
    pub fn new(options: InProcessThrottleOptions) -> Self {
        let shards = (options.max_tallies / TALLIES_PER_SHARD).clamp(1, MOST_SHARDS);
        // An attempt has two tallies, and neither may drive the other out.
        let capacity = (options.max_tallies / shards).max(2);
        Self {
            shards: (0..shards).map(|_| Mutex::new(Shard::new(capacity))).collect(),
            breaker: Mutex::new(Breaker::new(options.breaker)),
            hasher: RandomState::new(),
        }
    }

    /// Locks all that an attempt counts on, in the order of their numbers, so that two callers
    /// never wait for each other.
    fn lock(&self, attempt: &Attempt) -> Locked<'_> {
        let axes = attempt.axes().into_iter().map(|axis| {
            let key = (attempt.door, axis);
            (self.shard_of(&key), key)
        });
        let axes: Vec<(usize, Key)> = axes.collect();
        let mut indexes: Vec<usize> = axes.iter().map(|(index, _)| *index).collect();
        indexes.sort_unstable();
        indexes.dedup();
        let guards = indexes.into_iter().map(|index| (index, locked(&self.shards[index])));
        Locked { guards: guards.collect(), axes }
    }

    fn shard_of(&self, key: &Key) -> usize {
        let shards = u64::try_from(self.shards.len()).unwrap_or(u64::MAX);
        usize::try_from(self.hasher.hash_one(key) % shards).unwrap_or_default()
    }

    /// Looks at the breaker or changes it, and shows how it stands then.
    fn breaker<T>(&self, look: impl FnOnce(&mut Breaker) -> T, now: Timestamp) -> T {
        let mut breaker = locked(&self.breaker);
        let seen = look(&mut breaker);
        metrics::gauge!("cape_throttle_breaker").set(f64::from(u8::from(breaker.is_open(now))));
        seen
    }
}

/// A tally is sound after every step of a change: one that was broken off did no harm.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for InProcessThrottle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcessThrottle").finish_non_exhaustive()
    }
}

/// The tallies of one attempt, held for as long as it is decided upon.
struct Locked<'a> {
    guards: Vec<(usize, MutexGuard<'a, Shard>)>,
    axes: Vec<(usize, Key)>,
}

impl Locked<'_> {
    fn each(&mut self, mut change: impl FnMut(&mut Shard, &Key)) {
        for (index, key) in &self.axes {
            let guard = self.guards.iter_mut().find(|(locked, _)| locked == index);
            if let Some((_, shard)) = guard {
                change(shard, key);
            }
        }
    }

    /// Refuses who has to wait on any axis, for as long as on the one that takes longest.
    fn admit(&mut self, strict: bool, now: Timestamp) -> Result<(), Throttled> {
        let mut opens_at = now;
        self.each(|shard, key| {
            let free = if strict { 1 } else { key.1.free() };
            let tally = shard.look(key, now);
            opens_at = opens_at.max(tally.map_or(now, |tally| tally.opens_at(free)));
        });
        if opens_at > now { Err(Throttled { opens_at }) } else { Ok(()) }
    }

    fn count(&mut self, now: Timestamp) {
        self.each(|shard, key| shard.count(key, now));
    }
}

fn refused(attempt: &Attempt, throttled: Throttled) -> Throttled {
    metrics::counter!("cape_throttled_total", "door" => attempt.door.name()).increment(1);
    throttled
}

#[async_trait]
impl Throttle for InProcessThrottle {
    async fn claim(&self, attempt: &Attempt, now: Timestamp) -> Result<(), Throttled> {
        let mut locked = self.lock(attempt);
        let strict = self.breaker(|breaker| breaker.is_open(now), now);
        locked.admit(strict, now).map_err(|throttled| refused(attempt, throttled))?;
        locked.count(now);
        self.breaker(|breaker| breaker.count(now), now);
        Ok(())
    }

    async fn check(&self, attempt: &Attempt, now: Timestamp) -> Result<(), Throttled> {
        let strict = self.breaker(|breaker| breaker.is_open(now), now);
        let admitted = self.lock(attempt).admit(strict, now);
        admitted.map_err(|throttled| refused(attempt, throttled))
    }

    async fn fail(&self, attempt: &Attempt, now: Timestamp) {
        self.lock(attempt).count(now);
        self.breaker(|breaker| breaker.count(now), now);
    }

    async fn succeed(&self, attempt: &Attempt, now: Timestamp) {
        self.lock(attempt).each(|shard, key| match &key.1 {
            Axis::Account(_) | Axis::Familiar(..) => shard.forget(key),
            Axis::Network(_) => shard.take_back(key, now),
        });
        self.breaker(|breaker| breaker.take_back(now), now);
    }
}

#[cfg(test)]
mod tests;
