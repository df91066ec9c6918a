use async_trait::async_trait;
use cape_domain::{
    billing::{
        CatalogueReads, Credits, Currency, Money, Pack, Plan, PlanCode, PlanLimits, PlanPrice,
        PriceInterval,
    },
    store::StoreError,
    usage::ModelClass,
};

use super::{MemoryRead, corrupt};

const WHAT: &str = "catalogue";

/// Code, name, dollars a month and a year, rands likewise, limits, the largest class of models.
type PlanRow = (&'static str, &'static str, [i64; 2], [i64; 2], [u64; 4], ModelClass);

const PLANS: [PlanRow; 4] = [
    ("free", "Free", [0, 0], [0, 0], [100, 10, 60, 50_000], ModelClass::Small),
    (
        "basic",
        "Basic",
        [900, 9_000],
        [16_900, 169_000],
        [1_000, 20, 200, 150_000],
        ModelClass::Small,
    ),
    (
        "pro",
        "Pro",
        [2_900, 29_000],
        [52_900, 499_000],
        [10_000, 50, 500, 500_000],
        ModelClass::Medium,
    ),
    (
        "enterprise",
        "Enterprise",
        [10_000, 100_000],
        [179_900, 1_719_000],
        [100_000, 200, 2_000, 2_000_000],
        ModelClass::Large,
    ),
];

/// Code, credits, credits on top, dollars, rands.
const PACKS: [(&str, i64, i64, i64, i64); 3] = [
    ("small", 500, 0, 500, 9_500),
    ("medium", 2_000, 100, 2_000, 37_900),
    ("large", 10_000, 1_000, 10_000, 189_900),
];

#[async_trait]
impl CatalogueReads for MemoryRead {
    async fn plans(&mut self) -> Result<Vec<Plan>, StoreError> {
        PLANS.into_iter().map(plan).collect()
    }

    async fn plan(&mut self, code: &PlanCode) -> Result<Option<Plan>, StoreError> {
        PLANS.into_iter().find(|row| row.0 == code.as_str()).map(plan).transpose()
    }

    async fn packs(&mut self) -> Result<Vec<Pack>, StoreError> {
        PACKS.into_iter().map(pack).collect()
    }
}

fn plan((code, name, dollars, rands, limits, largest): PlanRow) -> Result<Plan, StoreError> {
    let price = |interval, minor, currency| PlanPrice {
        interval,
        amount: Money::from_minor(minor, currency),
    };
    let prices =
        [(dollars, Currency::USD), (rands, Currency::ZAR)].map(|([month, year], currency)| {
            [
                price(PriceInterval::Month, month, currency),
                price(PriceInterval::Year, year, currency),
            ]
        });
    let [requests_per_month, requests_per_minute, requests_per_hour, tokens_per_hour] = limits;
    Ok(Plan {
        code: code.parse().map_err(|error| corrupt(WHAT, error))?,
        name: name.to_owned(),
        prices: prices.concat(),
        limits: PlanLimits {
            requests_per_month,
            requests_per_minute,
            requests_per_hour,
            tokens_per_hour,
        },
        models: ModelClass::ALL.into_iter().filter(|class| *class <= largest).collect(),
    })
}

fn pack(
    (code, credits, bonus, dollars, rands): (&str, i64, i64, i64, i64),
) -> Result<Pack, StoreError> {
    Ok(Pack {
        code: code.to_owned(),
        credits: Credits::whole(credits).map_err(|error| corrupt(WHAT, error))?,
        bonus: Credits::whole(bonus).map_err(|error| corrupt(WHAT, error))?,
        prices: vec![
            Money::from_minor(dollars, Currency::USD),
            Money::from_minor(rands, Currency::ZAR),
        ],
    })
}
