//! The promises of limiters hold for the two simplest ones there are.
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use cape_domain::{
    time::Timestamp,
    usage::{Claim, Counted, Decision, Limiter, LimiterError, Refusal, Rule, Standing, Window},
};
use chrono::TimeDelta;

cape_testkit::limiter_promises!(exact, LogLimiter::new(Grain::Microsecond));
cape_testkit::limiter_promises!(coarse, LogLimiter::new(Grain::SixtiethOfWindow));

/// Remembers every claim.
struct LogLimiter {
    grain: Grain,
    log: Mutex<Log>,
}

/// How finely it tells instants apart.
enum Grain {
    Microsecond,
    SixtiethOfWindow,
}

#[derive(Clone, Default)]
struct Log {
    latest: Option<Timestamp>,
    entries: BTreeMap<Counted, Vec<(Timestamp, u64)>>,
}

impl LogLimiter {
    fn new(grain: Grain) -> Self {
        Self { grain, log: Mutex::default() }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When what was claimed at `then` is forgotten.
    fn end(&self, window: Window, then: Timestamp) -> Timestamp {
        let length = TimeDelta::from_std(window.length()).expect("short");
        match self.grain {
            Grain::Microsecond => then + length,
            Grain::SixtiethOfWindow => {
                let grain = (length / 60).num_microseconds().expect("short");
                let past = then.timestamp_micros().rem_euclid(grain);
                then - TimeDelta::microseconds(past) + length + length / 60
            }
        }
    }

    /// What still counts: how much, and until when.
    fn counting(&self, log: &Log, rule: Rule, now: Timestamp) -> Vec<(Timestamp, u64)> {
        let entries = log.entries.get(&rule.counted()).cloned().unwrap_or_default();
        let ends = entries.into_iter().map(|(then, amount)| (self.end(rule.window, then), amount));
        ends.filter(|(end, amount)| *end > now && *amount > 0).collect()
    }

    fn standing(&self, log: &Log, rule: Rule, now: Timestamp) -> Standing {
        let counting = self.counting(log, rule, now);
        let used = counting.iter().fold(0, |sum: u64, (_, amount)| sum.saturating_add(*amount));
        let end = counting.iter().map(|(end, _)| *end).max().unwrap_or(now);
        Standing { rule, used, reset: until(now, end) }
    }

    fn retry_after(&self, log: &Log, claim: Claim, now: Timestamp) -> Option<Duration> {
        let mut ends: Vec<_> = self.counting(log, claim.rule, now);
        ends.sort_unstable();
        ends.iter().map(|(end, _)| *end).find_map(|end| {
            let used = self.standing(log, claim.rule, end).used;
            let fits = used.checked_add(claim.amount)? <= claim.rule.limit;
            fits.then(|| until(now, end))
        })
    }
}

fn until(now: Timestamp, end: Timestamp) -> Duration {
    (end - now).to_std().unwrap_or_default()
}

#[async_trait]
impl Limiter for LogLimiter {
    async fn admit(&self, claims: &[Claim], now: Timestamp) -> Result<Decision, LimiterError> {
        let mut log = self.log();
        let now = log.latest.map_or(now, |latest| latest.max(now));
        log.latest = Some(now);
        for ((_, _, _, window), entries) in &mut log.entries {
            entries.retain(|(then, _)| self.end(*window, *then) > now);
        }
        let mut after = log.clone();
        for claim in claims {
            let standing = self.standing(&after, claim.rule, now);
            let fits =
                standing.used.checked_add(claim.amount).is_some_and(|n| n <= claim.rule.limit);
            if claim.amount > 0 && !fits {
                let retry_after = self.retry_after(&after, *claim, now);
                let refusal = Refusal { standing, wanted: claim.amount, retry_after };
                return Ok(Decision::Refused(refusal));
            }
            after.entries.entry(claim.rule.counted()).or_default().push((now, claim.amount));
        }
        *log = after;
        let standings = claims.iter().map(|claim| self.standing(&log, claim.rule, now));
        Ok(Decision::Admitted(standings.collect()))
    }

    async fn correct(
        &self,
        claim: Claim,
        claimed_at: Timestamp,
        used: u64,
        _: Timestamp,
    ) -> Result<(), LimiterError> {
        let mut log = self.log();
        let entries = log.entries.entry(claim.rule.counted()).or_default();
        if let Some(entry) = entries.iter_mut().find(|entry| **entry == (claimed_at, claim.amount))
        {
            entry.1 = used;
        }
        Ok(())
    }
}
