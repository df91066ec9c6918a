//! Periods: from an instant up to another one, and the calendar that cuts a life into them.
//!
//! The n-th boundary is computed from the anchor, never from the boundary before it: who begins
//! on 31 January pays on 28 February and then on 31 March. Every instant from the anchor on is in
//! exactly one period.
use chrono::{Datelike as _, Months, NaiveDateTime};

use super::{PriceInterval, Zone};
use crate::time::Timestamp;

/// From `start` up to `end`, which is not in it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Period {
    start: Timestamp,
    end: Timestamp,
}

/// A period that ends before it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a period ends after it begins")]
pub struct InvalidPeriod;

impl Period {
    /// From `start` up to `end`.
    ///
    /// # Errors
    ///
    /// [`InvalidPeriod`] unless it ends after it begins.
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self, InvalidPeriod> {
        if start < end { Ok(Self { start, end }) } else { Err(InvalidPeriod) }
    }

    /// The first instant in it.
    #[must_use]
    pub const fn start(self) -> Timestamp {
        self.start
    }

    /// The first instant after it.
    #[must_use]
    pub const fn end(self) -> Timestamp {
        self.end
    }

    /// Whether an instant is in it.
    #[must_use]
    pub fn contains(self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }
}

/// The calendar of something that is paid again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// When the first period begins: its day and time of day, in the zone, are those of every
    /// later one, or the last day of a month that has no such day.
    pub anchor: Timestamp,
    /// Whose clocks and days count.
    pub zone: Zone,
    /// How long a period is.
    pub interval: PriceInterval,
}

impl Calendar {
    /// The `n`-th period; the one that begins with the anchor is number 0. Nothing at the end of
    /// the calendar.
    #[must_use]
    pub fn period(&self, n: u32) -> Option<Period> {
        Period::new(self.boundary(n)?, self.boundary(n.checked_add(1)?)?).ok()
    }

    /// The period that an instant is in, with its number. Nothing before the anchor.
    #[must_use]
    pub fn containing(&self, at: Timestamp) -> Option<(u32, Period)> {
        // The difference of the months is at most one too many or, across zones, too few.
        let near = self.elapsed(self.zone.local(at));
        let numbers = near.saturating_sub(1)..=near.saturating_add(1);
        numbers.filter_map(|n| Some((n, self.period(n)?))).find(|(_, period)| period.contains(at))
    }

    /// When the `n`-th period begins.
    fn boundary(&self, n: u32) -> Option<Timestamp> {
        let local = self.zone.local(self.anchor);
        if n == 0 {
            // As it is: clocks may have shown it twice.
            return Some(self.anchor);
        }
        let months = n.checked_mul(self.months())?;
        self.zone.instant(local.checked_add_months(Months::new(months))?)
    }

    fn elapsed(&self, local: NaiveDateTime) -> u32 {
        let anchor = self.zone.local(self.anchor);
        let years = local.year().saturating_sub(anchor.year());
        let months = i64::from(years) * 12 + i64::from(local.month()) - i64::from(anchor.month());
        u32::try_from(months).unwrap_or(0) / self.months()
    }

    const fn months(&self) -> u32 {
        match self.interval {
            PriceInterval::Month => 1,
            PriceInterval::Year => 12,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, TimeDelta, Timelike as _};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn calendar(anchor: &str, zone: &str, interval: PriceInterval) -> Calendar {
        Calendar { anchor: at(anchor), zone: zone.parse().expect("a zone"), interval }
    }

    fn starts(calendar: &Calendar, many: u32) -> Vec<String> {
        let start = |n| calendar.period(n).expect("a period").start().format("%FT%R").to_string();
        (0..many).map(start).collect()
    }

    #[test]
    fn the_31st_of_january_stays_the_31st() {
        let months = calendar("2027-01-31T10:00:00Z", "UTC", PriceInterval::Month);
        assert_eq!(
            starts(&months, 5),
            [
                "2027-01-31T10:00",
                "2027-02-28T10:00",
                "2027-03-31T10:00",
                "2027-04-30T10:00",
                "2027-05-31T10:00",
            ]
        );
        let years = calendar("2028-02-29T10:00:00Z", "UTC", PriceInterval::Year);
        assert_eq!(
            starts(&years, 5),
            [
                "2028-02-29T10:00",
                "2029-02-28T10:00",
                "2030-02-28T10:00",
                "2031-02-28T10:00",
                "2032-02-29T10:00",
            ]
        );
    }

    #[test]
    fn the_day_is_that_of_the_zone_and_so_is_the_time_of_day() {
        // 00:30 on the 1st of March in Johannesburg is still February in UTC.
        let johannesburg =
            calendar("2027-02-28T22:30:00Z", "Africa/Johannesburg", PriceInterval::Month);
        assert_eq!(
            starts(&johannesburg, 3),
            ["2027-02-28T22:30", "2027-03-31T22:30", "2027-04-30T22:30"]
        );
        // 09:00 in New York is 14:00 in winter and 13:00 in summer.
        let new_york = calendar("2027-02-15T14:00:00Z", "America/New_York", PriceInterval::Month);
        assert_eq!(
            starts(&new_york, 3),
            ["2027-02-15T14:00", "2027-03-15T13:00", "2027-04-15T13:00"]
        );
    }

    #[test]
    fn a_period_has_its_start_and_not_its_end() {
        let period = Period::new(at("2027-01-01T00:00:00Z"), at("2027-02-01T00:00:00Z"));
        let period = period.expect("sound");
        let moment = TimeDelta::microseconds(1);
        let inside = [period.start(), period.end() - moment];
        let outside = [period.start() - moment, period.end()];
        assert!(inside.into_iter().all(|at| period.contains(at)));
        assert!(!outside.into_iter().any(|at| period.contains(at)));
        assert_eq!(Period::new(period.end(), period.start()), Err(InvalidPeriod));
        assert_eq!(Period::new(period.start(), period.start()), Err(InvalidPeriod));
    }

    #[test]
    fn nothing_is_before_the_anchor() {
        let months = calendar("2027-01-31T10:00:00Z", "UTC", PriceInterval::Month);
        assert_eq!(months.containing(at("2027-01-31T09:59:59Z")), None);
        let (n, _) = months.containing(at("2027-02-28T10:00:00Z")).expect("a period");
        assert_eq!(n, 1);
    }

    /// Zones with summer time in both hemispheres, by an hour and by half an hour, at two o'clock
    /// and at midnight, ahead and behind, and without any.
    const ZONES: [&str; 6] = [
        "UTC",
        "Africa/Johannesburg",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Beirut",
        "Pacific/Chatham",
    ];

    #[test]
    fn from_every_day_of_a_leap_cycle_ten_years_are_tiled_on_the_anchor_day() {
        let first = NaiveDate::from_ymd_opt(2023, 1, 1).expect("a day");
        for zone in ZONES.map(|name| name.parse::<Zone>().expect("a zone")) {
            for day in first.iter_days().take(4 * 365 + 1) {
                let local = day.and_hms_opt(2, 30, 0).expect("a time");
                let anchor = zone.instant(local).expect("an instant");
                let local = zone.local(anchor);
                for (interval, many) in [(PriceInterval::Month, 120), (PriceInterval::Year, 10)] {
                    let calendar = Calendar { anchor, zone, interval };
                    let mut end = anchor;
                    for n in 0..many {
                        let period = calendar.period(n).expect("a period");
                        assert_eq!(period.start(), end, "no overlap and no gap: {zone} {day} {n}");
                        assert_on_anchor(&calendar, period.start(), local);
                        if n % 7 == 0 {
                            let last = period.end() - TimeDelta::microseconds(1);
                            assert_eq!(calendar.containing(period.start()), Some((n, period)));
                            assert_eq!(calendar.containing(last), Some((n, period)));
                        }
                        end = period.end();
                    }
                }
            }
        }
    }

    /// The day of the anchor, or the last one of the month; and its time of day, unless clocks
    /// left it out.
    fn assert_on_anchor(calendar: &Calendar, start: Timestamp, anchor: NaiveDateTime) {
        let local = calendar.zone.local(start);
        let last = local.num_days_in_month();
        assert_eq!(local.day(), anchor.day().min(u32::from(last)), "{} {start}", calendar.zone);
        let shifted = (local.time() - anchor.time()).num_minutes();
        assert!([0, 30, 60].contains(&shifted), "{} {start} {}", calendar.zone, local.minute());
    }
}
