//! How many calls a workspace has in a month.
use chrono::{Datelike, TimeZone, Utc};

use crate::{ids::WorkspaceId, time::Timestamp};

/// A half-open period over which calls are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QuotaPeriod {
    /// When it begins.
    pub start: Timestamp,
    /// When it is over.
    pub end: Timestamp,
}

impl QuotaPeriod {
    /// The calendar month, in UTC, that `now` is in.
    #[must_use]
    pub fn month_of(now: Timestamp) -> Self {
        let (year, month) = (now.year(), now.month());
        let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        let first = |(year, month)| {
            Utc.with_ymd_and_hms(year, month, 1, 0, 0, 0).single().unwrap_or(Timestamp::MAX_UTC)
        };
        Self { start: first((year, month)), end: first(next) }
    }
}

/// How a workspace stands in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The period.
    pub period: QuotaPeriod,
    /// Calls that are allowed.
    pub limit: u64,
    /// Calls that were made, or are being made.
    pub used: u64,
}

impl Quota {
    /// Calls that are left.
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_tile_the_year() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        for (now, start, end) in [
            ("2026-11-21T05:00:00Z", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
            ("2026-12-31T23:59:59.999999Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
            ("2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "2027-02-01T00:00:00Z"),
        ] {
            let period = QuotaPeriod { start: at(start), end: at(end) };
            assert_eq!(QuotaPeriod::month_of(at(now)), period);
        }
    }
}
