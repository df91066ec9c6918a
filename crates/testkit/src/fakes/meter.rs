//! Passwords, judged by their length.
use cape_domain::accounts::{Appraisal, Chooser, PasswordMeter};

/// What leaked, as far as this meter knows.
const BREACHED: [&str; 4] =
    ["password1234", "correcthorsebatterystaple", "qwertyuiop123", "letmein12345"];

/// Takes long passwords for good ones, whoever chooses them, and knows a few that leaked: see
/// [`PlainMeter::breached`].
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainMeter;

impl PlainMeter {
    /// Every password that leaked. Each is long enough.
    #[must_use]
    pub const fn breached() -> [&'static str; 4] {
        BREACHED
    }
}

impl PasswordMeter for PlainMeter {
    fn appraise(&self, password: &str, _: Chooser<'_>) -> Appraisal {
        let score = match password.chars().count() {
            16.. => 4,
            12.. => 3,
            8.. => 2,
            0.. => 0,
        };
        let longer = (score < 3).then(|| "Use more characters.".to_owned());
        Appraisal {
            score,
            breached: BREACHED.contains(&password.to_lowercase().as_str()),
            suggestions: longer.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_all_that_counts_but_for_what_leaked() {
        for (password, score, breached, suggestions) in [
            ("ééééééé", 0, false, 1),
            ("12345678", 2, false, 1),
            ("password123", 2, false, 1),
            ("Password1234", 3, true, 0),
            ("123456789012345", 3, false, 0),
            ("1234567890123456", 4, false, 0),
            ("correcthorsebatterystaple", 4, true, 0),
        ] {
            let found = PlainMeter.appraise(password, Chooser::UNKNOWN);
            assert_eq!((found.score, found.breached), (score, breached), "{password}");
            assert_eq!(found.suggestions.len(), suggestions, "{password}");
        }
    }
}
