//! What messages about subscriptions come to, in whatever order.
use cape_domain::{
    access::ControlChange,
    billing::{
        EndReason, Period, PriceInterval, RemoteStatus, RemoteSubscription, Subscription,
        SubscriptionState,
    },
    ids::SubscriptionId,
    time::Clock as _,
};
use cape_testkit::fixtures::{ACME, id, permit};
use chrono::TimeDelta;

use super::{
    deliver,
    subscribing::{current, plan, subscribed, thirty_days},
};
use crate::world::World;

const UPDATED: &str = "customer.subscription.updated";

async fn told(world: &World, event: &str, kind: &str, object: &str) -> Option<Subscription> {
    deliver(world, event, kind, object).await.expect("taken in");
    world.jobs.run_due().await.expect("run");
    current(world).await
}

async fn run_all(world: &World) {
    while world.jobs.run_due().await.expect("run") > 0 {}
}

#[tokio::test]
async fn every_kind_of_message_leads_to_what_the_provider_says_now() {
    for kind in [
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.paused",
        "customer.subscription.resumed",
        "customer.subscription.trial_will_end",
        "customer.subscription.deleted",
    ] {
        let world = World::new().await;
        let (_, remote) = subscribed(&world).await;
        world.payments.happens(&remote, |it| it.status = RemoteStatus::Trialing);
        let found = told(&world, "evt_1", kind, &remote).await.expect("it goes on");
        assert_eq!(found.state.name(), "trialing", "{kind}");
    }
    for kind in [
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice.payment_failed",
        "invoice.payment_action_required",
        "invoice.finalized",
    ] {
        let world = World::new().await;
        let (_, remote) = subscribed(&world).await;
        world.payments.bill("in_1", &remote);
        world.payments.happens(&remote, |it| it.status = RemoteStatus::PastDue);
        let found = told(&world, "evt_1", kind, "in_1").await.expect("it goes on");
        assert_eq!(found.state.name(), "past_due", "{kind}");
    }
}

#[tokio::test]
async fn a_renewal_moves_the_period_and_everybody_hears_of_it() {
    let world = World::new().await;
    let (_, remote) = subscribed(&world).await;
    world.clock.advance(TimeDelta::days(30));
    let next = thirty_days(&world);
    world.payments.happens(&remote, |it| it.period = Some(next));
    let found = told(&world, "evt_1", UPDATED, &remote).await.expect("it goes on");
    assert_eq!(found.state, SubscriptionState::Active { period: next });
    let told = world.control().await;
    let changes = told.iter().filter(|entry| entry.change == ControlChange::PlanChanged(ACME));
    assert_eq!(changes.count(), 3, "opened, paid, renewed");
    assert_eq!(plan(&world).await, "pro");
}

#[tokio::test]
async fn a_renewal_that_nobody_told_of_is_found_out() {
    let world = World::new().await;
    let (_, remote) = subscribed(&world).await;
    let next = {
        let first = thirty_days(&world);
        Period::new(first.end(), first.end() + TimeDelta::days(30)).expect("sound")
    };
    world.clock.advance(TimeDelta::days(30));
    world.payments.happens(&remote, |it| it.period = Some(next));
    assert_eq!(plan(&world).await, "pro", "the news may be late");
    world.clock.advance(TimeDelta::minutes(11));
    run_all(&world).await;
    let found = current(&world).await.expect("it goes on");
    assert_eq!(found.state, SubscriptionState::Active { period: next });
}

#[tokio::test]
async fn what_ended_closes_the_plan_and_stays_so() {
    let world = World::new().await;
    let (id, remote) = subscribed(&world).await;
    let at = world.clock.now();
    world.payments.happens(&remote, |it| {
        it.status = RemoteStatus::Canceled;
        it.ended_at = Some(at);
        it.unpaid = true;
    });
    let gone = told(&world, "evt_1", "customer.subscription.deleted", &remote).await;
    assert_eq!((gone, plan(&world).await.as_str()), (None, "free"));
    let stored = world.subscription(id).await;
    assert_eq!(stored.state, SubscriptionState::Ended { at, reason: EndReason::Unpaid });
    world.payments.happens(&remote, |it| it.status = RemoteStatus::Active);
    assert_eq!(told(&world, "evt_2", UPDATED, &remote).await, None);
    let stored = world.subscription(id).await;
    assert!(stored.oddity.is_some(), "money for what has ended: somebody looks");
}

#[tokio::test]
async fn a_status_that_nobody_knows_is_kept_and_changes_nothing() {
    let world = World::new().await;
    let (_, remote) = subscribed(&world).await;
    world.payments.happens(&remote, |it| it.status = RemoteStatus::Unknown("frozen".to_owned()));
    let odd = told(&world, "evt_1", UPDATED, &remote).await.expect("it goes on");
    assert_eq!(odd.state.name(), "active");
    assert!(odd.oddity.expect("a note").as_str().contains("frozen"));
    assert_eq!(plan(&world).await, "pro");
    world.payments.happens(&remote, |it| it.status = RemoteStatus::Active);
    let sane = told(&world, "evt_2", UPDATED, &remote).await.expect("it goes on");
    assert_eq!(sane.oddity, None);
}

#[tokio::test]
async fn what_others_sold_is_ignored() {
    let world = World::new().await;
    subscribed(&world).await;
    let foreign = |name: &str, ours: Option<SubscriptionId>| RemoteSubscription {
        id: name.to_owned(),
        subscription: ours,
        status: RemoteStatus::Active,
        period: Some(thirty_days(&world)),
        ends_at: None,
        ended_at: None,
        unpaid: false,
        price: None,
    };
    world.payments.adopt(foreign("sub_foreign", None));
    world.payments.adopt(foreign("sub_gone", Some(SubscriptionId::new(id(999)))));
    let before = current(&world).await;
    for (event, kind, object) in [
        ("evt_1", UPDATED, "sub_foreign"),
        ("evt_2", UPDATED, "sub_gone"),
        ("evt_3", UPDATED, "sub_none"),
        ("evt_4", "invoice.paid", "in_none"),
        ("evt_5", "checkout.session.completed", "cs_none"),
        ("evt_6", "price.created", "price_1"),
    ] {
        assert_eq!(told(&world, event, kind, object).await, before, "{object}");
    }
    assert_eq!(world.backlog().await.dead, 0);
}

#[tokio::test]
async fn a_price_of_another_plan_changes_the_plan_and_one_that_was_never_sold_does_not() {
    let world = World::new().await;
    let (_, remote) = subscribed(&world).await;
    let basic = "basic".parse().expect("a plan");
    let plans = world.plans.list(permit(ACME)).await.expect("plans");
    let basic_plan = plans.into_iter().find(|plan| plan.code == basic).expect("basic");
    let change = cape_domain::billing::PlanChange::default();
    world.plans.revise(permit(ACME), &basic, change).await.expect("told to the provider");
    run_all(&world).await;
    let price = basic_plan.prices.iter().find(|price| {
        price.interval == PriceInterval::Month && price.amount.currency().code() == "USD"
    });
    let name = format!("price_{}", price.expect("a price").id.raw().simple());
    world.payments.happens(&remote, |it| it.price = Some(name));
    let changed = told(&world, "evt_1", UPDATED, &remote).await.expect("it goes on");
    assert_eq!(changed.terms.plan, basic);
    assert_eq!((changed.terms.price.amount.minor(), plan(&world).await.as_str()), (900, "basic"));
    world.payments.happens(&remote, |it| it.price = Some("price_elsewhere".to_owned()));
    let odd = told(&world, "evt_2", UPDATED, &remote).await.expect("it goes on");
    assert_eq!((odd.terms.plan, odd.oddity.is_some()), (basic, true));
}

#[tokio::test]
async fn a_checkout_that_ran_out_of_time_makes_room() {
    let world = World::new().await;
    let wanted = cape_services::billing::Wanted {
        plan: "pro",
        interval: PriceInterval::Month,
        currency: cape_domain::billing::Currency::USD,
    };
    let once = cape_services::idempotency::Once::unkeyed();
    let opened = world.subscriptions.subscribe(permit(ACME), wanted, once).await.expect("opened");
    world.payments.leave(opened.subscription.id);
    let (_, checkout) = world.payments.subscription_checkout(opened.subscription.id);
    let gone = told(&world, "evt_1", "checkout.session.expired", &checkout.id).await;
    assert_eq!(gone, None);
    let stored = world.subscription(opened.subscription.id).await;
    let at = world.clock.now();
    assert_eq!(stored.state, SubscriptionState::Ended { at, reason: EndReason::Abandoned });
}

/// Deterministic: the same seed, the same order.
fn shuffled<T: Clone>(items: &[T], seed: u64) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut all = items.to_vec();
    for place in (1..all.len()).rev() {
        let other = usize::try_from(next() % (place as u64 + 1)).expect("small");
        all.swap(place, other);
    }
    all
}

/// What happens to a subscription while messages are delivered.
type Happening = fn(&mut RemoteSubscription, Period);

#[tokio::test]
async fn a_months_messages_in_any_order_and_twice_end_in_the_same_state() {
    let mut ends = Vec::new();
    for seed in 0..200_u64 {
        let world = World::new().await;
        let (_, remote) = subscribed(&world).await;
        world.payments.bill("in_1", &remote);
        let next = Period::new(
            world.clock.now() + TimeDelta::days(30),
            world.clock.now() + TimeDelta::days(60),
        );
        let month: Vec<(&str, &str)> = vec![
            (UPDATED, &remote),
            ("invoice.finalized", "in_1"),
            ("invoice.payment_failed", "in_1"),
            (UPDATED, &remote),
            ("invoice.paid", "in_1"),
            ("invoice.payment_succeeded", "in_1"),
            ("customer.subscription.created", &remote),
            ("customer.subscription.trial_will_end", &remote),
        ];
        let mut events: Vec<(String, &str, &str)> = (0..)
            .zip(&month)
            .map(|(n, (kind, object))| (format!("evt_{n}"), *kind, *object))
            .collect();
        events.extend(events.clone());
        let steps: [(usize, Happening); 3] = [
            (3, |it, next| it.period = Some(next)),
            (7, |it, _| it.status = RemoteStatus::PastDue),
            (11, |it, _| it.status = RemoteStatus::Active),
        ];
        for (place, (event, kind, object)) in shuffled(&events, seed).into_iter().enumerate() {
            for (at, step) in &steps {
                if *at == place {
                    world.payments.happens(&remote, |it| step(it, next.expect("sound")));
                }
            }
            deliver(&world, &event, kind, object).await.expect("taken in");
            // Sometimes at once, sometimes together with others.
            if (seed >> (place % 8)) & 1 == 1 {
                run_all(&world).await;
            }
        }
        deliver(&world, "evt_last", UPDATED, &remote).await.expect("taken in");
        run_all(&world).await;
        let found = current(&world).await.expect("it goes on");
        ends.push((found.state, found.terms, found.remote, found.oddity));
    }
    assert!(ends.windows(2).all(|two| two[0] == two[1]), "{ends:?}");
    assert_eq!(ends[0].0.name(), "active");
}
