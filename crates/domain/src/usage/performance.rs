//! How well models answered: how often, how fast, and at what cost.
use std::time::Duration;

use crate::{
    billing::Credits,
    usage::{FailureKind, Group, UsdAmount},
};

/// How the calls of a group were answered. Those that have not come back are not counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPerformance {
    /// The group.
    pub group: Group,
    /// Calls that were paid for.
    pub settled: u64,
    /// Calls that came to nothing, by the reason, each that there was.
    pub failures: Vec<(FailureKind, u64)>,
    /// How long the settled calls took in all.
    pub total: Option<Percentiles>,
    /// How long of it was spent waiting for the provider.
    pub provider_time: Option<Percentiles>,
    /// How long the first piece took, of those that came in pieces.
    pub first_token: Option<Percentiles>,
    /// What the settled calls cost us.
    pub cost: UsdAmount,
    /// What was charged for them.
    pub charge: Credits,
}

/// Durations that so many per cent did not exceed: each is one that was measured (nearest rank).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percentiles {
    /// How many were measured.
    pub samples: u64,
    /// Half of them.
    pub p50: Duration,
    /// 95 per cent.
    pub p95: Duration,
    /// 99 per cent.
    pub p99: Duration,
}

impl GroupPerformance {
    /// Calls that came to nothing.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failures.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// How many of a million calls came to nothing, rounded down. None, if there were no calls.
    #[must_use]
    pub fn failed_per_million(&self) -> Option<u64> {
        let failed = u128::from(self.failed());
        let share = (failed * 1_000_000).checked_div(failed + u128::from(self.settled))?;
        u64::try_from(share).ok()
    }
}

impl Percentiles {
    /// Which ones are told.
    pub const PER_CENT: [u64; 3] = [50, 95, 99];

    /// The place, beginning with 1, of the smallest of `samples` sorted values that `per_cent`
    /// of them do not exceed: the nearest rank, `⌈samples × per_cent / 100⌉`.
    #[must_use]
    pub const fn place(samples: u64, per_cent: u64) -> u64 {
        // In this order nothing overflows.
        let (whole, rest) = (samples / 100, samples % 100);
        whole * per_cent + (rest * per_cent).div_ceil(100)
    }

    /// Those of some durations. None, if there are none.
    #[must_use]
    pub fn of(mut durations: Vec<Duration>) -> Option<Self> {
        durations.sort_unstable();
        let samples = durations.len() as u64;
        let at = |per_cent| {
            let place = usize::try_from(Self::place(samples, per_cent)).ok()?;
            durations.get(place.checked_sub(1)?).copied()
        };
        let [p50, p95, p99] = Self::PER_CENT.map(at);
        Some(Self { samples, p50: p50?, p95: p95?, p99: p99? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::Provider;

    #[test]
    fn a_percentile_is_the_nearest_value_that_was_measured() {
        let millis = |values: &[u64]| values.iter().map(|v| Duration::from_millis(*v)).collect();
        let hundred: Vec<u64> = (1..=100).rev().collect();
        let thousand: Vec<u64> = (1..=1_000).collect();
        for (values, expected) in [
            (&[7][..], (1, 7, 7, 7)),
            (&[9, 1], (2, 1, 9, 9)),
            (&[3, 1, 2], (3, 2, 3, 3)),
            (&[15, 20, 35, 40, 50], (5, 35, 50, 50)),
            (&[1, 1, 1, 1, 1, 1, 1, 1, 1, 100], (10, 1, 100, 100)),
            (&hundred, (100, 50, 95, 99)),
            (&thousand, (1_000, 500, 950, 990)),
        ] {
            let (samples, p50, p95, p99) = expected;
            let [p50, p95, p99] = [p50, p95, p99].map(Duration::from_millis);
            assert_eq!(
                Percentiles::of(millis(values)),
                Some(Percentiles { samples, p50, p95, p99 })
            );
        }
        assert_eq!(Percentiles::of(vec![]), None);
    }

    #[test]
    fn a_place_is_within_the_list_however_long_that_is() {
        for (samples, per_cent, place) in [
            (1, 50, 1),
            (1, 99, 1),
            (2, 50, 1),
            (3, 50, 2),
            (20, 95, 19),
            (21, 95, 20),
            (101, 99, 100),
            (u64::MAX, 99, u64::MAX / 100 * 99 + 15),
        ] {
            assert_eq!(Percentiles::place(samples, per_cent), place, "{per_cent} % of {samples}");
        }
    }

    #[test]
    fn a_rate_of_errors_is_of_the_calls_that_came_back() {
        let of = |settled, failures: &[(FailureKind, u64)]| GroupPerformance {
            group: Group::Provider(Provider::OPENAI),
            settled,
            failures: failures.to_vec(),
            total: None,
            provider_time: None,
            first_token: None,
            cost: UsdAmount::ZERO,
            charge: Credits::ZERO,
        };
        let (timeout, refused) = (FailureKind::Timeout, FailureKind::Rejected);
        for (performance, rate) in [
            (of(0, &[]), None),
            (of(3, &[]), Some(0)),
            (of(0, &[(timeout, 2)]), Some(1_000_000)),
            (of(2, &[(timeout, 1)]), Some(333_333)),
            (of(1, &[(timeout, 2), (refused, 1)]), Some(750_000)),
            (of(u64::MAX, &[(timeout, u64::MAX)]), Some(500_000)),
        ] {
            assert_eq!(performance.failed_per_million(), rate);
        }
    }
}
