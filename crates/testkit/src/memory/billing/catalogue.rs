use std::collections::BTreeMap;

use async_trait::async_trait;
use cape_domain::{
    billing::{
        CatalogueReads, CatalogueRepository, Credits, Currency, Money, Pack, Plan, PlanCode,
        PlanLimits, PlanPrice, PriceInterval, ProviderName,
    },
    ids::PriceId,
    store::StoreError,
    time::Timestamp,
    usage::ModelClass,
};
use uuid::Uuid;

use super::{MemoryRead, MemoryUnitOfWork, corrupt, insert_new};

const WHAT: &str = "plan";

/// What is sold, and what providers call it. It begins with what is sold on the first day.
#[derive(Clone)]
pub(crate) struct Catalogue {
    /// In the order in which they were made.
    plans: Vec<Plan>,
    /// Whoever's they are, whether they are asked now or not.
    prices: BTreeMap<PriceId, (PlanCode, PlanPrice)>,
    products: BTreeMap<(PlanCode, &'static str), String>,
    price_names: BTreeMap<(PriceId, &'static str), String>,
}

/// Code, name, features, dollars a month and a year, rands likewise, limits, the largest class of
/// models.
type PlanRow =
    (&'static str, &'static str, [&'static str; 2], [i64; 2], [i64; 2], [u64; 4], ModelClass);

const PLANS: [PlanRow; 4] = [
    (
        "free",
        "Free",
        ["Small models", "Help from the community"],
        [0, 0],
        [0, 0],
        [100, 10, 60, 50_000],
        ModelClass::Small,
    ),
    (
        "basic",
        "Basic",
        ["Small models", "Help by mail"],
        [900, 9_000],
        [16_900, 169_000],
        [1_000, 20, 200, 150_000],
        ModelClass::Small,
    ),
    (
        "pro",
        "Pro",
        ["Small and medium models", "Help by mail and chat"],
        [2_900, 29_000],
        [52_900, 499_000],
        [10_000, 50, 500, 500_000],
        ModelClass::Medium,
    ),
    (
        "enterprise",
        "Enterprise",
        ["All models", "A person who knows you"],
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

impl Default for Catalogue {
    fn default() -> Self {
        let mut catalogue = Self {
            plans: Vec::new(),
            prices: BTreeMap::new(),
            products: BTreeMap::new(),
            price_names: BTreeMap::new(),
        };
        for (number, row) in (0..).zip(PLANS) {
            catalogue.add(&plan(number, row));
        }
        catalogue
    }
}

impl Catalogue {
    fn add(&mut self, plan: &Plan) {
        self.ask(plan);
        self.plans.push(plan.clone());
    }

    fn ask(&mut self, plan: &Plan) {
        for price in &plan.prices {
            self.prices.insert(price.id, (plan.code.clone(), *price));
        }
    }
}

#[async_trait]
impl CatalogueReads for MemoryRead {
    async fn plans(&mut self) -> Result<Vec<Plan>, StoreError> {
        let plans = self.tables.billing.catalogue.plans.iter();
        Ok(plans.filter(|plan| plan.retired_at.is_none()).cloned().collect())
    }

    async fn all_plans(&mut self) -> Result<Vec<Plan>, StoreError> {
        Ok(self.tables.billing.catalogue.plans.clone())
    }

    async fn plan(&mut self, code: &PlanCode) -> Result<Option<Plan>, StoreError> {
        let mut plans = self.tables.billing.catalogue.plans.iter();
        Ok(plans.find(|plan| plan.code == *code).cloned())
    }

    async fn price(&mut self, id: PriceId) -> Result<Option<(PlanCode, PlanPrice)>, StoreError> {
        Ok(self.tables.billing.catalogue.prices.get(&id).cloned())
    }

    async fn product(
        &mut self,
        plan: &PlanCode,
        provider: ProviderName,
    ) -> Result<Option<String>, StoreError> {
        let products = &self.tables.billing.catalogue.products;
        Ok(products.get(&(plan.clone(), provider.name())).cloned())
    }

    async fn provider_price(
        &mut self,
        price: PriceId,
        provider: ProviderName,
    ) -> Result<Option<String>, StoreError> {
        let names = &self.tables.billing.catalogue.price_names;
        Ok(names.get(&(price, provider.name())).cloned())
    }

    async fn price_called(
        &mut self,
        provider: ProviderName,
        name: &str,
    ) -> Result<Option<PriceId>, StoreError> {
        let mut names = self.tables.billing.catalogue.price_names.iter();
        let found = names.find(|((_, by), known)| *by == provider.name() && *known == name);
        Ok(found.map(|((price, _), _)| *price))
    }

    async fn packs(&mut self) -> Result<Vec<Pack>, StoreError> {
        PACKS.into_iter().map(pack).collect()
    }
}

#[async_trait]
impl CatalogueReads for MemoryUnitOfWork {
    async fn plans(&mut self) -> Result<Vec<Plan>, StoreError> {
        self.copy.plans().await
    }

    async fn all_plans(&mut self) -> Result<Vec<Plan>, StoreError> {
        self.copy.all_plans().await
    }

    async fn plan(&mut self, code: &PlanCode) -> Result<Option<Plan>, StoreError> {
        self.copy.plan(code).await
    }

    async fn price(&mut self, id: PriceId) -> Result<Option<(PlanCode, PlanPrice)>, StoreError> {
        self.copy.price(id).await
    }

    async fn product(
        &mut self,
        plan: &PlanCode,
        provider: ProviderName,
    ) -> Result<Option<String>, StoreError> {
        self.copy.product(plan, provider).await
    }

    async fn provider_price(
        &mut self,
        price: PriceId,
        provider: ProviderName,
    ) -> Result<Option<String>, StoreError> {
        self.copy.provider_price(price, provider).await
    }

    async fn price_called(
        &mut self,
        provider: ProviderName,
        name: &str,
    ) -> Result<Option<PriceId>, StoreError> {
        self.copy.price_called(provider, name).await
    }

    async fn packs(&mut self) -> Result<Vec<Pack>, StoreError> {
        self.copy.packs().await
    }
}

#[async_trait]
impl CatalogueRepository for MemoryUnitOfWork {
    async fn insert_plan(&mut self, plan: &Plan) -> Result<(), StoreError> {
        let catalogue = &mut self.copy.tables.billing.catalogue;
        if catalogue.plans.iter().any(|known| known.code == plan.code) {
            return Err(StoreError::Conflict { what: WHAT });
        }
        catalogue.add(plan);
        Ok(())
    }

    async fn update_plan(&mut self, plan: &Plan, _: Timestamp) -> Result<(), StoreError> {
        let catalogue = &mut self.copy.tables.billing.catalogue;
        let stored = catalogue.plans.iter_mut().find(|known| known.code == plan.code);
        let before = stored.filter(|stored| stored.version + 1 == plan.version);
        *before.ok_or(StoreError::Conflict { what: WHAT })? = plan.clone();
        catalogue.ask(plan);
        Ok(())
    }

    async fn remember_product(
        &mut self,
        plan: &PlanCode,
        provider: ProviderName,
        name: &str,
    ) -> Result<(), StoreError> {
        let products = &mut self.copy.tables.billing.catalogue.products;
        products.entry((plan.clone(), provider.name())).or_insert_with(|| name.to_owned());
        Ok(())
    }

    async fn remember_price(
        &mut self,
        price: PriceId,
        provider: ProviderName,
        name: &str,
    ) -> Result<(), StoreError> {
        let names = &mut self.copy.tables.billing.catalogue.price_names;
        if names.contains_key(&(price, provider.name())) {
            return Ok(());
        }
        if names.iter().any(|((_, by), known)| *by == provider.name() && known == name) {
            return Err(StoreError::Conflict { what: WHAT });
        }
        insert_new(names, WHAT, (price, provider.name()), name.to_owned())
    }
}

fn plan(number: u128, row: PlanRow) -> Plan {
    let (code, name, features, dollars, rands, limits, largest) = row;
    let mut place = number * 4;
    let mut price = |interval, minor, currency| {
        place += 1;
        let amount = Money::from_minor(minor, currency);
        PlanPrice { id: PriceId::new(Uuid::from_u128(place)), interval, amount }
    };
    let prices =
        [(dollars, Currency::USD), (rands, Currency::ZAR)].map(|([month, year], currency)| {
            [
                price(PriceInterval::Month, month, currency),
                price(PriceInterval::Year, year, currency),
            ]
        });
    let [requests_per_month, requests_per_minute, requests_per_hour, tokens_per_hour] = limits;
    Plan {
        code: code.parse().expect("a code"),
        name: name.parse().expect("a name"),
        features: features.map(|words| words.parse().expect("a feature")).into(),
        prices: prices.concat(),
        limits: PlanLimits {
            requests_per_month,
            requests_per_minute,
            requests_per_hour,
            tokens_per_hour,
        },
        models: ModelClass::ALL.into_iter().filter(|class| *class <= largest).collect(),
        retired_at: None,
        version: 1,
    }
}

fn pack(
    (code, credits, bonus, dollars, rands): (&str, i64, i64, i64, i64),
) -> Result<Pack, StoreError> {
    Ok(Pack {
        code: code.to_owned(),
        credits: Credits::whole(credits).map_err(|error| corrupt("pack", error))?,
        bonus: Credits::whole(bonus).map_err(|error| corrupt("pack", error))?,
        prices: vec![
            Money::from_minor(dollars, Currency::USD),
            Money::from_minor(rands, Currency::ZAR),
        ],
    })
}
