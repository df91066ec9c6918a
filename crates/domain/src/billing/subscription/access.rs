//! When the rights of a plan are open. The clock decides, not a flag.
use chrono::TimeDelta;

use super::{Subscription, SubscriptionState};
use crate::{billing::Period, time::Timestamp};

/// For so long after its period a subscription that renews itself is taken for renewed although
/// nobody said so: nobody loses what it pays for because its provider cannot be reached.
pub const RENEWAL_LEEWAY: TimeDelta = TimeDelta::days(1);

impl Subscription {
    /// From when until when the plan's rights are open, as far as it is known now.
    #[must_use]
    pub fn access(&self) -> Option<Period> {
        match self.state {
            SubscriptionState::Trialing { period } | SubscriptionState::Active { period } => {
                Period::new(period.start(), period.end() + RENEWAL_LEEWAY).ok()
            }
            SubscriptionState::PastDue { since, until, .. } => Period::new(since, until).ok(),
            SubscriptionState::Canceling { period } => Some(period),
            SubscriptionState::Incomplete { .. }
            | SubscriptionState::Paused { .. }
            | SubscriptionState::Ended { .. } => None,
        }
    }

    /// Whether the plan's rights are open at `now`.
    #[must_use]
    pub fn grants_access(&self, now: Timestamp) -> bool {
        self.access().is_some_and(|open| open.contains(now))
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{at, every_state, subscription};

    #[test]
    fn access_follows_the_state_and_the_clock() {
        let days = [9, 10, 25, 26, 39, 40, 41];
        let open = |state| {
            let subscription = subscription(state);
            days.map(|day| u8::from(subscription.grants_access(at(day))))
        };
        let table: Vec<_> =
            every_state().into_iter().map(|state| (state.name(), open(state))).collect();
        assert_eq!(
            table,
            [
                ("incomplete", [0, 0, 0, 0, 0, 0, 0]),
                ("incomplete", [0, 0, 0, 0, 0, 0, 0]),
                // A day longer: the news of its renewal may be late.
                ("trialing", [0, 1, 1, 1, 1, 1, 0]),
                ("active", [0, 1, 1, 1, 1, 1, 0]),
                // Until it is given up.
                ("past_due", [0, 1, 1, 0, 0, 0, 0]),
                ("paused", [0, 0, 0, 0, 0, 0, 0]),
                // To the minute.
                ("canceling", [0, 1, 1, 1, 1, 0, 0]),
                ("ended", [0, 0, 0, 0, 0, 0, 0]),
            ]
        );
    }
}
