//! Subscribing, cancelling and resuming.
use cape_domain::{
    access::{Actor, ManageBilling, Principal},
    audit::Action,
    billing::{
        Currency, EndReason, PaymentProviderError, Period, PriceInterval, RemoteStatus,
        Subscription, SubscriptionRefusal, SubscriptionState,
    },
    ids::SubscriptionId,
    page::PageRequest,
    time::Clock as _,
};
use cape_services::{
    billing::{SubscriptionError, Wanted},
    idempotency::Once,
};
use cape_testkit::fixtures::{ACME, RIVAL, at, id, owner, permit, person};
use chrono::TimeDelta;

use super::deliver;
use crate::world::{Setup, World};

const PRO: Wanted<'_> =
    Wanted { plan: "pro", interval: PriceInterval::Month, currency: Currency::USD };

async fn ask(world: &World, wanted: Wanted<'_>) -> Result<Subscription, SubscriptionError> {
    let opened = world.subscriptions.subscribe(permit(ACME), wanted, Once::unkeyed()).await;
    opened.map(|opened| opened.subscription)
}

pub fn thirty_days(world: &World) -> Period {
    let now = world.clock.now();
    Period::new(now, now + TimeDelta::days(30)).expect("sound")
}

pub async fn current(world: &World) -> Option<Subscription> {
    match world.subscriptions.current(permit(ACME)).await {
        Ok(current) => Some(current),
        Err(SubscriptionError::None) => None,
        Err(error) => panic!("{error}"),
    }
}

pub async fn plan(world: &World) -> String {
    world.feed.poll().await.expect("polled");
    world.entitlements.plan(ACME).await.expect("a plan").code.to_string()
}

/// ACME subscribed to `pro` and paid for thirty days. Gives the provider's id.
pub async fn subscribed(world: &World) -> (SubscriptionId, String) {
    let one = ask(world, PRO).await.expect("opened");
    let remote = world.payments.subscribe(one.id, thirty_days(world));
    deliver(world, &format!("evt_{remote}"), "customer.subscription.created", &remote)
        .await
        .expect("taken in");
    world.jobs.run_due().await.expect("run");
    (one.id, remote)
}

#[tokio::test]
async fn a_subscription_says_what_is_sold_and_where_it_is_paid_and_opens_nothing() {
    let world = World::new().await;
    let opened = world.subscriptions.subscribe(permit(ACME), PRO, Once::unkeyed()).await;
    let opened = opened.expect("opened");
    let stored = current(&world).await.expect("a subscription");
    assert_eq!(stored, opened.subscription);
    assert_eq!((stored.terms.plan.as_str(), stored.terms.price.amount.minor()), ("pro", 2_900));
    let (request, checkout) = world.payments.subscription_checkout(stored.id);
    assert_eq!((request.workspace, request.customer.as_str()), (ACME, "cus_1"));
    assert!(opened.url.ends_with(&checkout.id));
    assert_eq!(plan(&world).await, "free");
    let actions = [Action::SubscriptionPlaced, Action::SubscriptionChanged];
    assert_eq!(world.actions().await, actions);
}

#[tokio::test]
async fn the_price_is_told_to_the_provider_on_the_first_occasion_and_once() {
    let world = World::new().await;
    ask(&world, PRO).await.expect("opened");
    assert_eq!(world.payments.sold(), (1, 1));
    let rival = world.subscriptions.subscribe(permit(RIVAL), PRO, Once::unkeyed()).await;
    rival.expect("opened");
    assert_eq!(world.payments.sold(), (1, 1));
}

#[tokio::test]
async fn a_payment_opens_the_plan_and_a_second_one_is_refused() {
    let world = World::new().await;
    let (id, remote) = subscribed(&world).await;
    let stored = current(&world).await.expect("a subscription");
    assert_eq!((stored.id, stored.remote.as_deref()), (id, Some(remote.as_str())));
    assert_eq!(stored.state.name(), "active");
    assert_eq!(plan(&world).await, "pro");
    for wanted in [PRO, Wanted { plan: "basic", ..PRO }] {
        let second = ask(&world, wanted).await;
        assert!(matches!(second, Err(SubscriptionError::AlreadySubscribed)), "{second:?}");
    }
}

#[tokio::test]
async fn what_was_left_unpaid_is_opened_again_or_makes_room() {
    let world = World::new().await;
    let first = ask(&world, PRO).await.expect("opened");
    let again = ask(&world, PRO).await.expect("the same");
    assert_eq!(again, first);
    let yearly = Wanted { interval: PriceInterval::Year, ..PRO };
    let second = ask(&world, yearly).await.expect("another");
    assert_ne!(second.id, first.id);
    assert_eq!(second.terms.price.amount.minor(), 29_000);
    let (_, closed) = world.payments.subscription_checkout(first.id);
    assert_eq!(closed.state, cape_domain::billing::SubscriptionCheckoutState::Expired);
    let all = world.subscriptions.list(permit(ACME), PageRequest::first()).await.expect("listed");
    let reasons: Vec<_> = all.rows.iter().map(|one| one.state.name()).collect();
    assert_eq!(reasons, ["incomplete", "ended"]);
}

#[tokio::test]
async fn what_was_paid_a_moment_ago_makes_no_room() {
    let world = World::new().await;
    let first = ask(&world, PRO).await.expect("opened");
    world.payments.subscribe(first.id, thirty_days(&world));
    let second = ask(&world, Wanted { plan: "basic", ..PRO }).await;
    assert!(matches!(second, Err(SubscriptionError::AlreadySubscribed)), "{second:?}");
    assert_eq!(plan(&world).await, "pro", "nobody had told of it yet");
}

#[tokio::test]
async fn what_is_not_sold_is_not_subscribed_to() {
    let world = World::new().await;
    let gone = "basic".parse().expect("a plan");
    world.plans.retire(permit(ACME), &gone).await.expect("retired");
    for unknown in ["gold", "free", "basic", "No plan"] {
        let answer = ask(&world, Wanted { plan: unknown, ..PRO }).await;
        let told = matches!(&answer, Err(SubscriptionError::UnknownPlan(code)) if code == unknown);
        assert!(told, "{answer:?}");
    }
    let yen = "JPY".parse().expect("a currency");
    let answer = ask(&world, Wanted { currency: yen, ..PRO }).await;
    assert!(matches!(answer, Err(SubscriptionError::NotSold(_))), "{answer:?}");
    assert_eq!((world.payments.calls(), current(&world).await), (0, None));
}

#[tokio::test]
async fn only_a_person_subscribes_and_only_where_money_is_taken() {
    let world = World::new().await;
    let actor = Actor { principal: Principal::System, ..person(ACME) };
    let permit = owner().permit::<ManageBilling>(actor, at(0)).expect("permitted");
    let answer = world.subscriptions.subscribe(permit, PRO, Once::unkeyed()).await;
    assert!(matches!(answer, Err(SubscriptionError::NotAPerson)), "{answer:?}");
    let world = World::with(Setup { sells: false, ..Setup::default() }).await;
    let answer = ask(&world, PRO).await;
    assert!(matches!(answer, Err(SubscriptionError::Disabled)), "{answer:?}");
}

#[tokio::test]
async fn what_the_provider_refuses_is_over_and_another_can_be_tried() {
    let world = World::new().await;
    ask(&world, PRO).await.expect("prices are known");
    let first = current(&world).await.expect("a subscription");
    world.subscriptions.cancel(permit(ACME), first.id).await.expect("given up");
    world.payments.fail_next(PaymentProviderError::Refused { code: "no".to_owned() });
    let answer = ask(&world, PRO).await;
    assert!(matches!(answer, Err(SubscriptionError::Provider(_))), "{answer:?}");
    assert_eq!(current(&world).await, None);
    ask(&world, PRO).await.expect("opened");
}

#[tokio::test]
async fn an_answer_that_was_lost_is_looked_for_after_a_minute() {
    let world = World::new().await;
    ask(&world, PRO).await.expect("prices are known");
    let first = current(&world).await.expect("a subscription");
    world.subscriptions.cancel(permit(ACME), first.id).await.expect("given up");
    world.payments.lose_next_answer();
    let answer = ask(&world, PRO).await;
    assert!(matches!(answer, Err(SubscriptionError::Provider(_))), "{answer:?}");
    let lost = current(&world).await.expect("written down");
    assert_eq!(lost.state, SubscriptionState::Incomplete { checkout: None });
    world.clock.advance(TimeDelta::seconds(61));
    while world.jobs.run_due().await.expect("run") > 0 {}
    let found = current(&world).await.expect("a subscription");
    let SubscriptionState::Incomplete { checkout: Some(checkout) } = found.state else {
        panic!("{found:?}")
    };
    assert_eq!(checkout.id, world.payments.subscription_checkout(lost.id).1.id);
}

#[tokio::test]
async fn cancelling_ends_it_with_its_period_and_twice_is_refused() {
    let world = World::new().await;
    let (id, remote) = subscribed(&world).await;
    let canceling = world.subscriptions.cancel(permit(ACME), id).await.expect("cancelled");
    let SubscriptionState::Canceling { period } = canceling.state else { panic!("{canceling:?}") };
    assert_eq!(plan(&world).await, "pro");
    let calls = world.payments.calls();
    let twice = world.subscriptions.cancel(permit(ACME), id).await;
    let refused = SubscriptionRefusal::AlreadyCanceling;
    assert!(matches!(twice, Err(SubscriptionError::Refused(why)) if why == refused), "{twice:?}");
    assert_eq!(world.payments.calls(), calls, "nothing more is sent");
    world.clock.advance(period.end() - world.clock.now());
    assert_eq!(plan(&world).await, "free");
    assert_eq!(world.payments.subscription(&remote).ends_at, Some(period.end()));
}

#[tokio::test]
async fn resuming_takes_it_back_until_its_end() {
    let world = World::new().await;
    let (id, _) = subscribed(&world).await;
    let early = world.subscriptions.resume(permit(ACME), id).await;
    let refused = SubscriptionRefusal::NotCanceling;
    assert!(matches!(early, Err(SubscriptionError::Refused(why)) if why == refused), "{early:?}");
    for _ in 0..2 {
        world.subscriptions.cancel(permit(ACME), id).await.expect("cancelled");
        let goes_on = world.subscriptions.resume(permit(ACME), id).await.expect("resumed");
        assert_eq!(goes_on.state.name(), "active");
    }
    world.subscriptions.cancel(permit(ACME), id).await.expect("cancelled");
    world.clock.advance(TimeDelta::days(30));
    let late = world.subscriptions.resume(permit(ACME), id).await;
    let refused = SubscriptionRefusal::HasEnded;
    assert!(matches!(late, Err(SubscriptionError::Refused(why)) if why == refused), "{late:?}");
}

#[tokio::test]
async fn an_operator_ends_it_at_once_wherever_it_is() {
    let world = World::new().await;
    let (id, _) = subscribed(&world).await;
    let ended = world.subscriptions.end(permit(RIVAL), id).await.expect("ended");
    let SubscriptionState::Ended { reason, .. } = ended.state else { panic!("{ended:?}") };
    assert_eq!(reason, EndReason::Canceled);
    assert_eq!((plan(&world).await.as_str(), current(&world).await), ("free", None));
    let again = world.subscriptions.end(permit(RIVAL), id).await;
    let refused = SubscriptionRefusal::HasEnded;
    assert!(matches!(again, Err(SubscriptionError::Refused(why)) if why == refused), "{again:?}");
    ask(&world, PRO).await.expect("there is room again");
}

#[tokio::test]
async fn nobody_touches_what_belongs_to_another_workspace() {
    let world = World::new().await;
    let (own, _) = subscribed(&world).await;
    for id in [own, SubscriptionId::new(id(999))] {
        let cancelled = world.subscriptions.cancel(permit(RIVAL), id).await;
        assert!(matches!(cancelled, Err(SubscriptionError::Unknown)), "{cancelled:?}");
        let resumed = world.subscriptions.resume(permit(RIVAL), id).await;
        assert!(matches!(resumed, Err(SubscriptionError::Unknown)), "{resumed:?}");
    }
    let none = world.subscriptions.current(permit(RIVAL)).await;
    assert!(matches!(none, Err(SubscriptionError::None)), "{none:?}");
    let listed = world.subscriptions.list(permit(RIVAL), PageRequest::first()).await;
    assert_eq!(listed.expect("listed").rows, []);
    assert_eq!(current(&world).await.expect("untouched").state.name(), "active");
}

#[tokio::test]
async fn while_the_provider_is_away_nothing_is_cancelled_and_it_is_said() {
    let world = World::new().await;
    let (id, remote) = subscribed(&world).await;
    world.payments.fail_next(PaymentProviderError::Unavailable("away".into()));
    let answer = world.subscriptions.cancel(permit(ACME), id).await;
    assert!(matches!(answer, Err(SubscriptionError::Provider(_))), "{answer:?}");
    assert_eq!(current(&world).await.expect("it goes on").state.name(), "active");
    // Done, though nobody heard of it.
    world.payments.lose_next_answer();
    assert!(world.subscriptions.cancel(permit(ACME), id).await.is_err());
    assert!(world.payments.subscription(&remote).ends_at.is_some());
    world.clock.advance(TimeDelta::seconds(61));
    while world.jobs.run_due().await.expect("run") > 0 {}
    assert_eq!(current(&world).await.expect("found out").state.name(), "canceling");
    world.payments.happens(&remote, |it| it.status = RemoteStatus::Active);
}
