//! Amounts as Stripe counts them.
//!
//! Almost everywhere that is the smallest unit of ISO 4217. Stripe differs in a few currencies
//! (docs.stripe.com/currencies): it counts some that have no smaller unit in hundredths, some that
//! have one in whole ones, and in those with three decimals it takes no odd last digit.
use cape_domain::billing::{Currency, Money};

/// Without decimals in ISO 4217, and counted in hundredths.
const IN_HUNDREDTHS: [&str; 2] = ["ISK", "UGX"];
/// With two decimals in ISO 4217, and counted in whole ones.
const IN_WHOLE_ONES: [&str; 1] = ["MGA"];
/// Decimals of currencies whose last digit is always 0.
const IN_TENS: u32 = 3;

/// An amount that Stripe does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an amount that Stripe does not take")]
pub(super) struct Uncountable;

/// What Stripe is asked for.
pub(super) fn to_stripe(money: Money) -> Result<i64, Uncountable> {
    let (minor, currency) = (money.minor(), money.currency());
    if IN_HUNDREDTHS.contains(&currency.code()) {
        return minor.checked_mul(100).ok_or(Uncountable);
    }
    if IN_WHOLE_ONES.contains(&currency.code()) {
        return if minor % 100 == 0 { Ok(minor / 100) } else { Err(Uncountable) };
    }
    if currency.exponent() == IN_TENS && minor % 10 != 0 {
        return Err(Uncountable);
    }
    Ok(minor)
}

/// What Stripe says.
pub(super) fn from_stripe(amount: i64, currency: Currency) -> Option<Money> {
    let minor = if IN_HUNDREDTHS.contains(&currency.code()) {
        (amount % 100 == 0).then_some(amount / 100)?
    } else if IN_WHOLE_ONES.contains(&currency.code()) {
        amount.checked_mul(100)?
    } else {
        amount
    };
    Some(Money::from_minor(minor, currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(minor: i64, currency: &str) -> Money {
        Money::from_minor(minor, currency.parse().expect("a currency"))
    }

    #[test]
    fn amounts_go_there_and_come_back_as_they_were() {
        for (minor, currency, counted) in [
            (1_234, "USD", 1_234),
            (16_900, "ZAR", 16_900),
            (1_234, "JPY", 1_234),
            (1_230, "KWD", 1_230),
            (5_000, "ISK", 500_000),
            (5_000, "UGX", 500_000),
            (500_000, "MGA", 5_000),
        ] {
            let amount = money(minor, currency);
            assert_eq!(to_stripe(amount), Ok(counted), "{amount}");
            assert_eq!(from_stripe(counted, amount.currency()), Some(amount), "{amount}");
        }
    }

    #[test]
    fn what_stripe_cannot_count_is_refused_and_not_rounded() {
        for (minor, currency) in [(1_234, "KWD"), (501, "MGA"), (i64::MAX, "ISK")] {
            assert_eq!(to_stripe(money(minor, currency)), Err(Uncountable), "{minor} {currency}");
        }
        assert_eq!(from_stripe(12_345, money(0, "ISK").currency()), None);
        assert_eq!(from_stripe(i64::MAX, money(0, "MGA").currency()), None);
    }
}
