//! Throttles that count in memory, or not at all.
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use cape_domain::{
    access::{Attempt, Axis, Door, Tally, Throttle, Throttled},
    time::Timestamp,
};

/// Makes whoever fails wait, as it should be, for as long as it is there. It counts each axis for
/// itself: what happens everywhere at once, it does not notice.
#[derive(Debug, Default)]
pub struct PlainThrottle(Mutex<HashMap<(Door, Axis), Tally>>);

impl PlainThrottle {
    fn tallies(&self) -> MutexGuard<'_, HashMap<(Door, Axis), Tally>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Throttle for PlainThrottle {
    async fn claim(&self, attempt: &Attempt, now: Timestamp) -> Result<(), Throttled> {
        let mut tallies = self.tallies();
        admit(&tallies, attempt, now)?;
        count(&mut tallies, attempt, now);
        Ok(())
    }

    async fn check(&self, attempt: &Attempt, now: Timestamp) -> Result<(), Throttled> {
        admit(&self.tallies(), attempt, now)
    }

    async fn fail(&self, attempt: &Attempt, now: Timestamp) {
        count(&mut self.tallies(), attempt, now);
    }

    async fn succeed(&self, attempt: &Attempt, _: Timestamp) {
        let mut tallies = self.tallies();
        for axis in attempt.axes() {
            match axis {
                Axis::Account(_) | Axis::Familiar(..) => {
                    tallies.remove(&(attempt.door, axis));
                }
                Axis::Network(_) => {
                    if let Some(tally) = tallies.get_mut(&(attempt.door, axis)) {
                        tally.failures = tally.failures.saturating_sub(1);
                    }
                }
            }
        }
    }
}

fn admit(
    tallies: &HashMap<(Door, Axis), Tally>,
    attempt: &Attempt,
    now: Timestamp,
) -> Result<(), Throttled> {
    let waits = attempt.axes().into_iter().filter_map(|axis| {
        let free = axis.free();
        let tally = tallies.get(&(attempt.door, axis)).filter(|tally| !tally.is_over(now))?;
        let opens_at = tally.opens_at(free);
        // Nobody waits for a moment that is only a clock's that goes ahead of ours.
        (opens_at > now.max(tally.last_at)).then_some(opens_at)
    });
    waits.max().map_or(Ok(()), |opens_at| Err(Throttled { opens_at }))
}

fn count(tallies: &mut HashMap<(Door, Axis), Tally>, attempt: &Attempt, now: Timestamp) {
    for axis in attempt.axes() {
        let place = (attempt.door, axis);
        let before = tallies.get(&place).copied();
        tallies.insert(place, Tally::failed(before, now));
    }
}

/// Lets everybody in, always.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenThrottle;

#[async_trait]
impl Throttle for OpenThrottle {
    async fn claim(&self, _: &Attempt, _: Timestamp) -> Result<(), Throttled> {
        Ok(())
    }

    async fn check(&self, _: &Attempt, _: Timestamp) -> Result<(), Throttled> {
        Ok(())
    }

    async fn fail(&self, _: &Attempt, _: Timestamp) {}

    async fn succeed(&self, _: &Attempt, _: Timestamp) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{at, attempt};

    #[tokio::test]
    async fn an_open_throttle_lets_everybody_in() {
        let guess = attempt(Door::Login, "ada", 7);
        for _ in 0..100 {
            OpenThrottle.fail(&guess, at(0)).await;
        }
        assert_eq!(OpenThrottle.check(&guess, at(0)).await, Ok(()));
        assert_eq!(OpenThrottle.claim(&guess, at(0)).await, Ok(()));
    }

    #[tokio::test]
    async fn a_clock_that_goes_behind_makes_nobody_wait_who_has_free_failures() {
        let throttle = PlainThrottle::default();
        let guess = attempt(Door::Login, "ada", 7);
        throttle.fail(&guess, at(10)).await;
        assert_eq!(throttle.claim(&guess, at(9)).await, Ok(()));
    }
}
