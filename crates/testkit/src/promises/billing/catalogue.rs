//! What is sold.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    billing::{
        DraftPrice, Money, Pack, Plan, PlanChange, PlanCode, PlanDraft, PlanLimits, PlanPrice,
        PriceInterval, ProviderName,
    },
    ids::PriceId,
    store::{Durability, Store, StoreError},
    usage::ModelClass,
};

use super::super::{OWN, conflicts::is_conflict};
use crate::fixtures::{at, id};

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
        assert_eq!((plan.version, plan.retired_at), (1, None), "{}", plan.code);
        let code = plan.code.clone();
        assert_eq!(work.catalogue().plan(&code).await.expect("plan"), Some(plan));
    }
    let unknown: PlanCode = "gold".parse().expect("sounds like a plan");
    assert_eq!(work.catalogue().plan(&unknown).await.expect("plan"), None);
}

/// Nobody else can take its code.
pub async fn a_plan_is_made_once_and_sold_after_those_that_were_there(store: &dyn Store) {
    let plan = gold(&[(900, "USD"), (1_200, "JPY")]);
    made(store, &plan).await.expect("made");
    let again = made(store, &gold(&[])).await;
    assert!(is_conflict(&again), "{again:?}");
    let mut work = store.read(OWN).await.expect("read");
    let sold = work.catalogue().plans().await.expect("plans");
    assert_eq!(sold.last(), Some(&plan));
    assert_eq!(work.catalogue().all_plans().await.expect("plans"), sold);
    assert_eq!(work.catalogue().plan(&plan.code).await.expect("plan"), Some(plan.clone()));
    for price in &plan.prices {
        let found = work.catalogue().price(price.id).await.expect("price");
        assert_eq!(found, Some((plan.code.clone(), *price)));
    }
    assert_eq!(work.catalogue().price(PriceId::new(id(999))).await.expect("price"), None);
}

/// Whoever pays it goes on to.
pub async fn a_price_that_is_not_asked_any_more_is_still_known(store: &dyn Store) {
    let first = gold(&[(900, "USD"), (1_200, "JPY")]);
    made(store, &first).await.expect("made");
    let prices = Some(vec![price(1_000, "USD"), price(1_200, "JPY")]);
    let change = PlanChange { prices, ..PlanChange::default() };
    let second = first.clone().revise(change, || PriceId::new(id(120))).expect("sound");
    changed(store, &second).await.expect("changed");
    // And back to what it was, which is yet another price.
    let prices = Some(vec![price(900, "USD")]);
    let change = PlanChange { prices, features: Some(vec![]), ..PlanChange::default() };
    let third = second.clone().revise(change, || PriceId::new(id(121))).expect("sound");
    changed(store, &third).await.expect("changed");
    let mut work = store.read(OWN).await.expect("read");
    assert_eq!(work.catalogue().plan(&third.code).await.expect("plan"), Some(third.clone()));
    for plan in [&first, &second, &third] {
        for price in &plan.prices {
            let found = work.catalogue().price(price.id).await.expect("price");
            assert_eq!(found, Some((plan.code.clone(), *price)));
        }
    }
}

/// Nothing of it is stored then.
pub async fn a_stale_change_of_a_plan_is_a_conflict(store: &dyn Store) {
    let first = gold(&[(900, "USD")]);
    made(store, &first).await.expect("made");
    let change = |features| PlanChange { features: Some(features), ..PlanChange::default() };
    let none = first.clone().revise(change(vec![]), || PriceId::new(id(120))).expect("sound");
    let one = vec!["Late".parse().expect("a feature")];
    let late = first.clone().revise(change(one), || PriceId::new(id(120))).expect("sound");
    changed(store, &none).await.expect("changed");
    let stale = changed(store, &late).await;
    assert!(is_conflict(&stale), "{stale:?}");
    let mut work = store.read(OWN).await.expect("read");
    assert_eq!(work.catalogue().plan(&first.code).await.expect("plan"), Some(none));
}

/// Those who have it go on with it.
pub async fn a_plan_that_was_withdrawn_is_not_sold_and_is_still_there(store: &dyn Store) {
    let plan = gold(&[(900, "USD")]);
    made(store, &plan).await.expect("made");
    let retired = plan.retire(at(7)).expect("retired");
    changed(store, &retired).await.expect("changed");
    let mut work = store.read(OWN).await.expect("read");
    let sold = work.catalogue().plans().await.expect("plans");
    assert!(sold.iter().all(|plan| plan.code != retired.code));
    assert_eq!(work.catalogue().all_plans().await.expect("plans").last(), Some(&retired));
    assert_eq!(work.catalogue().plan(&retired.code).await.expect("plan"), Some(retired));
}

/// And a price is found by it.
pub async fn what_a_provider_called_a_plan_or_a_price_first_stands(store: &dyn Store) {
    let stripe = ProviderName::Stripe;
    let plan = gold(&[(900, "USD"), (1_200, "JPY")]);
    made(store, &plan).await.expect("made");
    let [first, second] = &plan.prices[..] else { panic!("two prices") };
    for name in ["1", "2"] {
        let mut work = store.begin(OWN, Durability::Power).await.expect("begin");
        let catalogue = work.catalogue();
        let (product, price) = (format!("prod_{name}"), format!("price_{name}"));
        catalogue.remember_product(&plan.code, stripe, &product).await.expect("remember");
        catalogue.remember_price(first.id, stripe, &price).await.expect("remember");
        work.commit().await.expect("commit");
    }
    let mut work = store.begin(OWN, Durability::Power).await.expect("begin");
    let taken = work.catalogue().remember_price(second.id, stripe, "price_1").await;
    assert!(is_conflict(&taken), "{taken:?}");
    drop(work);
    let mut work = store.read(OWN).await.expect("read");
    let catalogue = work.catalogue();
    let named = |name: &str| Some(name.to_owned());
    assert_eq!(catalogue.product(&plan.code, stripe).await.expect("product"), named("prod_1"));
    assert_eq!(catalogue.product(&PlanCode::free(), stripe).await.expect("product"), None);
    assert_eq!(catalogue.provider_price(first.id, stripe).await.expect("price"), named("price_1"));
    assert_eq!(catalogue.provider_price(second.id, stripe).await.expect("price"), None);
    assert_eq!(catalogue.price_called(stripe, "price_1").await.expect("price"), Some(first.id));
    assert_eq!(catalogue.price_called(stripe, "price_2").await.expect("price"), None);
}

async fn made(store: &dyn Store, plan: &Plan) -> Result<(), StoreError> {
    let mut work = store.begin(OWN, Durability::Power).await?;
    work.catalogue().insert_plan(plan).await?;
    work.commit().await
}

async fn changed(store: &dyn Store, plan: &Plan) -> Result<(), StoreError> {
    let mut work = store.begin(OWN, Durability::Power).await?;
    work.catalogue().update_plan(plan, at(9)).await?;
    work.commit().await
}

fn price(minor: i64, currency: &str) -> DraftPrice {
    let currency = currency.parse().expect("a currency");
    (PriceInterval::Month, Money::from_minor(minor, currency))
}

/// A plan that nobody had before, at these monthly prices.
fn gold(prices: &[(i64, &str)]) -> Plan {
    let mut next = 100;
    let ids = || {
        next += 1;
        PriceId::new(id(next))
    };
    let draft = PlanDraft {
        code: "gold".parse().expect("a code"),
        name: "Gold".parse().expect("a name"),
        features: ["First", "Zoë's second"].map(|words| words.parse().expect("words")).into(),
        prices: prices.iter().map(|(minor, currency)| price(*minor, currency)).collect(),
        limits: PlanLimits {
            requests_per_month: 4_000,
            requests_per_minute: 1,
            requests_per_hour: 0,
            tokens_per_hour: 3,
        },
        models: vec![ModelClass::Small, ModelClass::Large],
    };
    Plan::create(draft, ids).expect("sound")
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
