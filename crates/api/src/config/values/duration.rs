//! Durations as text: `500ms`, `30s`, `15min`, `1h`.
use std::time::Duration;

use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

/// Milliseconds in each unit, the largest first.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1)];

const EXPECTED: &str = "must be a duration such as 500ms, 30s, 15min or 1h";

pub(in crate::config) fn serialize<S: Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&shown(*duration))
}

pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer).map_err(|_| D::Error::custom(EXPECTED))?;
    parsed(&text).ok_or_else(|| D::Error::custom(EXPECTED))
}

/// None for what is no duration, and for one of no length.
fn parsed(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, milliseconds) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
    let total = number.parse::<u64>().ok()?.checked_mul(*milliseconds)?;
    (total > 0).then(|| Duration::from_millis(total))
}

fn shown(duration: Duration) -> String {
    let total = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    UNITS
        .iter()
        .find(|(_, milliseconds)| total % milliseconds == 0)
        .map_or_else(|| format!("{total}ms"), |(unit, size)| format!("{}{unit}", total / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_whole_number_and_a_unit() {
        for (text, milliseconds) in
            [("1ms", 1), ("30s", 30_000), ("30 s", 30_000), ("90s", 90_000), ("2h", 7_200_000)]
        {
            assert_eq!(parsed(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in [
            "",
            "30",
            "s",
            "0s",
            "-1s",
            "1.5s",
            "1d",
            "1s 2ms",
            "99999999999999999999s",
            "9999999999999999h",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn a_duration_is_shown_in_the_largest_unit_that_fits() {
        for text in ["1ms", "1500ms", "30s", "90s", "15min", "1h"] {
            assert_eq!(parsed(text).map(shown).as_deref(), Some(text));
        }
    }
}
