//! How much may be asked for: the generic cell rate algorithm, a bucket that refills steadily,
//! of which nothing is remembered but when it will be full.
//!
//! What is *not* here: whose bucket it is, and a clock. Times are counted from any beginning.
use std::time::Duration;

/// A bucket's size, and how it refills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Budget {
    /// After how long one more is there.
    interval: Duration,
    /// How long an empty bucket takes to be full.
    depth: Duration,
}

/// What was taken out of a bucket, by default nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spent {
    full_at: Duration,
}

/// There is nothing left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exhausted {
    wait: Duration,
}

impl Budget {
    /// `requests` within `per`, and `burst` of them at once. Nothing at all cannot be said: zero
    /// of either is one.
    pub(super) fn new(requests: u32, per: Duration, burst: u32) -> Self {
        let interval = per / requests.max(1);
        Self { interval, depth: interval.saturating_mul(burst.max(1)) }
    }

    /// Takes one out, if there is one. Who is refused has nothing taken away.
    pub(super) fn take(&self, spent: &mut Spent, now: Duration) -> Result<(), Exhausted> {
        let full_at = spent.full_at.max(now).saturating_add(self.interval);
        let wait = full_at.saturating_sub(now).saturating_sub(self.depth);
        if wait > Duration::ZERO {
            return Err(Exhausted { wait });
        }
        spent.full_at = full_at;
        Ok(())
    }
}

impl Spent {
    /// When all of it will be back. It is never earlier than it was.
    pub(super) fn full_at(self) -> Duration {
        self.full_at
    }

    /// Whether all of it is back, so that it need not be remembered.
    pub(super) fn is_over(self, now: Duration) -> bool {
        self.full_at <= now
    }
}

impl Exhausted {
    /// After how many whole seconds one is there again: at least one.
    pub(super) fn seconds(self) -> u64 {
        self.wait.as_secs().saturating_add(u64::from(self.wait.subsec_nanos() > 0)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_bucket_gives_its_burst_at_once_and_then_what_comes_in() {
        let every_six_hundred = Budget::new(100, MINUTE, 3);
        let mut spent = Spent::default();
        for (now, expected) in [
            (10_000, Ok(())),
            (10_000, Ok(())),
            (10_000, Ok(())),
            (10_000, Err(600)),
            (10_001, Err(599)),
            (10_599, Err(1)),
            (10_600, Ok(())),
            (10_600, Err(600)),
            // A thread that read the clock a little earlier is not given more.
            (10_500, Err(700)),
            (11_900, Ok(())),
            (11_900, Ok(())),
            (11_900, Err(500)),
            // However long nobody asked: the bucket holds no more than its burst.
            (99_000, Ok(())),
            (99_000, Ok(())),
            (99_000, Ok(())),
            (99_000, Err(600)),
        ] {
            let found = every_six_hundred.take(&mut spent, at(now));
            assert_eq!(found, expected.map_err(|wait| Exhausted { wait: at(wait) }), "{now}");
        }
    }

    #[test]
    fn who_waits_as_long_as_told_is_let_in() {
        for (requests, per, burst) in
            [(100, MINUTE, 50), (7, MINUTE, 1), (1, MINUTE, 1), (0, MINUTE, 0), (9_999, MINUTE, 2)]
        {
            let budget = Budget::new(requests, per, burst);
            let (mut spent, mut now) = (Spent::default(), at(5));
            for _ in 0..200 {
                if let Err(exhausted) = budget.take(&mut spent, now) {
                    now += Duration::from_secs(exhausted.seconds());
                    assert_eq!(budget.take(&mut spent, now), Ok(()), "{requests} {burst} {now:?}");
                }
            }
        }
    }

    #[test]
    fn in_the_long_run_no_more_is_given_than_comes_in() {
        let budget = Budget::new(100, MINUTE, 50);
        let mut spent = Spent::default();
        let given = |spent: &mut Spent, from: u64| {
            let each = (from..from + 60_000).step_by(10);
            each.filter(|now| budget.take(spent, at(*now)).is_ok()).count()
        };
        assert_eq!(given(&mut spent, 0), 149, "the burst, and what came in within the minute");
        assert_eq!(given(&mut spent, 60_000), 100);
        assert_eq!(given(&mut spent, 120_000), 100);
    }

    #[test]
    fn seconds_are_rounded_up() {
        for (wait, seconds) in [(1, 1), (600, 1), (1_000, 1), (1_001, 2), (59_999, 60)] {
            assert_eq!(Exhausted { wait: at(wait) }.seconds(), seconds, "{wait}");
        }
    }

    #[test]
    fn what_is_spent_is_over_when_the_bucket_is_full_again() {
        let budget = Budget::new(100, MINUTE, 50);
        let mut spent = Spent::default();
        assert!(spent.is_over(at(0)));
        for _ in 0..50 {
            assert_eq!(budget.take(&mut spent, at(0)), Ok(()));
        }
        assert!(!spent.is_over(at(29_999)));
        assert!(spent.is_over(at(30_000)));
    }
}
