//! Money is a whole number of minor units in one currency.
use std::{fmt, str::FromStr};

/// A currency of ISO 4217, with its own number of decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// United States dollar.
    pub const USD: Self = Self(iso_currency::Currency::USD);
    /// South African rand.
    pub const ZAR: Self = Self(iso_currency::Currency::ZAR);

    /// The ISO 4217 code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many decimals the minor unit stands for.
    #[must_use]
    pub fn exponent(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }
}

/// A code that is no currency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a currency of ISO 4217")]
pub struct UnknownCurrency(String);

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(code: &str) -> Result<Self, UnknownCurrency> {
        iso_currency::Currency::from_code(code)
            .map(Self)
            .ok_or_else(|| UnknownCurrency(code.to_owned()))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An exact amount. There is no way to build one from a float.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why two amounts could not be combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The amounts are in different currencies.
    #[error("cannot combine {left} with {right}")]
    CurrencyMismatch {
        /// The currency on the left.
        left: Currency,
        /// The currency on the right.
        right: Currency,
    },
    /// The result does not fit.
    #[error("amount out of range")]
    OutOfRange,
}

impl Money {
    /// `minor` cents, or whatever the currency's smallest unit is.
    #[must_use]
    pub const fn from_minor(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// The number of minor units.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Adds two amounts of the same currency.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when the currencies differ or the sum does not fit.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch {
                left: self.currency,
                right: other.currency,
            });
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::OutOfRange)?;
        Ok(Self { minor, ..self })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minor < 0 { "-" } else { "" };
        let (minor, exponent) = (self.minor.unsigned_abs(), self.currency.exponent());
        let unit = 10_u64.pow(exponent);
        write!(f, "{sign}{}", minor / unit)?;
        if exponent > 0 {
            write!(f, ".{:0width$}", minor % unit, width = exponent as usize)?;
        }
        write!(f, " {}", self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(minor: i64, code: &str) -> Money {
        Money::from_minor(minor, code.parse().expect("a currency"))
    }

    #[test]
    fn rands_do_not_mix_with_dollars() {
        let (left, right) = (Currency::ZAR, Currency::USD);
        assert_eq!(
            Money::from_minor(1, left).plus(Money::from_minor(1, right)),
            Err(MoneyError::CurrencyMismatch { left, right }),
        );
        assert_eq!(money(i64::MAX, "USD").plus(money(1, "USD")), Err(MoneyError::OutOfRange));
        assert_eq!(money(2, "USD").plus(money(3, "USD")), Ok(money(5, "USD")));
    }

    #[test]
    fn every_currency_has_its_own_minor_unit() {
        for (minor, code, shown) in [
            (1_234, "EUR", "12.34 EUR"),
            (1_234, "JPY", "1234 JPY"),
            (1_234, "KWD", "1.234 KWD"),
            (-5, "USD", "-0.05 USD"),
            (i64::MIN, "ZAR", "-92233720368547758.08 ZAR"),
        ] {
            assert_eq!(money(minor, code).to_string(), shown);
        }
    }

    #[test]
    fn a_currency_is_known_by_its_code_only() {
        assert_eq!("ZAR".parse(), Ok(Currency::ZAR));
        assert_eq!("usd".parse::<Currency>(), Err(UnknownCurrency("usd".to_owned())));
    }
}
