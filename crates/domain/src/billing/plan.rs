//! What is sold: plans, which give rights and limits, and packs, which give credits.
use std::{fmt, str::FromStr};

use crate::{
    billing::{Credits, Currency, Money},
    ids::PriceId,
    text::{Line, Name},
    time::Timestamp,
    usage::ModelClass,
};

/// The stable name of a plan: lower-case letters, digits and dashes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlanCode(String);

/// A text that is no plan's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not the code of a plan")]
pub struct UnknownPlanCode;

impl PlanCode {
    /// The plan of a workspace without a subscription.
    #[must_use]
    pub fn free() -> Self {
        Self("free".to_owned())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PlanCode {
    type Err = UnknownPlanCode;

    fn from_str(code: &str) -> Result<Self, UnknownPlanCode> {
        let sound = (1..=40).contains(&code.len())
            && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if sound { Ok(Self(code.to_owned())) } else { Err(UnknownPlanCode) }
    }
}

impl fmt::Display for PlanCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A plan: rights and limits, never credits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its stable name.
    pub code: PlanCode,
    /// What customers call it.
    pub name: Name,
    /// What speaks for it, in words for customers.
    pub features: Vec<Feature>,
    /// What it costs now, per currency and interval.
    pub prices: Vec<PlanPrice>,
    /// How much may be used.
    pub limits: PlanLimits,
    /// Which models may be called.
    pub models: Vec<ModelClass>,
    /// Since when it is not sold any more, if so. Whoever has it keeps it.
    pub retired_at: Option<Timestamp>,
    /// Which version of it this is; every change makes the next one.
    pub version: u32,
}

/// Something that speaks for a plan.
pub type Feature = Line<120>;

/// One price of a plan. It never changes: another amount is another price, and whoever subscribed
/// at this one keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanPrice {
    /// Its identity.
    pub id: PriceId,
    /// How often it is paid.
    pub interval: PriceInterval,
    /// How much.
    pub amount: Money,
}

/// How often a plan is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PriceInterval {
    /// Every month.
    Month,
    /// Every year.
    Year,
}

/// A name that is no interval.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither `month` nor `year`")]
pub struct UnknownInterval(String);

impl FromStr for PriceInterval {
    type Err = UnknownInterval;

    fn from_str(name: &str) -> Result<Self, UnknownInterval> {
        Self::ALL
            .into_iter()
            .find(|interval| interval.name() == name)
            .ok_or_else(|| UnknownInterval(name.to_owned()))
    }
}

impl PriceInterval {
    /// Every interval.
    pub const ALL: [Self; 2] = [Self::Month, Self::Year];

    /// The stable name, as stored and as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Year => "year",
        }
    }
}

/// How much of the AI features a plan allows a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanLimits {
    /// Calls in a calendar month, or in a paid period.
    pub requests_per_month: u64,
    /// Calls in any minute.
    pub requests_per_minute: u64,
    /// Calls in any hour.
    pub requests_per_hour: u64,
    /// Tokens, in and out, in any hour.
    pub tokens_per_hour: u64,
}

impl Plan {
    /// Whether models of this class may be called.
    #[must_use]
    pub fn allows(&self, class: ModelClass) -> bool {
        self.models.contains(&class)
    }

    /// What it costs now, if it is sold so.
    #[must_use]
    pub fn price(&self, interval: PriceInterval, currency: Currency) -> Option<PlanPrice> {
        let mut prices = self.prices.iter().copied();
        prices.find(|price| price.interval == interval && price.amount.currency() == currency)
    }
}

/// A pack of credits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pack {
    /// Its stable name.
    pub code: String,
    /// Credits that are bought.
    pub credits: Credits,
    /// Credits that are added on top, as a promotion. None, for small packs.
    pub bonus: Credits,
    /// What it costs, once per currency.
    pub prices: Vec<Money>,
}

impl Pack {
    /// What it costs in a currency, if it is sold in it.
    #[must_use]
    pub fn price(&self, currency: Currency) -> Option<Money> {
        self.prices.iter().copied().find(|price| price.currency() == currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_code_is_plain() {
        assert_eq!("free".parse(), Ok(PlanCode::free()));
        for wrong in ["", "Free", "a b", "ä", &"x".repeat(41)] {
            assert_eq!(wrong.parse::<PlanCode>(), Err(UnknownPlanCode), "{wrong}");
        }
    }

    #[test]
    fn a_pack_has_one_price_per_currency() {
        let five_dollars = Money::from_minor(500, Currency::USD);
        let pack = Pack {
            code: "small".to_owned(),
            credits: Credits::ZERO,
            bonus: Credits::ZERO,
            prices: vec![five_dollars],
        };
        assert_eq!(pack.price(Currency::USD), Some(five_dollars));
        assert_eq!(pack.price(Currency::ZAR), None);
    }
}
