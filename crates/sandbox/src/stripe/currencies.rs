//! How Stripe counts money: in hundredths, except where it counts otherwise, and in some currencies only in
//! steps.

/// Counted as they are paid.
const WHOLE: [&str; 15] = [
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf",
    "xof", "xpf",
];
/// Counted in thousandths, of which only tens can be paid.
const THOUSANDTHS: [&str; 5] = ["bhd", "jod", "kwd", "omr", "tnd"];
/// Counted in hundredths that do not exist.
const WHOLE_IN_HUNDREDTHS: [&str; 2] = ["isk", "ugx"];

fn step(currency: &str) -> i64 {
    match currency {
        currency if THOUSANDTHS.contains(&currency) => 10,
        currency if WHOLE_IN_HUNDREDTHS.contains(&currency) => 100,
        _ => 1,
    }
}

/// Whether an amount can be paid in a currency, in lower case.
pub(crate) fn can_be_paid(amount: i64, currency: &str) -> bool {
    amount % step(currency) == 0
}

/// The nearest amount, none of them negative, that can be paid in a currency, in lower case.
pub(crate) fn nearest(amount: i64, currency: &str) -> i64 {
    let step = step(currency);
    amount.saturating_add(step / 2) / step * step
}

/// An amount as a payer reads it.
pub(crate) fn readable(amount: i64, currency: &str) -> String {
    let lower = currency.to_ascii_lowercase();
    let (unit, width) = match lower.as_str() {
        currency if WHOLE.contains(&currency) => (1, 0),
        currency if THOUSANDTHS.contains(&currency) => (1000, 3),
        _ => (100, 2),
    };
    let (sign, amount) = (if amount < 0 { "-" } else { "" }, amount.unsigned_abs());
    let name = currency.to_ascii_uppercase();
    match width {
        0 => format!("{sign}{amount} {name}"),
        width => format!("{sign}{}.{:0width$} {name}", amount / unit, amount % unit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_shown_as_their_currency_is_counted() {
        for (amount, currency, expected) in [
            (1050, "usd", "10.50 USD"),
            (-5, "ZAR", "-0.05 ZAR"),
            (500, "JPY", "500 JPY"),
            (5120, "kwd", "5.120 KWD"),
            (500, "isk", "5.00 ISK"),
        ] {
            assert_eq!(readable(amount, currency), expected);
        }
    }

    #[test]
    fn what_does_not_exist_cannot_be_paid() {
        for (amount, currency, expected) in [
            (5124, "kwd", false),
            (5120, "kwd", true),
            (550, "isk", false),
            (500, "ugx", true),
            (1, "usd", true),
            (1, "jpy", true),
        ] {
            assert_eq!(can_be_paid(amount, currency), expected, "{amount} {currency}");
        }
        for (amount, currency, expected) in [(5124, "kwd", 5120), (550, "isk", 600), (7, "usd", 7)]
        {
            assert_eq!(nearest(amount, currency), expected);
        }
    }
}
