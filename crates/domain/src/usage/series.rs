//! What a workspace used hour by hour or day by day.
//!
//! Hours and days are those of UTC, where a day always has 24 hours.
use std::{fmt, str::FromStr};

use chrono::{DateTime, TimeDelta};

use crate::{
    billing::OutOfRange,
    time::Timestamp,
    usage::{Group, GroupBy, GroupUsage, QuotaPeriod, Usage},
};

/// How long the parts of a series are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// An hour.
    Hour,
    /// A day.
    Day,
}

/// A text that names no length of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be hour or day")]
pub struct UnknownBucket;

/// A series that would be too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a series by the {bucket} has {most} parts at most", most = bucket.most())]
pub struct TooManyBuckets {
    /// The length of the parts.
    pub bucket: Bucket,
}

/// What was used over a period, part by part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageSeries {
    /// How long the parts are.
    pub bucket: Bucket,
    /// What the groups are made by, if there are any.
    pub by: Option<GroupBy>,
    /// The period, by the moment of admission.
    pub period: QuotaPeriod,
    /// Its parts, the oldest first. They are there even where nothing was used.
    pub points: Vec<SeriesPoint>,
}

/// What was used in one part of a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesPoint {
    /// The part.
    pub period: QuotaPeriod,
    /// All that was used in it.
    pub total: Usage,
    /// The same, group by group, what was charged the most first. Only groups that have calls.
    pub groups: Vec<GroupUsage>,
}

/// What one group used in one part of a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketUsage {
    /// Which part, beginning with 0.
    pub bucket: usize,
    /// Which group. None, where everything is one.
    pub group: Option<Group>,
    /// What was used.
    pub usage: Usage,
}

impl Bucket {
    /// Every length.
    pub const ALL: [Self; 2] = [Self::Hour, Self::Day];

    /// The stable name, as asked for and as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// The most parts of a series: a month of hours, a year of days.
    #[must_use]
    pub const fn most(self) -> usize {
        match self {
            Self::Hour => 744,
            Self::Day => 366,
        }
    }

    const fn length(self) -> TimeDelta {
        match self {
            Self::Hour => TimeDelta::hours(1),
            Self::Day => TimeDelta::days(1),
        }
    }

    /// Cuts a period at every full hour or at every midnight, so that the parts add up to it.
    /// The first and the last are shorter where the period begins or ends in between.
    ///
    /// # Errors
    ///
    /// [`TooManyBuckets`].
    pub fn cut(self, period: QuotaPeriod) -> Result<Vec<QuotaPeriod>, TooManyBuckets> {
        let mut parts = Vec::new();
        let mut start = period.start;
        while start < period.end {
            if parts.len() == self.most() {
                return Err(TooManyBuckets { bucket: self });
            }
            let end = self.next_edge(start).min(period.end);
            parts.push(QuotaPeriod { start, end });
            start = end;
        }
        Ok(parts)
    }

    /// The first full hour or midnight after a moment.
    fn next_edge(self, after: Timestamp) -> Timestamp {
        let length = self.length().num_seconds();
        let edge = (after.timestamp().div_euclid(length) + 1) * length;
        DateTime::from_timestamp(edge, 0).unwrap_or(Timestamp::MAX_UTC)
    }
}

impl FromStr for Bucket {
    type Err = UnknownBucket;

    fn from_str(name: &str) -> Result<Self, UnknownBucket> {
        Self::ALL.into_iter().find(|bucket| bucket.name() == name).ok_or(UnknownBucket)
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl SeriesPoint {
    /// Puts what was used into its parts. Those in which nothing was used are empty.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] when a sum does not fit, or a part is not one of these.
    pub fn assemble(
        parts: Vec<QuotaPeriod>,
        used: Vec<BucketUsage>,
    ) -> Result<Vec<Self>, OutOfRange> {
        let empty = |period| Self { period, total: Usage::default(), groups: vec![] };
        let mut points: Vec<_> = parts.into_iter().map(empty).collect();
        for BucketUsage { bucket, group, usage } in used {
            let point = points.get_mut(bucket).ok_or(OutOfRange)?;
            point.total = point.total.plus(usage)?;
            point.groups.extend(group.map(|group| GroupUsage { group, usage }));
        }
        for point in &mut points {
            GroupUsage::dearest_first(&mut point.groups);
        }
        Ok(points)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{billing::Credits, usage::Provider};

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn period(start: &str, end: &str) -> QuotaPeriod {
        QuotaPeriod { start: at(start), end: at(end) }
    }

    #[test]
    fn a_period_is_cut_at_the_hours_and_days_of_utc_and_nothing_is_lost() {
        for (bucket, whole, edges) in [
            (
                Bucket::Hour,
                period("2026-11-21T05:00:00Z", "2026-11-21T07:00:00Z"),
                &["2026-11-21T06:00:00Z"][..],
            ),
            (
                Bucket::Hour,
                period("2026-11-21T05:30:00.5Z", "2026-11-21T07:15:00Z"),
                &["2026-11-21T06:00:00Z", "2026-11-21T07:00:00Z"],
            ),
            (
                Bucket::Day,
                period("2026-12-31T23:59:59.999999Z", "2027-01-02T00:00:00Z"),
                &["2027-01-01T00:00:00Z"],
            ),
            (
                Bucket::Day,
                period("1969-12-31T12:00:00Z", "1970-01-01T12:00:00Z"),
                &["1970-01-01T00:00:00Z"],
            ),
            (Bucket::Day, period("2026-11-21T05:00:00Z", "2026-11-21T05:00:00.000001Z"), &[]),
        ] {
            let parts = bucket.cut(whole).expect("few");
            let starts: Vec<_> = parts.iter().map(|part| part.start).collect();
            let ends: Vec<_> = parts.iter().map(|part| part.end).collect();
            let edges: Vec<_> = edges.iter().map(|edge| at(edge)).collect();
            assert_eq!(starts, [&[whole.start][..], &edges].concat());
            assert_eq!(ends, [&edges[..], &[whole.end]].concat());
        }
    }

    #[test]
    fn a_series_has_a_month_of_hours_or_a_year_of_days_and_no_more() {
        for (bucket, start, last, beyond) in [
            (Bucket::Hour, "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", "2026-11-01T00:00:01Z"),
            (Bucket::Hour, "2026-10-01T00:30:00Z", "2026-11-01T00:00:00Z", "2026-11-01T00:30:00Z"),
            (Bucket::Day, "2028-01-01T00:00:00Z", "2029-01-01T00:00:00Z", "2029-01-01T00:00:01Z"),
            (Bucket::Day, "1000-01-01T00:00:00Z", "1001-01-02T00:00:00Z", "9999-01-01T00:00:00Z"),
        ] {
            let parts = bucket.cut(period(start, last)).expect("as many as there may be");
            assert_eq!(parts.len(), bucket.most());
            assert_eq!(bucket.cut(period(start, beyond)), Err(TooManyBuckets { bucket }));
        }
    }

    #[test]
    fn a_part_in_which_nothing_was_used_is_there_and_empty() {
        let (one, two) = (
            period("2026-11-21T05:00:00Z", "2026-11-21T06:00:00Z"),
            period("2026-11-21T06:00:00Z", "2026-11-21T07:00:00Z"),
        );
        let usage =
            |charge| Usage { settled: 1, charge: Credits::from_micros(charge), ..Usage::default() };
        let used = |bucket, provider, charge| BucketUsage {
            bucket,
            group: Some(Group::Provider(provider)),
            usage: usage(charge),
        };
        let cells = vec![used(1, Provider::OPENAI, 2), used(1, Provider::GEMINI, 3)];
        let points = SeriesPoint::assemble(vec![one, two], cells).expect("in range");
        let nothing = SeriesPoint { period: one, total: Usage::default(), groups: vec![] };
        assert_eq!(points[0], nothing);
        assert_eq!((points[1].total.settled, points[1].total.charge.micros()), (2, 5));
        let charges: Vec<_> = points[1].groups.iter().map(|g| g.usage.charge.micros()).collect();
        assert_eq!(charges, [3, 2], "the dearest first");
        let whole = BucketUsage { bucket: 0, group: None, usage: usage(7) };
        let points = SeriesPoint::assemble(vec![one], vec![whole.clone()]).expect("in range");
        assert_eq!((points[0].total, points[0].groups.len()), (usage(7), 0));
        let nowhere = SeriesPoint::assemble(vec![], vec![whole]);
        assert_eq!(nowhere, Err(OutOfRange));
    }

    #[test]
    fn a_bucket_is_known_by_its_name_only() {
        for bucket in Bucket::ALL {
            assert_eq!(bucket.name().parse(), Ok(bucket));
        }
        assert_eq!("week".parse::<Bucket>(), Err(UnknownBucket));
    }
}
