//! When periods begin: the n-th is counted from the anchor and not from the one before it, so that the
//! 31st comes back after a shorter month. All in UTC, as Stripe has it.
use chrono::{DateTime, Days, Months, Utc};
use serde_json::Value;

use super::facts::Facts as _;

/// More periods than anybody lives to pay.
const MOST_PERIODS: u32 = 40_000;

/// The first boundary after an instant, of a price's interval counted from an anchor. None, where the
/// calendar ends.
pub(crate) fn boundary_after(anchor: i64, price: &Value, at: i64) -> Option<i64> {
    let recurring = &price["recurring"];
    let count = u32::try_from(recurring.number("interval_count")).ok()?.max(1);
    let start = DateTime::from_timestamp(anchor, 0)?;
    let boundary = |n: u32| nth(start, recurring.text("interval"), count.checked_mul(n)?);
    if at < anchor {
        return Some(anchor);
    }
    (1..MOST_PERIODS).map_while(boundary).find(|end| *end > at)
}

fn nth(start: DateTime<Utc>, interval: &str, steps: u32) -> Option<i64> {
    let end = match interval {
        "day" => start.checked_add_days(Days::new(steps.into())),
        "week" => start.checked_add_days(Days::new(u64::from(steps) * 7)),
        "year" => start.checked_add_months(Months::new(steps.checked_mul(12)?)),
        _ => start.checked_add_months(Months::new(steps)),
    };
    end.map(|end| end.timestamp())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> i64 {
        format!("{text}T10:00:00Z").parse::<DateTime<Utc>>().expect("a time").timestamp()
    }

    #[test]
    fn the_31st_comes_back_after_a_shorter_month() {
        let monthly = json!({"recurring": {"interval": "month", "interval_count": 1}});
        let anchor = at("2027-01-31");
        let mut boundary = anchor;
        for expected in ["2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"] {
            boundary = boundary_after(anchor, &monthly, boundary).expect("a boundary");
            assert_eq!(boundary, at(expected), "{expected}");
        }
    }

    #[test]
    fn leap_days_weeks_and_several_months_are_counted_from_the_anchor() {
        for (interval, count, anchor, from, expected) in [
            ("year", 1, "2024-02-29", "2024-02-29", "2025-02-28"),
            ("year", 1, "2024-02-29", "2027-03-01", "2028-02-29"),
            ("month", 3, "2026-11-30", "2026-11-30", "2027-02-28"),
            ("week", 2, "2026-11-21", "2026-12-01", "2026-12-05"),
            ("day", 1, "2026-11-21", "2026-11-25", "2026-11-26"),
            ("month", 1, "2026-11-21", "2026-11-01", "2026-11-21"),
        ] {
            let price = json!({"recurring": {"interval": interval, "interval_count": count}});
            let found = boundary_after(at(anchor), &price, at(from));
            assert_eq!(found, Some(at(expected)), "{interval} {anchor}");
        }
    }
}
