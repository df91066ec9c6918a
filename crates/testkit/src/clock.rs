//! A clock that stands still.
use std::sync::{Mutex, PoisonError};

use cape_domain::time::{Clock, Timestamp};
use chrono::TimeDelta;

/// The first day of 2030, an odd number of nanoseconds late.
const START: Timestamp = Timestamp::from_timestamp_nanos(1_893_456_000_123_456_789);

/// Starts on the first day of 2030 and moves only when told to.
#[derive(Debug)]
pub struct FrozenClock(Mutex<Timestamp>);

impl Default for FrozenClock {
    fn default() -> Self {
        Self(Mutex::new(START))
    }
}

impl FrozenClock {
    /// Moves time forward, or backward by a negative amount.
    pub fn advance(&self, by: TimeDelta) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for FrozenClock {
    fn read(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn now_is_a_whole_number_of_microseconds() {
        let clock = FrozenClock::default();
        assert_eq!(clock.now().timestamp_subsec_nanos(), 123_456_000);
    }

    #[test]
    fn time_moves_only_when_told_to() {
        let clock = FrozenClock::default();
        let before = clock.now();
        assert_eq!(clock.now(), before);
        clock.advance(TimeDelta::seconds(5));
        assert_eq!(clock.now(), before + TimeDelta::seconds(5));
    }
}
