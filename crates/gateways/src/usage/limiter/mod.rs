//! Limits counted in the memory of one process.
//!
//! Several processes that share limits need [the other limiter](RedisLimiter): what is counted here
//! is *not* seen elsewhere, and forgotten when the process ends.
mod counter;
mod redis;
mod shard;

use std::{
    fmt,
    sync::{Mutex, MutexGuard},
};

use async_trait::async_trait;
use cape_domain::{
    time::Timestamp,
    usage::{Claim, Decision, Limiter, LimiterError, Refusal, Rule, Standing, Subject},
};

pub use self::redis::RedisLimiter;
use self::shard::Shard;

/// Locks that callers are spread over.
const MOST_SHARDS: usize = 64;
/// The fewest keys that are worth a lock of their own.
const KEYS_PER_SHARD: usize = 64;

/// How much is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InProcessLimiterOptions {
    /// The most counters there may be, each for one subject, measure and window, of about 570
    /// bytes. They are spread evenly over locks; where one has no room left, it is made by
    /// forgetting counters that no longer count anything, and no others.
    pub max_keys: usize,
}

impl Default for InProcessLimiterOptions {
    fn default() -> Self {
        Self { max_keys: 65_536 }
    }
}

/// Counts in sixtieths of a window. Time never moves back: where the clock does, it stands still
/// until the clock has caught up.
pub struct InProcessLimiter {
    shards: Vec<Mutex<Shard>>,
}

impl InProcessLimiter {
    /// A limiter that has seen nobody yet.
    #[must_use]
    pub fn new(options: InProcessLimiterOptions) -> Self {
        let shards = (options.max_keys / KEYS_PER_SHARD).clamp(1, MOST_SHARDS);
        let capacity = options.max_keys / shards;
        Self { shards: (0..shards).map(|_| Mutex::new(Shard::new(capacity))).collect() }
    }

    fn shard_of(&self, subject: Subject) -> usize {
        let (high, low) = match subject {
            Subject::Platform => (0, 0),
            Subject::Workspace(id) => id.raw().as_u64_pair(),
            Subject::User(id) => id.raw().as_u64_pair(),
            Subject::Key(id) => id.raw().as_u64_pair(),
        };
        // Fibonacci hashing: numbers that are alike in some bits are spread all the same.
        let spread = (high ^ low).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let shards = u64::try_from(self.shards.len()).unwrap_or(u64::MAX);
        usize::try_from(spread % shards).unwrap_or_default()
    }

    fn lock(&self, index: usize) -> Result<MutexGuard<'_, Shard>, LimiterError> {
        self.shards[index].lock().map_err(|_| LimiterError("a decision was broken off".into()))
    }

    /// Locks all that the claims need, in the order of their numbers, so that two callers never
    /// wait for each other.
    fn lock_all(&self, claims: &[Claim]) -> Result<Locked<'_>, LimiterError> {
        let mut indexes: Vec<usize> =
            claims.iter().map(|claim| self.shard_of(claim.rule.subject)).collect();
        indexes.sort_unstable();
        indexes.dedup();
        let guard = |index| Ok((index, self.lock(index)?));
        let guards = indexes.into_iter().map(guard).collect::<Result<_, LimiterError>>()?;
        Ok(Locked { limiter: self, guards })
    }
}

impl fmt::Debug for InProcessLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcessLimiter").field("shards", &self.shards.len()).finish()
    }
}

/// The shards that a decision is about.
struct Locked<'a> {
    limiter: &'a InProcessLimiter,
    guards: Vec<(usize, MutexGuard<'a, Shard>)>,
}

impl Locked<'_> {
    fn of(&mut self, claim: &Claim) -> Result<&mut Shard, LimiterError> {
        let index = self.limiter.shard_of(claim.rule.subject);
        let guard = self.guards.iter_mut().find(|(locked, _)| *locked == index);
        guard.map(|(_, shard)| &mut **shard).ok_or_else(|| LimiterError("not locked".into()))
    }

    /// The refusal that has to be waited for the longest, so that who obeys it is admitted then.
    fn refusal(&mut self, claims: &[Claim]) -> Result<Option<Refusal>, LimiterError> {
        let mut worst: Option<Refusal> = None;
        for (position, claim) in claims.iter().enumerate() {
            let beside = claims[..position].iter().filter(|other| same_counter(other, claim));
            let beside = beside.map(|other| u128::from(other.amount)).sum();
            let Some(refusal) = self.of(claim)?.refuse(claim, beside) else { continue };
            if worst.is_none_or(|worst| outlasts(&refusal, &worst)) {
                worst = Some(refusal);
            }
        }
        Ok(worst)
    }
}

/// Whether both are counted together, whatever the limits they are given with.
fn same_counter(one: &Claim, other: &Claim) -> bool {
    one.rule.counted() == other.rule.counted()
}

fn outlasts(one: &Refusal, other: &Refusal) -> bool {
    match (one.retry_after, other.retry_after) {
        (None, Some(_)) => true,
        (Some(one), Some(other)) => one > other,
        (_, None) => false,
    }
}

#[async_trait]
impl Limiter for InProcessLimiter {
    async fn admit(&self, claims: &[Claim], now: Timestamp) -> Result<Decision, LimiterError> {
        let mut locked = self.lock_all(claims)?;
        for (_, shard) in &mut locked.guards {
            shard.observe(now);
        }
        if let Some(refusal) = locked.refusal(claims)? {
            return Ok(Decision::Refused(refusal));
        }
        for claim in claims {
            locked.of(claim)?.make_room(&claim.rule)?;
        }
        for claim in claims {
            locked.of(claim)?.count(claim);
        }
        let standing = |claim| Ok(locked.of(claim)?.standing(&claim.rule));
        Ok(Decision::Admitted(claims.iter().map(standing).collect::<Result<_, LimiterError>>()?))
    }

    /// Makes no room, and keeps nothing for longer: looking must not crowd out those who count.
    async fn standings(
        &self,
        rules: &[Rule],
        now: Timestamp,
    ) -> Result<Vec<Standing>, LimiterError> {
        let standing = |rule: &Rule| {
            let mut shard = self.lock(self.shard_of(rule.subject))?;
            shard.observe(now);
            Ok(shard.look(rule))
        };
        rules.iter().map(standing).collect()
    }

    async fn correct(
        &self,
        claim: Claim,
        claimed_at: Timestamp,
        used: u64,
        now: Timestamp,
    ) -> Result<(), LimiterError> {
        let mut shard = self.lock(self.shard_of(claim.rule.subject))?;
        shard.observe(now.max(claimed_at));
        shard.correct(&claim, claimed_at, used)
    }
}

#[cfg(test)]
mod tests;
