//! Time zones: whose calendar a day is counted in.
use std::{fmt, str::FromStr};

use chrono::{LocalResult, NaiveDateTime, TimeDelta, TimeZone as _, Utc};

use crate::time::Timestamp;

/// A zone of the IANA database, by its rules of the day the program was built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Zone(chrono_tz::Tz);

/// A name that is no zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time zone of the IANA database")]
pub struct UnknownZone(String);

/// The longest time that clocks were ever put forward by: Samoa left out a whole day.
const LONGEST_GAP_HOURS: i64 = 25;

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(chrono_tz::Tz::UTC);

    /// The name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// What clocks in the zone show.
    #[must_use]
    pub fn local(self, at: Timestamp) -> NaiveDateTime {
        at.with_timezone(&self.0).naive_local()
    }

    /// When clocks in the zone show this. Of two such instants it is the first one; where clocks
    /// leave it out, they are read as if they had not been put forward (RFC 5545, 3.3.5). Nothing
    /// at the ends of the calendar.
    #[must_use]
    pub fn instant(self, local: NaiveDateTime) -> Option<Timestamp> {
        match self.0.from_local_datetime(&local) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.with_timezone(&Utc)),
            LocalResult::None => (1..=LONGEST_GAP_HOURS).find_map(|hours| {
                let back = TimeDelta::hours(hours);
                let before = self.0.from_local_datetime(&local.checked_sub_signed(back)?).latest();
                before?.with_timezone(&Utc).checked_add_signed(back)
            }),
        }
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        name.parse().map(Self).map_err(|_| UnknownZone(name.to_owned()))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn instant(zone: &str, local: &str) -> String {
        let zone: Zone = zone.parse().expect("a zone");
        let local = local.parse().expect("a local time");
        let at: DateTime<Utc> = zone.instant(local).expect("an instant");
        at.format("%FT%T").to_string()
    }

    #[test]
    fn what_clocks_show_twice_is_the_first_time_and_what_they_leave_out_is_as_before() {
        for (zone, local, expected) in [
            ("UTC", "2026-11-21T12:00:00", "2026-11-21T12:00:00"),
            ("Africa/Johannesburg", "2026-11-21T12:00:00", "2026-11-21T10:00:00"),
            // Twice: first in summer time.
            ("Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T00:30:00"),
            // Left out: 02:30 in winter time is 03:30 in summer time.
            ("Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T01:30:00"),
            // Half an hour is left out.
            ("Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-03T15:45:00"),
            // A whole day is left out.
            ("Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T22:00:00"),
        ] {
            assert_eq!(instant(zone, local), expected, "{zone} {local}");
        }
    }

    #[test]
    fn a_zone_is_known_by_its_name_only() {
        assert_eq!("UTC".parse(), Ok(Zone::UTC));
        assert_eq!(
            "Africa/Johannesburg".parse::<Zone>().expect("known").name(),
            "Africa/Johannesburg"
        );
        for wrong in ["", "SAST+2", "africa/johannesburg", "+02:00"] {
            assert!(wrong.parse::<Zone>().is_err(), "{wrong}");
        }
    }
}
