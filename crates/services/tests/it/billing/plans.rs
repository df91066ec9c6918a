//! Plans that operators make, change and withdraw.
use cape_domain::{
    access::ControlChange,
    audit::Action,
    billing::{
        Currency, Money, PaymentProviderError, Plan, PlanChange, PlanCode, PlanDraft, PlanLimits,
        PlanRefusal, PriceInterval,
    },
    time::Clock as _,
    usage::ModelClass,
};
use cape_services::billing::PlanError;
use cape_testkit::fixtures::{ACME, permit};
use chrono::TimeDelta;

use crate::world::{Setup, World};

fn dollars(minor: i64) -> (PriceInterval, Money) {
    (PriceInterval::Month, Money::from_minor(minor, Currency::USD))
}

fn draft(code: &str, minor: i64) -> PlanDraft {
    PlanDraft {
        code: code.parse().expect("a code"),
        name: "Gold".parse().expect("a name"),
        features: vec![],
        prices: vec![dollars(minor)],
        limits: PlanLimits {
            requests_per_month: 4,
            requests_per_minute: 1,
            requests_per_hour: 2,
            tokens_per_hour: 3,
        },
        models: vec![ModelClass::Small],
    }
}

async fn made(world: &World) -> Plan {
    world.plans.create(permit(ACME), draft("gold", 900)).await.expect("made")
}

async fn sold(world: &World) -> Vec<String> {
    let sold = world.pricing.sold().await.expect("sold");
    sold.plans.iter().map(|plan| plan.code.to_string()).collect()
}

#[tokio::test]
async fn a_plan_that_was_made_is_sold_and_told_to_the_provider() {
    let world = World::new().await;
    let plan = made(&world).await;
    assert_eq!(sold(&world).await, ["free", "basic", "pro", "enterprise", "gold"]);
    assert_eq!(world.actions().await, [Action::PlanCreated]);
    let told: Vec<_> = world.control().await.into_iter().map(|entry| entry.change).collect();
    assert_eq!(told, [ControlChange::PlansChanged]);
    assert_eq!(world.payments.sold(), (0, 0));
    assert_eq!(world.jobs.run_due().await.expect("run"), 1);
    let product = world.payments.product("prod_gold").expect("a product");
    assert_eq!((product.name.as_str(), product.active), ("Gold", true));
    let price = world.payments.price(plan.prices[0].id).expect("a price");
    assert_eq!((price.product.as_str(), price.amount.minor()), ("prod_gold", 900));
    assert_eq!(world.backlog().await.waiting, 0);
}

#[tokio::test]
async fn a_code_is_taken_once_and_what_makes_no_sense_is_refused() {
    let world = World::new().await;
    made(&world).await;
    let taken = world.plans.create(permit(ACME), draft("gold", 1)).await;
    assert!(matches!(taken, Err(PlanError::Taken(code)) if code.as_str() == "gold"));
    let cheap = world.plans.create(permit(ACME), draft("tin", 0)).await;
    assert!(matches!(cheap, Err(PlanError::Refused(PlanRefusal::Price))), "{cheap:?}");
    let unknown: PlanCode = "tin".parse().expect("a code");
    let change = world.plans.revise(permit(ACME), &unknown, PlanChange::default()).await;
    assert!(matches!(change, Err(PlanError::Unknown(_))), "{change:?}");
    let gone = world.plans.retire(permit(ACME), &unknown).await;
    assert!(matches!(gone, Err(PlanError::Unknown(_))), "{gone:?}");
    let free = world.plans.retire(permit(ACME), &PlanCode::free()).await;
    assert!(matches!(free, Err(PlanError::Refused(PlanRefusal::InNeed))), "{free:?}");
    assert_eq!(world.actions().await, [Action::PlanCreated]);
}

#[tokio::test]
async fn a_price_that_changed_is_another_one_at_the_provider_too() {
    let world = World::new().await;
    let plan = made(&world).await;
    world.jobs.run_due().await.expect("run");
    let name = "Golden".parse().expect("a name");
    let change = PlanChange {
        prices: Some(vec![dollars(1_000)]),
        name: Some(name),
        ..PlanChange::default()
    };
    let revised = world.plans.revise(permit(ACME), &plan.code, change).await.expect("revised");
    assert_ne!(revised.prices[0].id, plan.prices[0].id);
    assert_eq!(world.jobs.run_due().await.expect("run"), 1);
    assert_eq!(world.payments.sold(), (1, 2), "one product, and a price that nobody asks any more");
    assert_eq!(world.payments.product("prod_gold").expect("a product").name, "Golden");
    assert_eq!(world.actions().await, [Action::PlanCreated, Action::PlanChanged]);
}

#[tokio::test]
async fn a_plan_that_was_withdrawn_is_not_sold_and_operators_still_see_it() {
    let world = World::new().await;
    let plan = made(&world).await;
    world.plans.retire(permit(ACME), &plan.code).await.expect("retired");
    assert_eq!(sold(&world).await, ["free", "basic", "pro", "enterprise"]);
    let found = world.plans.find(permit(ACME), &plan.code).await.expect("found");
    assert_eq!(found.retired_at, Some(world.clock.now()));
    assert_eq!(world.plans.list(permit(ACME)).await.expect("listed").len(), 5);
    let again = world.plans.retire(permit(ACME), &plan.code).await;
    assert!(matches!(again, Err(PlanError::Refused(PlanRefusal::Retired))), "{again:?}");
    for _ in 0..2 {
        world.jobs.run_due().await.expect("run");
    }
    assert!(!world.payments.product("prod_gold").expect("a product").active);
}

#[tokio::test]
async fn while_the_provider_is_away_plans_are_made_all_the_same_and_told_later() {
    let world = World::new().await;
    world.payments.fail_next(PaymentProviderError::Unavailable("away".into()));
    made(&world).await;
    world.jobs.run_due().await.expect("run");
    assert_eq!(world.payments.sold(), (0, 0));
    world.payments.lose_next_answer();
    world.clock.advance(TimeDelta::seconds(2));
    world.jobs.run_due().await.expect("run");
    world.clock.advance(TimeDelta::seconds(4));
    world.jobs.run_due().await.expect("run");
    assert_eq!(world.payments.sold(), (1, 1));
    assert_eq!(world.backlog().await.waiting, 0);
}

#[tokio::test]
async fn where_nobody_takes_money_plans_are_made_and_nobody_is_told() {
    let world = World::with(Setup { sells: false, ..Setup::default() }).await;
    made(&world).await;
    assert_eq!(world.backlog().await.waiting, 0);
}
