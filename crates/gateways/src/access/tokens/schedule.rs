//! Which key is good for what, and when. Keys are numbered by the periods that they sign in,
//! counted from the beginning of 1970.
use std::{ops::RangeInclusive, time::Duration};

use cape_domain::{access::AccessClaims, time::Timestamp};
use chrono::TimeDelta;

use super::{InvalidJwtOptions, JwtOptions};

/// How far the clock of the process that signed may be ahead of ours.
pub(super) const CLOCK_SKEW: TimeDelta = TimeDelta::seconds(60);

/// When keys follow one another, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    rotation: i64,
    publish_ahead: i64,
    overlap: i64,
}

impl Schedule {
    pub fn new(options: &JwtOptions) -> Result<Self, InvalidJwtOptions> {
        let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        let [rotation, publish_ahead, overlap] =
            [options.rotation, options.publish_ahead, options.overlap].map(seconds);
        let skew = CLOCK_SKEW.num_seconds();
        let outlived = AccessClaims::LIFE.num_seconds() + skew;
        if overlap < outlived {
            return Err(InvalidJwtOptions::Overlap(outlived));
        }
        if publish_ahead < skew {
            return Err(InvalidJwtOptions::PublishAhead(skew));
        }
        if rotation < overlap.max(publish_ahead) {
            return Err(InvalidJwtOptions::Rotation);
        }
        Ok(Self { rotation, publish_ahead, overlap })
    }

    /// The key that signs.
    pub fn period(&self, at: Timestamp) -> i64 {
        self.number(at.timestamp())
    }

    /// The keys that are shown to others.
    pub fn published(&self, now: Timestamp) -> RangeInclusive<i64> {
        self.around(now, self.publish_ahead)
    }

    /// The keys that tokens may be signed with: those that are published and do sign or did,
    /// here or where the clock is ahead.
    pub fn accepted(&self, now: Timestamp) -> RangeInclusive<i64> {
        self.around(now, CLOCK_SKEW.num_seconds())
    }

    /// From the oldest that is not yet retired to the newest that signs within `ahead`.
    fn around(&self, now: Timestamp, ahead: i64) -> RangeInclusive<i64> {
        let now = now.timestamp();
        self.number(now.saturating_sub(self.overlap))..=self.number(now.saturating_add(ahead))
    }

    const fn number(&self, second: i64) -> i64 {
        second.div_euclid(self.rotation)
    }
}
