//! What is sold.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    billing::{Money, Pack, Plan, PlanCode, PlanPrice},
    store::Store,
};

use super::super::OWN;

/// Prices a month and a year in either currency, limits and models, as they were decided.
const PLANS: [&str; 4] = [
    "free: month 0.00 USD, month 0.00 ZAR, year 0.00 USD, year 0.00 ZAR; \
     100 a month, 10 a minute, 60 an hour, 50000 tokens an hour; small",
    "basic: month 169.00 ZAR, month 9.00 USD, year 1690.00 ZAR, year 90.00 USD; \
     1000 a month, 20 a minute, 200 an hour, 150000 tokens an hour; small",
    "pro: month 29.00 USD, month 529.00 ZAR, year 290.00 USD, year 4990.00 ZAR; \
     10000 a month, 50 a minute, 500 an hour, 500000 tokens an hour; small, medium",
    "enterprise: month 100.00 USD, month 1799.00 ZAR, year 1000.00 USD, year 17190.00 ZAR; \
     100000 a month, 200 a minute, 2000 an hour, 2000000 tokens an hour; small, medium, large",
];

/// What is on top is a gift.
const PACKS: [&str; 3] = [
    "small: 500.000000 + 0.000000 for 5.00 USD, 95.00 ZAR",
    "medium: 2000.000000 + 100.000000 for 20.00 USD, 379.00 ZAR",
    "large: 10000.000000 + 1000.000000 for 100.00 USD, 1899.00 ZAR",
];

/// Neither more nor less, at these prices, whoever looks and in whatever way.
pub async fn exactly_these_plans_and_packs_are_sold(store: &dyn Store) {
    let mut work = store.read(OWN).await.expect("read");
    let plans = work.catalogue().plans().await.expect("plans");
    assert_eq!(plans.iter().map(plan_line).collect::<Vec<_>>(), PLANS);
    let packs = work.catalogue().packs().await.expect("packs");
    assert_eq!(packs.iter().map(pack_line).collect::<Vec<_>>(), PACKS);
    for plan in plans {
        assert!(!plan.name.is_empty(), "{} has a name", plan.code);
        let code = plan.code.clone();
        assert_eq!(work.catalogue().plan(&code).await.expect("plan"), Some(plan));
    }
    let unknown: PlanCode = "gold".parse().expect("sounds like a plan");
    assert_eq!(work.catalogue().plan(&unknown).await.expect("plan"), None);
}

fn plan_line(plan: &Plan) -> String {
    let price = |price: &PlanPrice| format!("{} {}", price.interval.name(), price.amount);
    let mut prices: Vec<_> = plan.prices.iter().map(price).collect();
    prices.sort();
    let mut models = plan.models.clone();
    models.sort();
    let models: Vec<_> = models.iter().map(|class| class.name()).collect();
    let limits = plan.limits;
    format!(
        "{}: {}; {} a month, {} a minute, {} an hour, {} tokens an hour; {}",
        plan.code,
        prices.join(", "),
        limits.requests_per_month,
        limits.requests_per_minute,
        limits.requests_per_hour,
        limits.tokens_per_hour,
        models.join(", "),
    )
}

fn pack_line(pack: &Pack) -> String {
    let mut prices = pack.prices.clone();
    prices.sort_by_key(|price| price.currency().code());
    let prices: Vec<_> = prices.iter().map(Money::to_string).collect();
    format!("{}: {} + {} for {}", pack.code, pack.credits, pack.bonus, prices.join(", "))
}
