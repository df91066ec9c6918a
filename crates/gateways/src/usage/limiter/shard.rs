//! The counters behind one lock.
use std::{collections::HashMap, time::Duration};

use cape_domain::{
    time::Timestamp,
    usage::{Claim, Counted, LimiterError, Refusal, Rule, Standing, Window},
};

use super::counter::{COUNTED, Counter, bucket_length};

/// The counters of some workspaces, and the latest time that any of them was asked at.
pub(super) struct Shard {
    /// Microseconds since 1970.
    latest: i64,
    counters: HashMap<Counted, Counter>,
    capacity: usize,
    /// No counter falls idle before this, in microseconds since 1970.
    full_until: i64,
}

/// When a counter counts nothing any more, in microseconds since 1970.
fn idle_at(counter: &Counter, window: Window) -> i64 {
    counter.idle_from().saturating_mul(bucket_length(window))
}

impl Shard {
    pub fn new(capacity: usize) -> Self {
        Self { latest: i64::MIN, counters: HashMap::new(), capacity, full_until: i64::MIN }
    }

    /// Takes note of the time. It never moves back.
    pub fn observe(&mut self, now: Timestamp) {
        self.latest = self.latest.max(now.timestamp_micros());
    }

    fn bucket(&self, window: Window) -> i64 {
        self.latest.div_euclid(bucket_length(window))
    }

    fn until(&self, bucket: i64, window: Window) -> Duration {
        let wait = bucket.saturating_mul(bucket_length(window)).saturating_sub(self.latest);
        Duration::from_micros(u64::try_from(wait).unwrap_or_default())
    }

    /// The counter of a rule, at the latest time.
    fn counter(&mut self, rule: &Rule) -> Option<&mut Counter> {
        let bucket = self.bucket(rule.window);
        let counter = self.counters.get_mut(&rule.counted())?;
        counter.advance(bucket);
        Some(counter)
    }

    /// Where a rule stands.
    pub fn standing(&mut self, rule: &Rule) -> Standing {
        let counter = self.counter(rule);
        let facts = counter.map_or((0, None), |counter| (counter.used(), counter.forgotten_from()));
        self.tell(rule, facts)
    }

    /// Where a rule stands, for who only looks: its counter is kept no longer for that.
    pub fn look(&self, rule: &Rule) -> Standing {
        let facts = self.counters.get(&rule.counted()).map_or((0, None), |counter| {
            let mut copy = counter.clone();
            copy.advance(self.bucket(rule.window));
            (copy.used(), copy.forgotten_from())
        });
        self.tell(rule, facts)
    }

    fn tell(&self, rule: &Rule, (used, forgotten): (u128, Option<i64>)) -> Standing {
        Standing {
            rule: *rule,
            used: u64::try_from(used).unwrap_or(u64::MAX),
            reset: forgotten.map_or(Duration::ZERO, |bucket| self.until(bucket, rule.window)),
        }
    }

    /// Why a claim cannot be counted, if `beside` is counted for the same rule before it. A claim
    /// of nothing always can.
    pub fn refuse(&mut self, claim: &Claim, beside: u128) -> Option<Refusal> {
        let rule = claim.rule;
        let wanted = u128::from(claim.amount) + beside;
        let counter = self.counter(&rule);
        let used = counter.as_ref().map_or(0, |counter| counter.used());
        if claim.amount == 0 || used + wanted <= u128::from(rule.limit) {
            return None;
        }
        let room = u128::from(rule.limit)
            .checked_sub(wanted)
            .and_then(|most| counter.map(|counter| counter.room_from(most)));
        Some(Refusal {
            standing: self.standing(&rule),
            wanted: claim.amount,
            retry_after: room.map(|bucket| self.until(bucket, rule.window)),
        })
    }

    /// Counts a claim for which [room was made](Self::make_room).
    pub fn count(&mut self, claim: &Claim) {
        let bucket = self.bucket(claim.rule.window);
        if let Some(counter) = self.counter(&claim.rule) {
            counter.add(bucket, claim.amount);
        }
    }

    /// Replaces what was claimed by what was used, unless it is forgotten already.
    pub fn correct(
        &mut self,
        claim: &Claim,
        claimed_at: Timestamp,
        used: u64,
    ) -> Result<(), LimiterError> {
        let rule = &claim.rule;
        let bucket = claimed_at.timestamp_micros().div_euclid(bucket_length(rule.window));
        let (more, less) = (used.saturating_sub(claim.amount), claim.amount.saturating_sub(used));
        if more > 0 && bucket > self.bucket(rule.window) - COUNTED {
            self.make_room(rule)?;
        }
        if let Some(counter) = self.counter(rule) {
            counter.add(bucket, more);
            counter.take(bucket, less);
        }
        Ok(())
    }

    /// Makes sure that there is a counter for a rule.
    ///
    /// Counters of this moment are never given up for it, so that rules for which room was made
    /// one after the other all have one in the end.
    pub fn make_room(&mut self, rule: &Rule) -> Result<(), LimiterError> {
        if self.counters.contains_key(&rule.counted()) {
            return Ok(());
        }
        if self.counters.len() >= self.capacity {
            self.forget_idle();
        }
        if self.counters.len() >= self.capacity {
            return Err(LimiterError("there is no room to count anybody else".into()));
        }
        let counter = Counter::new(self.bucket(rule.window));
        self.full_until = self.full_until.min(idle_at(&counter, rule.window));
        self.counters.insert(rule.counted(), counter);
        Ok(())
    }

    /// Gives up the counters that no longer count anything. Looks at them only when one may have
    /// fallen idle since the last look: being full must not make every decision slow.
    fn forget_idle(&mut self) {
        let latest = self.latest;
        if latest < self.full_until {
            return;
        }
        let mut next = i64::MAX;
        self.counters.retain(|(_, _, _, window), counter| {
            let idle_at = idle_at(counter, *window);
            let live = latest < idle_at;
            if live {
                next = next.min(idle_at);
            }
            live
        });
        self.full_until = next;
    }
}
