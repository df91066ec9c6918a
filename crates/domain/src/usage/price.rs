//! What tokens cost us, and what a caller is charged for them.
use crate::{
    billing::{BasisPoints, Credits},
    time::Timestamp,
    usage::TokenCounts,
};

/// Million-millionths of a United States dollar in a millionth of a credit: a credit is a cent.
const PICO_USD_PER_MICRO_CREDIT: i128 = 10_000;

/// A cost in million-millionths of a United States dollar, zero or more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsdAmount(i64);

/// A cost or a charge that does not fit. It is an error, never a wrap-around.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cost of a call is out of range")]
pub struct PriceOutOfRange;

impl UsdAmount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many million-millionths of a dollar.
    ///
    /// # Errors
    ///
    /// [`PriceOutOfRange`] below zero.
    pub const fn from_pico(pico: i64) -> Result<Self, PriceOutOfRange> {
        if pico < 0 { Err(PriceOutOfRange) } else { Ok(Self(pico)) }
    }

    /// The million-millionths, for storage.
    #[must_use]
    pub const fn pico(self) -> i64 {
        self.0
    }
}

/// A decimal with all of its twelve places.
impl std::fmt::Display for UsdAmount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = 1_000_000_000_000;
        write!(f, "{}.{:012}", self.0 / unit, self.0 % unit)
    }
}

/// Prices in million-millionths of a dollar per token, and per call. Unsigned: no price can
/// raise a balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenPrices {
    /// For a token that is read for the first time.
    pub input: u64,
    /// For a token that is read from the cache.
    pub cached_input: u64,
    /// For a token that is written to the cache.
    pub cache_write: u64,
    /// For a token that comes out, for the caller or for the model itself.
    pub output: u64,
    /// For the call.
    pub request: u64,
}

/// What a model costs. Unknown is not free: it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Price {
    /// Per token.
    Tokens(TokenPrices),
    /// Per token, and dearer for a call with a long input: all of its tokens, not only those
    /// beyond the edge.
    ByContext {
        /// Up to so many tokens of input, those from the cache included, `usual` holds.
        up_to: u64,
        /// What a call usually costs.
        usual: TokenPrices,
        /// What a call with a longer input costs.
        long: TokenPrices,
    },
    /// Explicitly nothing.
    Free,
    /// Explicitly not known: the model cannot be called.
    Unknown,
}

/// A price with its place in the price book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricedVersion {
    /// Its name, as receipts show it.
    pub version: String,
    /// From when on it holds, until the next one does.
    pub effective_at: Timestamp,
    /// The price.
    pub price: Price,
}

impl TokenPrices {
    /// Everything costs nothing.
    pub const FREE: Self =
        Self { input: 0, cached_input: 0, cache_write: 0, output: 0, request: 0 };

    /// Whether no token, and no call, is cheaper than by `other`.
    #[must_use]
    pub const fn is_no_cheaper_than(&self, other: &Self) -> bool {
        self.input >= other.input
            && self.cached_input >= other.cached_input
            && self.cache_write >= other.cache_write
            && self.output >= other.output
            && self.request >= other.request
    }
}

impl Price {
    /// Whether a longer input never makes a token cheaper.
    #[must_use]
    pub const fn rises_with_input(&self) -> bool {
        match self {
            Self::Tokens(_) | Self::Free | Self::Unknown => true,
            Self::ByContext { usual, long, .. } => long.is_no_cheaper_than(usual),
        }
    }

    /// The prices that hold for a call of these tokens. None, where they are not known.
    #[must_use]
    pub const fn prices(&self, tokens: &TokenCounts) -> Option<TokenPrices> {
        match self {
            Self::Unknown => None,
            Self::Free => Some(TokenPrices::FREE),
            Self::Tokens(prices) => Some(*prices),
            Self::ByContext { up_to, usual, .. } if tokens.total_input() <= *up_to => Some(*usual),
            Self::ByContext { long, .. } => Some(*long),
        }
    }

    /// What these tokens cost us.
    ///
    /// # Errors
    ///
    /// [`PriceOutOfRange`] when it does not fit, or is not known.
    pub fn cost(&self, tokens: &TokenCounts) -> Result<UsdAmount, PriceOutOfRange> {
        let prices = self.prices(tokens).ok_or(PriceOutOfRange)?;
        let parts = [
            (tokens.input, prices.input),
            (tokens.cached_input, prices.cached_input),
            (tokens.cache_write, prices.cache_write),
            (tokens.output, prices.output),
            (tokens.reasoning, prices.output),
            (1, prices.request),
        ];
        let cost = parts.into_iter().try_fold(0_i128, |sum, (count, price)| {
            i128::from(count).checked_mul(i128::from(price))?.checked_add(sum)
        });
        let cost = cost.and_then(|cost| i64::try_from(cost).ok()).ok_or(PriceOutOfRange)?;
        UsdAmount::from_pico(cost)
    }
}

/// A price in dollars per million tokens, as a decimal text, in million-millionths of a dollar per
/// token, exactly. No sign, no exponent, no more than six places; none for anything else.
#[must_use]
pub fn pico_per_token(text: &str) -> Option<u64> {
    decimal(text, 6)
}

/// A price in dollars per call, as a decimal text, in million-millionths of a dollar, exactly. No
/// sign, no exponent, no more than twelve places; none for anything else.
#[must_use]
pub fn pico_per_call(text: &str) -> Option<u64> {
    decimal(text, 12)
}

fn decimal(text: &str, places: u32) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(w, f)| (w, Some(f)));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !fraction.is_none_or(digits) {
        return None;
    }
    let fraction = fraction.unwrap_or("0");
    let missing = places.checked_sub(u32::try_from(fraction.len()).ok()?)?;
    let millionths = fraction.parse::<u64>().ok()?.checked_mul(10_u64.pow(missing))?;
    whole.parse::<u64>().ok()?.checked_mul(10_u64.pow(places))?.checked_add(millionths)
}

/// All of it, in hundredths of a percent.
const WHOLE: i128 = 10_000;

/// What a caller is charged for a cost: the cost and the mark-up, rounded up once, to a
/// millionth of a credit.
///
/// # Errors
///
/// [`PriceOutOfRange`] when it does not fit.
pub fn charge(cost: UsdAmount, markup: BasisPoints) -> Result<Credits, PriceOutOfRange> {
    in_credits(i128::from(cost.0) * (WHOLE + i128::from(markup.0)))
}

/// What a caller is charged for a cost that it pays the provider itself: the mark-up alone,
/// rounded up once, to a millionth of a credit.
///
/// # Errors
///
/// [`PriceOutOfRange`] when it does not fit.
pub fn surcharge(cost: UsdAmount, markup: BasisPoints) -> Result<Credits, PriceOutOfRange> {
    in_credits(i128::from(cost.0) * i128::from(markup.0))
}

/// Hundredths of a percent of million-millionths of a dollar as credits, rounded up.
fn in_credits(pico: i128) -> Result<Credits, PriceOutOfRange> {
    let divisor = WHOLE * PICO_USD_PER_MICRO_CREDIT;
    let micros = (pico + divisor - 1) / divisor;
    i64::try_from(micros).map(Credits::from_micros).map_err(|_| PriceOutOfRange)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GPT_4O_MINI: Price = Price::Tokens(TokenPrices {
        input: 150_000,
        cached_input: 75_000,
        cache_write: 150_000,
        output: 600_000,
        request: 0,
    });

    fn tokens(input: u64, output: u64) -> TokenCounts {
        TokenCounts { input, output, ..TokenCounts::default() }
    }

    #[test]
    fn a_known_call_costs_what_its_provider_says() {
        let cost = GPT_4O_MINI.cost(&tokens(1_000, 500)).expect("in range");
        assert_eq!(cost.to_string(), "0.000450000000");
        assert_eq!(charge(cost, BasisPoints(0)), Ok(Credits::from_micros(45_000)));
        assert_eq!(charge(cost, BasisPoints(2_000)), Ok(Credits::from_micros(54_000)));
    }

    #[test]
    fn every_class_of_tokens_has_its_price() {
        let counts =
            TokenCounts { input: 1, cached_input: 1, cache_write: 1, output: 1, reasoning: 1 };
        let prices = TokenPrices {
            input: 1,
            cached_input: 10,
            cache_write: 100,
            output: 1_000,
            request: 100_000,
        };
        let cost = Price::Tokens(prices).cost(&counts).expect("in range");
        assert_eq!(cost.pico(), 102_111);
        assert_eq!(Price::Free.cost(&counts), Ok(UsdAmount::ZERO));
        assert_eq!(Price::Unknown.cost(&counts), Err(PriceOutOfRange));
    }

    #[test]
    fn a_long_input_makes_every_token_dearer() {
        let usual =
            TokenPrices { input: 1, cached_input: 1, cache_write: 1, output: 10, request: 0 };
        let long = TokenPrices { input: 2, cached_input: 2, output: 15, ..usual };
        let price = Price::ByContext { up_to: 100, usual, long };
        for (input, cached_input, output, pico) in [
            (100, 0, 1, 110),
            (90, 10, 1, 110),
            (101, 0, 1, 217),
            (91, 10, 1, 217),
            (1, 0, 200, 2_001),
        ] {
            let counts = TokenCounts { input, cached_input, output, ..TokenCounts::default() };
            assert_eq!(price.cost(&counts).map(UsdAmount::pico), Ok(pico), "{counts:?}");
        }
        assert!(long.is_no_cheaper_than(&usual) && !usual.is_no_cheaper_than(&long));
    }

    #[test]
    fn a_charge_is_rounded_up_once() {
        for (pico, markup, micros) in [
            (0, 2_000, 0),
            (1, 0, 1),
            (1, 2_000, 1),
            (10_000, 0, 1),
            (10_001, 0, 2),
            (10_000, 2_000, 2),
            (50_000, 2_000, 6),
            (50_001, 2_000, 7),
        ] {
            let cost = UsdAmount::from_pico(pico).expect("positive");
            assert_eq!(charge(cost, BasisPoints(markup)), Ok(Credits::from_micros(micros)));
        }
    }

    #[test]
    fn whoever_pays_the_provider_is_charged_the_mark_up_alone() {
        for (pico, markup, micros) in [
            (0, 2_000, 0),
            (1, 0, 0),
            (1, 2_000, 1),
            (50_000, 2_000, 1),
            (50_001, 2_000, 2),
            (450_000_000, 2_000, 9_000),
        ] {
            let cost = UsdAmount::from_pico(pico).expect("positive");
            assert_eq!(surcharge(cost, BasisPoints(markup)), Ok(Credits::from_micros(micros)));
        }
        let most = UsdAmount::from_pico(i64::MAX).expect("positive");
        assert_eq!(surcharge(most, BasisPoints(u32::MAX)), Err(PriceOutOfRange));
    }

    #[test]
    fn a_cost_that_does_not_fit_is_an_error() {
        assert_eq!(GPT_4O_MINI.cost(&tokens(u64::MAX, u64::MAX)), Err(PriceOutOfRange));
        let most = UsdAmount::from_pico(i64::MAX).expect("positive");
        assert_eq!(charge(most, BasisPoints(u32::MAX)), Err(PriceOutOfRange));
        assert_eq!(UsdAmount::from_pico(-1), Err(PriceOutOfRange));
    }

    #[test]
    fn a_price_is_read_exactly_or_not_at_all() {
        for (text, pico) in [
            ("0.15", Some(150_000)),
            ("0.075", Some(75_000)),
            ("0.000001", Some(1)),
            ("0", Some(0)),
            ("10", Some(10_000_000)),
            ("25.00", Some(25_000_000)),
            ("18446744073709.551615", Some(u64::MAX)),
            ("18446744073709.551616", None),
            ("0.0000001", None),
            ("0.1500000", None),
            ("-1", None),
            ("+1", None),
            ("1e3", None),
            ("1,5", None),
            (".5", None),
            ("1.", None),
            ("", None),
            (" 1", None),
            ("1_000", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(pico_per_token(text), pico, "{text}");
        }
    }

    #[test]
    fn a_price_of_a_call_has_twelve_places() {
        for (text, pico) in [
            ("0.000000000001", Some(1)),
            ("0.005", Some(5_000_000_000)),
            ("1", Some(1_000_000_000_000)),
            ("0.0000000000001", None),
            ("-0.005", None),
            ("18446745", None),
        ] {
            assert_eq!(pico_per_call(text), pico, "{text}");
        }
    }
}
