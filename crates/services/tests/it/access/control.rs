//! The control feed: who may still spend is known, or nobody may.
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use cape_domain::{
    access::{ControlChange, ControlEntry},
    billing::{Period, PlanChange, PlanCode, PlanLimits, Subscription, SubscriptionState},
    ids::{ApiKeyId, ControlId},
    store::{Durability, ReadWork, Scope, Store as _, StoreError},
    time::{Clock as _, Timestamp},
};
use cape_services::access::{ControlFeed, ObeysControl};
use cape_testkit::fixtures::{ACME, at, id, subscription};
use chrono::TimeDelta;

use crate::world::World;

/// A cache that remembers what it was told.
#[derive(Default)]
struct Listener {
    told: Mutex<Vec<ControlId>>,
    at_a_loss: AtomicBool,
    forgot: AtomicUsize,
}

impl Listener {
    fn told(&self) -> Vec<ControlId> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl ObeysControl for Listener {
    fn apply(&self, entry: &ControlEntry) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push(entry.id);
    }

    async fn catch_up(&self, _: &mut dyn ReadWork) -> Result<(), StoreError> {
        if self.at_a_loss.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("it cannot be looked up".into()));
        }
        Ok(())
    }

    fn forget(&self, _: Timestamp) {
        self.forgot.fetch_add(1, Ordering::Relaxed);
    }
}

fn listening(world: &World) -> (Arc<Listener>, Arc<ControlFeed>) {
    let listener = Arc::new(Listener::default());
    let caches: Vec<Arc<dyn ObeysControl>> = vec![listener.clone()];
    (listener, ControlFeed::new(world.base.clone(), caches))
}

async fn publish(world: &World, number: u128, at: Timestamp, change: ControlChange) {
    let entry = ControlEntry { id: ControlId::new(id(number)), at, change };
    let mut work = world.store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    work.control().publish(&entry).await.expect("published");
    work.commit().await.expect("commit");
}

const REVOKED: ControlChange = ControlChange::ApiKeyChanged(ApiKeyId::new(id(50)));

#[tokio::test]
async fn a_feed_is_fresh_for_one_second_after_a_poll() {
    let world = World::new().await;
    let (_, feed) = listening(&world);
    assert!(!feed.is_fresh(), "nothing was heard yet");
    feed.poll().await.expect("polled");
    world.clock.advance(TimeDelta::seconds(1));
    assert!(feed.is_fresh());
    world.clock.advance(TimeDelta::microseconds(1));
    assert!(!feed.is_fresh());
    feed.poll().await.expect("polled");
    assert!(feed.is_fresh());
}

#[tokio::test]
async fn a_poll_that_fails_concludes_nothing_and_the_feed_goes_stale() {
    let world = World::new().await;
    let (listener, feed) = listening(&world);
    feed.poll().await.expect("polled");
    world.unsteady.set_down(true);
    world.clock.advance(TimeDelta::milliseconds(1_001));
    assert!(feed.poll().await.is_err());
    assert!(!feed.is_fresh());
    assert_eq!(listener.forgot.load(Ordering::Relaxed), 1);
    publish(&world, 10, world.clock.now(), REVOKED).await;
    world.unsteady.set_down(false);
    world.clock.advance(TimeDelta::hours(1));
    feed.poll().await.expect("polled");
    assert!(feed.is_fresh());
    assert_eq!(listener.told(), [ControlId::new(id(10))], "what was missed is caught up with");
}

#[tokio::test]
async fn a_cache_that_cannot_look_up_what_it_was_told_keeps_the_feed_from_being_fresh() {
    let world = World::new().await;
    let (listener, feed) = listening(&world);
    listener.at_a_loss.store(true, Ordering::Relaxed);
    assert!(feed.poll().await.is_err());
    assert!(!feed.is_fresh());
    listener.at_a_loss.store(false, Ordering::Relaxed);
    feed.poll().await.expect("polled");
    assert!(feed.is_fresh());
}

#[tokio::test]
async fn the_first_poll_reads_all_that_a_living_token_depends_upon() {
    let world = World::new().await;
    let now = world.clock.now();
    let (listener, feed) = listening(&world);
    publish(&world, 10, now - TimeDelta::minutes(16), REVOKED).await;
    publish(&world, 11, now - TimeDelta::minutes(15), REVOKED).await;
    feed.poll().await.expect("polled");
    assert_eq!(listener.told(), [ControlId::new(id(11))]);
}

#[tokio::test]
async fn what_is_committed_late_is_heard_for_ten_seconds() {
    let world = World::new().await;
    let (listener, feed) = listening(&world);
    feed.poll().await.expect("polled");
    let now = world.clock.now();
    publish(&world, 10, now - TimeDelta::seconds(10), REVOKED).await;
    publish(&world, 11, now - TimeDelta::seconds(11), REVOKED).await;
    feed.poll().await.expect("polled");
    assert_eq!(listener.told(), [ControlId::new(id(10))]);
}

#[tokio::test]
async fn a_plan_that_changed_is_loaded_again() {
    let world = World::new().await;
    let plan = async || world.entitlements.plan(ACME).await.expect("a plan").code.clone();
    let pro: PlanCode = "pro".parse().expect("a plan");
    assert_eq!(plan().await, PlanCode::free());
    let mut work = world.store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    work.subscriptions().insert(&subscription(10)).await.expect("subscribed");
    work.commit().await.expect("commit");
    assert_eq!(plan().await, PlanCode::free(), "it is remembered");
    publish(&world, 10, world.clock.now(), ControlChange::PlanChanged(ACME)).await;
    world.feed.poll().await.expect("polled");
    assert_eq!(plan().await, pro);
}

#[tokio::test]
async fn a_plan_that_was_cancelled_ends_with_its_paid_period_without_anybody_telling() {
    let period = Period::new(at(0), at(0) + TimeDelta::days(30)).expect("sound");
    ends_after(SubscriptionState::Canceling { period }, TimeDelta::days(30)).await;
}

#[tokio::test]
async fn a_plan_whose_renewal_nobody_tells_of_ends_a_day_later() {
    ends_after(subscription(10).state, TimeDelta::days(31)).await;
}

#[tokio::test]
async fn what_every_plan_allows_is_looked_up_again_when_plans_have_changed() {
    let world = World::new().await;
    let minute =
        async || world.entitlements.plan(ACME).await.expect("a plan").limits.requests_per_minute;
    assert_eq!(minute().await, 10);
    let mut work = world.store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    let free = work.catalogue().plan(&PlanCode::free()).await.expect("plan").expect("free");
    let limits = Some(PlanLimits { requests_per_minute: 7, ..free.limits });
    let change = PlanChange { limits, ..PlanChange::default() };
    let next = free.revise(change, || panic!("no new price")).expect("sound");
    work.catalogue().update_plan(&next, at(0)).await.expect("changed");
    work.commit().await.expect("commit");
    assert_eq!(minute().await, 10, "it is remembered");
    publish(&world, 10, world.clock.now(), ControlChange::PlansChanged).await;
    world.feed.poll().await.expect("polled");
    assert_eq!(minute().await, 7);
}

async fn ends_after(state: SubscriptionState, rest: TimeDelta) {
    let world = World::new().await;
    let mut work = world.store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    let one = Subscription { state, ..subscription(10) };
    work.subscriptions().insert(&one).await.expect("subscribed");
    work.commit().await.expect("commit");
    let plan = async || world.entitlements.plan(ACME).await.expect("a plan").code.clone();
    assert_eq!(plan().await.as_str(), "pro");
    world.clock.advance(rest - TimeDelta::microseconds(1));
    assert_eq!(plan().await.as_str(), "pro");
    world.clock.advance(TimeDelta::microseconds(1));
    assert_eq!(plan().await, PlanCode::free());
}
