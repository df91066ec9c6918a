//! Not asking who does not answer: a circuit breaker for each model and credential.
//!
//! ```text
//! Closed ──failures in a row──▶ Open ──its time is over──▶ one probe
//!    ▲                           ▲                            │
//!    └─────────── success ───────┼────────── failure ─────────┘
//! ```
//!
//! Only what is the provider's fault counts. A request that it refused as wrong says that it
//! works.
use std::time::Duration;

use chrono::TimeDelta;

use crate::{
    time::Timestamp,
    usage::{FailureKind, ModelProviderError},
};

/// When circuits open, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitRules {
    /// So many failures in a row open it. With 0 it never opens.
    pub failures: u32,
    /// How long it is open at first. Each failed probe doubles it.
    pub open_for: TimeDelta,
    /// How long it is open at most, however often probes fail, and whatever the provider asks for.
    pub open_at_most: TimeDelta,
}

impl Default for CircuitRules {
    fn default() -> Self {
        Self { failures: 5, open_for: TimeDelta::seconds(5), open_at_most: TimeDelta::seconds(120) }
    }
}

/// Whether somebody is asked, and when again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circuit {
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed {
        failures: u32,
    },
    /// Nobody is asked before `until`; then one is, who has until `patience` to come back.
    Open {
        until: Timestamp,
        lasted: TimeDelta,
    },
    Probing {
        since: Timestamp,
        lasted: TimeDelta,
    },
}

impl Default for Circuit {
    fn default() -> Self {
        Self { state: State::Closed { failures: 0 } }
    }
}

/// A probe that has not come back for so long is taken for lost, and another is let through.
const PROBE_LOST: TimeDelta = TimeDelta::minutes(5);

impl Circuit {
    /// Whether a call may go through now. Of those that ask when the time is over one may: it is
    /// the probe.
    ///
    /// # Errors
    ///
    /// When to ask again.
    pub fn enter(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        match self.state {
            State::Closed { .. } => Ok(()),
            State::Open { until, .. } if now < until => Err(until),
            State::Probing { since, .. } if now < since + PROBE_LOST => Err(since + PROBE_LOST),
            State::Open { lasted, .. } | State::Probing { lasted, .. } => {
                self.state = State::Probing { since: now, lasted };
                Ok(())
            }
        }
    }

    /// When a call may go through, were it made now. It is not made.
    ///
    /// # Errors
    ///
    /// When to ask again.
    pub fn look(&self, now: Timestamp) -> Result<(), Timestamp> {
        let mut other = *self;
        other.enter(now)
    }

    /// It answered, if only by refusing a request as wrong.
    pub const fn succeeded(&mut self) {
        self.state = State::Closed { failures: 0 };
    }

    /// It failed. `retry_after` is when it said that it wants to be asked again.
    pub fn failed(&mut self, rules: &CircuitRules, retry_after: Option<Duration>, now: Timestamp) {
        if rules.failures == 0 {
            return;
        }
        let lasted = match self.state {
            State::Closed { failures } => {
                let failures = failures.saturating_add(1);
                if failures < rules.failures && retry_after.is_none() {
                    self.state = State::Closed { failures };
                    return;
                }
                rules.open_for
            }
            // One that was on its way when the circuit opened tells nothing new.
            State::Open { .. } => return,
            State::Probing { lasted, .. } => (lasted + lasted).min(rules.open_at_most),
        };
        let asked = retry_after.and_then(|after| TimeDelta::from_std(after).ok());
        let lasts = asked.unwrap_or(lasted).min(rules.open_at_most);
        self.state = State::Open { until: now + lasts, lasted };
    }

    /// Whether it is closed, so that nothing needs to be remembered of it.
    #[must_use]
    pub const fn is_untroubled(&self) -> bool {
        matches!(self.state, State::Closed { failures: 0 })
    }

    /// Whether it lets nothing through, or a probe alone.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. } | State::Probing { .. })
    }
}

impl ModelProviderError {
    /// Whether asking again, or asking another, may help. The caller's own mistake stays one.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        self.kind().is_providers_fault()
    }

    /// When the provider wants to be asked again, if it said so.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } => *retry_after,
            Self::Rejected { .. }
            | Self::Credentials
            | Self::Unavailable(_)
            | Self::Timeout
            | Self::Malformed(_) => None,
        }
    }
}

impl FailureKind {
    /// Whether it counts against the provider.
    #[must_use]
    pub const fn is_providers_fault(self) -> bool {
        match self {
            Self::Rejected | Self::Stopped => false,
            Self::RateLimited
            | Self::Credentials
            | Self::Unavailable
            | Self::Timeout
            | Self::Malformed => true,
        }
    }

    /// Whether the same credential may be tried again: one that was refused will be again.
    #[must_use]
    pub const fn passes_with_time(self) -> bool {
        self.is_providers_fault() && !matches!(self, Self::Credentials)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: CircuitRules = CircuitRules {
        failures: 3,
        open_for: TimeDelta::seconds(5),
        open_at_most: TimeDelta::seconds(15),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn opened(now: i64) -> Circuit {
        let mut circuit = Circuit::default();
        (0..3).for_each(|_| circuit.failed(&RULES, None, at(now)));
        circuit
    }

    #[test]
    fn it_opens_after_failures_in_a_row_alone() {
        let mut circuit = Circuit::default();
        for _ in 0..2 {
            circuit.failed(&RULES, None, at(0));
            circuit.failed(&RULES, None, at(0));
            assert_eq!(circuit.enter(at(0)), Ok(()));
            circuit.succeeded();
            assert!(circuit.is_untroubled());
        }
        assert_eq!(opened(0).enter(at(0)), Err(at(5)));
    }

    #[test]
    fn one_probe_goes_through_when_its_time_is_over() {
        let mut circuit = opened(0);
        assert_eq!(circuit.enter(at(4)), Err(at(5)));
        assert_eq!(circuit.look(at(5)), Ok(()));
        assert_eq!(circuit.enter(at(5)), Ok(()));
        assert_eq!(circuit.enter(at(5)), Err(at(305)), "the probe is on its way");
        circuit.succeeded();
        assert_eq!(circuit.enter(at(6)), Ok(()));
        assert!(!circuit.is_open());
    }

    #[test]
    fn each_failed_probe_doubles_the_wait_up_to_a_bound() {
        let (mut circuit, mut now) = (opened(0), 0);
        for wait in [5, 10, 15, 15] {
            assert_eq!(circuit.enter(at(now)), Err(at(now + wait)));
            now += wait;
            assert_eq!(circuit.enter(at(now)), Ok(()));
            circuit.failed(&RULES, None, at(now));
        }
    }

    #[test]
    fn a_probe_that_is_lost_is_replaced() {
        let mut circuit = opened(0);
        assert_eq!(circuit.enter(at(5)), Ok(()));
        assert_eq!(circuit.enter(at(304)), Err(at(305)));
        assert_eq!(circuit.enter(at(305)), Ok(()));
        assert_eq!(circuit.enter(at(306)), Err(at(605)));
    }

    #[test]
    fn who_asks_for_time_gets_it_at_once_within_bounds() {
        for (asked, until) in [(1, 1), (7, 7), (9_999, 15)] {
            let mut circuit = Circuit::default();
            circuit.failed(&RULES, Some(Duration::from_secs(asked)), at(0));
            assert_eq!(circuit.enter(at(0)), Err(at(until)));
        }
    }

    #[test]
    fn a_circuit_that_may_not_open_does_not() {
        let (rules, mut circuit) = (CircuitRules { failures: 0, ..RULES }, Circuit::default());
        for retry_after in [None, Some(Duration::from_secs(9))] {
            (0..9).for_each(|_| circuit.failed(&rules, retry_after, at(0)));
            assert_eq!(circuit.enter(at(0)), Ok(()));
        }
    }

    #[test]
    fn late_failures_do_not_keep_it_open() {
        let mut circuit = opened(0);
        circuit.failed(&RULES, None, at(4));
        assert_eq!(circuit.enter(at(5)), Ok(()));
    }

    #[test]
    fn a_wrong_request_is_nobodys_failure_but_the_callers() {
        let blamed = FailureKind::ALL.into_iter().filter(|kind| kind.is_providers_fault());
        assert_eq!(blamed.count(), FailureKind::ALL.len() - 2);
        assert!(!FailureKind::Rejected.is_providers_fault());
        assert!(!FailureKind::Stopped.is_providers_fault());
        assert!(!FailureKind::Credentials.passes_with_time());
    }
}
