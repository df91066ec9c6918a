//! Credits are a whole number of millionths. One credit is one United States cent.
use std::{fmt, str::FromStr};

/// An exact number of credits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Credits(i64);

/// The result does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("amount out of range")]
pub struct OutOfRange;

impl Credits {
    /// None at all.
    pub const ZERO: Self = Self(0);

    const MICROS: i64 = 1_000_000;

    /// So many millionths of a credit.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// So many whole credits.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] beyond some nine million million.
    pub fn whole(credits: i64) -> Result<Self, OutOfRange> {
        credits.checked_mul(Self::MICROS).map(Self).ok_or(OutOfRange)
    }

    /// The millionths, for storage.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whether there is anything, and not a debt.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// The sum.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] when it does not fit.
    pub fn plus(self, other: Self) -> Result<Self, OutOfRange> {
        self.0.checked_add(other.0).map(Self).ok_or(OutOfRange)
    }

    /// The difference.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`] when it does not fit.
    pub fn minus(self, other: Self) -> Result<Self, OutOfRange> {
        self.0.checked_sub(other.0).map(Self).ok_or(OutOfRange)
    }
}

/// A decimal with all of its six places: `500.000000`, `-0.000001`.
impl fmt::Display for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (unit, micros) = (Self::MICROS.unsigned_abs(), self.0.unsigned_abs());
        write!(f, "{sign}{}.{:06}", micros / unit, micros % unit)
    }
}

/// A text that is no amount of credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a number of credits with at most six decimals, such as 250.5")]
pub struct InvalidCredits;

/// An amount as people write it: digits, and at most six decimals. No sign, no exponent.
impl FromStr for Credits {
    type Err = InvalidCredits;

    fn from_str(text: &str) -> Result<Self, InvalidCredits> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > 6 {
            return Err(InvalidCredits);
        }
        let whole: i64 = whole.parse().map_err(|_| InvalidCredits)?;
        let micros: i64 = format!("{decimals:0<6}").parse().map_err(|_| InvalidCredits)?;
        let whole = whole.checked_mul(Self::MICROS).ok_or(InvalidCredits)?;
        whole.checked_add(micros).map(Self).ok_or(InvalidCredits)
    }
}

/// A share in hundredths of a per cent: 2 000 is 20 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BasisPoints(pub u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_read_as_people_write_it() {
        for (text, micros) in [
            ("250.5", Some(250_500_000)),
            ("0.000001", Some(1)),
            ("7", Some(7_000_000)),
            ("500.000000", Some(500_000_000)),
            ("", None),
            (".5", None),
            ("5.", None),
            ("-1", None),
            ("+1", None),
            ("1e3", None),
            ("1.0000001", None),
            ("9223372036855", None),
        ] {
            assert_eq!(text.parse().ok().map(Credits::micros), micros, "{text}");
        }
    }

    #[test]
    fn credits_read_as_decimals() {
        for (micros, shown) in [
            (0, "0.000000"),
            (1, "0.000001"),
            (-1, "-0.000001"),
            (12_500_000, "12.500000"),
            (500_000_000, "500.000000"),
            (i64::MIN, "-9223372036854.775808"),
        ] {
            assert_eq!(Credits::from_micros(micros).to_string(), shown);
        }
    }

    #[test]
    fn credits_never_wrap_around() {
        let (most, least) = (Credits::from_micros(i64::MAX), Credits::from_micros(i64::MIN));
        assert_eq!(most.plus(Credits::from_micros(1)), Err(OutOfRange));
        assert_eq!(least.minus(Credits::from_micros(1)), Err(OutOfRange));
        assert_eq!(Credits::whole(i64::MAX), Err(OutOfRange));
    }
}
