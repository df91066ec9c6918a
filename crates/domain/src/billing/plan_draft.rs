//! Making, changing and withdrawing plans.
//!
//! A plan is never rewritten under those who have it: a price that changes is a new price, and a
//! plan that is withdrawn is only not sold any more.
use std::collections::HashSet;

use super::{Feature, Money, Plan, PlanCode, PlanLimits, PlanPrice, PriceInterval};
use crate::{ids::PriceId, text::Name, time::Timestamp, usage::ModelClass};

/// A plan as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanDraft {
    /// Its stable name.
    pub code: PlanCode,
    /// What customers call it.
    pub name: Name,
    /// What speaks for it.
    pub features: Vec<Feature>,
    /// What it costs.
    pub prices: Vec<DraftPrice>,
    /// How much may be used.
    pub limits: PlanLimits,
    /// Which models may be called.
    pub models: Vec<ModelClass>,
}

/// How often a plan is to be paid, and how much.
pub type DraftPrice = (PriceInterval, Money);

/// What is to be otherwise about a plan. What is not said stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanChange {
    /// What customers call it.
    pub name: Option<Name>,
    /// What speaks for it.
    pub features: Option<Vec<Feature>>,
    /// What it costs: all of its prices. One that is there already stays the same price.
    pub prices: Option<Vec<DraftPrice>>,
    /// How much may be used.
    pub limits: Option<PlanLimits>,
    /// Which models may be called.
    pub models: Option<Vec<ModelClass>>,
}

/// Why a plan cannot be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanRefusal {
    /// Two prices for the same interval and currency.
    #[error("there are two prices for the same interval and currency")]
    PriceTwice,
    /// A price that is none, or that nobody can be charged.
    #[error("a price is between one and 99999999 of its smallest unit; only `free` costs nothing")]
    Price,
    /// More than anybody reads.
    #[error("there are at most 50 prices and 20 features")]
    TooMany,
    /// No model could be called.
    #[error("a plan reaches at least one class of models")]
    NoModels,
    /// It is not sold any more.
    #[error("the plan was withdrawn before")]
    Retired,
    /// Everybody without a subscription has it.
    #[error("the plan `free` cannot be withdrawn")]
    InNeed,
}

/// The most that card networks charge at once, in the smallest unit of most currencies.
const DEAREST: i64 = 99_999_999;

const MOST_PRICES: usize = 50;
const MOST_FEATURES: usize = 20;

impl Plan {
    /// A new plan, whose prices get these identities.
    ///
    /// # Errors
    ///
    /// See [`PlanRefusal`].
    pub fn create(draft: PlanDraft, ids: impl FnMut() -> PriceId) -> Result<Self, PlanRefusal> {
        let PlanDraft { code, name, features, prices, limits, models } = draft;
        let plan = Self {
            prices: identified(&[], &prices, ids),
            code,
            name,
            features,
            limits,
            models,
            retired_at: None,
            version: 1,
        };
        plan.check()
    }

    /// The next version of it. Prices that stay keep their identities; new ones get these.
    ///
    /// # Errors
    ///
    /// See [`PlanRefusal`].
    pub fn revise(
        self,
        change: PlanChange,
        ids: impl FnMut() -> PriceId,
    ) -> Result<Self, PlanRefusal> {
        if self.retired_at.is_some() {
            return Err(PlanRefusal::Retired);
        }
        let prices = match change.prices {
            Some(prices) => identified(&self.prices, &prices, ids),
            None => self.prices,
        };
        let revised = Self {
            prices,
            name: change.name.unwrap_or(self.name),
            features: change.features.unwrap_or(self.features),
            limits: change.limits.unwrap_or(self.limits),
            models: change.models.unwrap_or(self.models),
            version: self.version.saturating_add(1),
            ..self
        };
        revised.check()
    }

    /// It is not sold any more. Whoever has it keeps it.
    ///
    /// # Errors
    ///
    /// See [`PlanRefusal`].
    pub fn retire(self, now: Timestamp) -> Result<Self, PlanRefusal> {
        if self.code == PlanCode::free() {
            return Err(PlanRefusal::InNeed);
        }
        if self.retired_at.is_some() {
            return Err(PlanRefusal::Retired);
        }
        let version = self.version.saturating_add(1);
        Ok(Self { retired_at: Some(now), version, ..self })
    }

    fn check(mut self) -> Result<Self, PlanRefusal> {
        if self.prices.len() > MOST_PRICES || self.features.len() > MOST_FEATURES {
            return Err(PlanRefusal::TooMany);
        }
        let free = self.code == PlanCode::free();
        let right = |price: &PlanPrice| match price.amount.minor() {
            0 => free,
            minor => !free && (1..=DEAREST).contains(&minor),
        };
        if !self.prices.iter().all(right) {
            return Err(PlanRefusal::Price);
        }
        let mut seen = HashSet::new();
        let mut new = |price: &PlanPrice| seen.insert((price.interval, price.amount.currency()));
        if !self.prices.iter().all(&mut new) {
            return Err(PlanRefusal::PriceTwice);
        }
        self.models.sort_unstable();
        self.models.dedup();
        if self.models.is_empty() {
            return Err(PlanRefusal::NoModels);
        }
        self.prices.sort_by_key(|price| (price.amount.currency().code(), price.interval.name()));
        Ok(self)
    }
}

fn identified(
    known: &[PlanPrice],
    wanted: &[DraftPrice],
    mut ids: impl FnMut() -> PriceId,
) -> Vec<PlanPrice> {
    let mut priced = |(interval, amount): &DraftPrice| {
        let same = |price: &&PlanPrice| price.interval == *interval && price.amount == *amount;
        let known = known.iter().find(same).copied();
        known.unwrap_or_else(|| PlanPrice { id: ids(), interval: *interval, amount: *amount })
    };
    wanted.iter().map(&mut priced).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::billing::Currency;

    fn ids(first: u128) -> impl FnMut() -> PriceId {
        let mut next = first;
        move || {
            next += 1;
            PriceId::new(Uuid::from_u128(next - 1))
        }
    }

    fn price(minor: i64, currency: &str) -> DraftPrice {
        (PriceInterval::Month, Money::from_minor(minor, currency.parse().expect("a currency")))
    }

    fn draft(code: &str, prices: Vec<DraftPrice>) -> PlanDraft {
        PlanDraft {
            code: code.parse().expect("a code"),
            name: "Gold".parse().expect("a name"),
            features: vec!["Answers at night".parse().expect("a feature")],
            prices,
            limits: PlanLimits {
                requests_per_month: 4,
                requests_per_minute: 1,
                requests_per_hour: 2,
                tokens_per_hour: 3,
            },
            models: vec![ModelClass::Medium, ModelClass::Small, ModelClass::Medium],
        }
    }

    fn gold() -> Plan {
        let prices = vec![price(900, "USD"), price(1_000, "JPY"), price(16_900, "ZAR")];
        Plan::create(draft("gold", prices), ids(1)).expect("sound")
    }

    #[test]
    fn a_plan_is_made_with_any_currency_and_lists_its_models_once() {
        let plan = gold();
        assert_eq!((plan.version, plan.retired_at), (1, None));
        let codes: Vec<_> = plan.prices.iter().map(|price| price.amount.to_string()).collect();
        assert_eq!(codes, ["1000 JPY", "9.00 USD", "169.00 ZAR"]);
        assert_eq!(plan.models, [ModelClass::Small, ModelClass::Medium]);
        assert!(plan.price(PriceInterval::Month, Currency::ZAR).is_some());
        assert_eq!(plan.price(PriceInterval::Year, Currency::ZAR), None);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let usd = |minor| vec![price(minor, "USD")];
        for (code, prices, refusal) in [
            ("gold", usd(0), PlanRefusal::Price),
            ("gold", usd(-1), PlanRefusal::Price),
            ("gold", usd(DEAREST + 1), PlanRefusal::Price),
            ("free", usd(1), PlanRefusal::Price),
            ("gold", vec![price(1, "USD"), price(2, "USD")], PlanRefusal::PriceTwice),
            ("gold", vec![price(1, "USD"); 51], PlanRefusal::TooMany),
        ] {
            let made = Plan::create(draft(code, prices), ids(1));
            assert_eq!(made, Err(refusal));
        }
        let none = PlanDraft { models: vec![], ..draft("gold", usd(1)) };
        assert_eq!(Plan::create(none, ids(1)), Err(PlanRefusal::NoModels));
        assert!(Plan::create(draft("free", usd(0)), ids(1)).is_ok());
        assert!(Plan::create(draft("gold", usd(DEAREST)), ids(1)).is_ok());
        assert!(Plan::create(draft("gold", vec![]), ids(1)).is_ok(), "sold to nobody yet");
    }

    #[test]
    fn a_change_of_price_is_a_new_price_and_the_others_stay_what_they_are() {
        let before = gold();
        let prices = Some(vec![price(1_100, "USD"), price(16_900, "ZAR")]);
        let after = before.clone().revise(PlanChange { prices, ..PlanChange::default() }, ids(9));
        let after = after.expect("sound");
        let by = |plan: &Plan, currency| plan.price(PriceInterval::Month, currency);
        assert_eq!(by(&after, Currency::ZAR), by(&before, Currency::ZAR));
        let dollars = by(&after, Currency::USD).expect("a price");
        assert_eq!((dollars.id.raw().as_u128(), dollars.amount.minor()), (9, 1_100));
        assert_eq!((after.prices.len(), after.version), (2, 2));
        assert_eq!((after.name.clone(), after.limits), (before.name, before.limits));
    }

    #[test]
    fn what_is_not_said_stays() {
        let before = gold();
        let name = "Silver".parse::<Name>().expect("a name");
        let change = PlanChange { name: Some(name.clone()), ..PlanChange::default() };
        let after = before.clone().revise(change, ids(9)).expect("sound");
        assert_eq!(after, Plan { name, version: 2, ..before });
    }

    #[test]
    fn a_plan_is_withdrawn_once_and_the_free_one_never() {
        let now = Timestamp::UNIX_EPOCH;
        let retired = gold().retire(now).expect("retired");
        assert_eq!((retired.retired_at, retired.version), (Some(now), 2));
        assert_eq!(retired.clone().retire(now), Err(PlanRefusal::Retired));
        assert_eq!(retired.revise(PlanChange::default(), ids(1)), Err(PlanRefusal::Retired));
        let free = Plan::create(draft("free", vec![]), ids(1)).expect("sound");
        assert_eq!(free.retire(now), Err(PlanRefusal::InNeed));
    }
}
