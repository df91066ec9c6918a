//! What is done about a payment that failed, and when.
use cape_domain::{
    accounts::MailKind,
    billing::{EndReason, PaymentProviderError, RemoteStatus, SubscriptionState},
    ids::SubscriptionId,
};
use cape_testkit::fixtures::{ACME, permit};
use chrono::TimeDelta;

use super::{
    deliver,
    subscribing::{current, plan, subscribed},
};
use crate::world::World;

async fn run_all(world: &World) {
    while world.jobs.run_due().await.expect("run") > 0 {}
}

/// ACME's payment failed: it owes since now.
async fn owing(world: &World) -> (SubscriptionId, String) {
    let (id, remote) = subscribed(world).await;
    world.payments.bill("in_1", &remote);
    world.payments.happens(&remote, |it| it.status = RemoteStatus::PastDue);
    deliver(world, "evt_failed", "invoice.payment_failed", "in_1").await.expect("taken in");
    run_all(world).await;
    world.post.clear();
    (id, remote)
}

/// Every day, for so many days.
async fn days(world: &World, many: usize) -> Vec<(usize, MailKind)> {
    let mut told = Vec::new();
    for day in 1..=many {
        world.clock.advance(TimeDelta::days(1));
        run_all(world).await;
        let kinds = world.post.letters().into_iter().map(|letter| letter.kind);
        told.extend(kinds.filter(|kind| DUNNING.contains(kind)).map(|kind| (day, kind)));
        world.post.clear();
    }
    told
}

const DUNNING: [MailKind; 2] = [MailKind::PaymentOwed, MailKind::SubscriptionEnded];

#[tokio::test]
async fn who_does_not_pay_is_reminded_three_times_and_is_free_after_sixteen_days() {
    let world = World::new().await;
    let (id, remote) = owing(&world).await;
    assert_eq!(plan(&world).await, "pro", "the grace has begun");
    let told = days(&world, 15).await;
    let owed = MailKind::PaymentOwed;
    assert_eq!(told, [(3, owed), (6, owed), (9, owed)]);
    assert_eq!(plan(&world).await, "pro");
    assert_eq!(days(&world, 5).await, [(1, MailKind::SubscriptionEnded)]);
    assert_eq!((plan(&world).await.as_str(), current(&world).await), ("free", None));
    let SubscriptionState::Ended { reason, .. } = world.subscription(id).await.state else {
        panic!("it has ended")
    };
    assert_eq!(reason, EndReason::Unpaid);
    assert!(world.payments.subscription(&remote).unpaid, "nobody goes on charging");
}

#[tokio::test]
async fn who_pays_is_left_alone_and_reminded_anew_the_next_time() {
    let world = World::new().await;
    let (_, remote) = owing(&world).await;
    assert_eq!(days(&world, 4).await.len(), 1);
    world.payments.happens(&remote, |it| it.status = RemoteStatus::Active);
    deliver(&world, "evt_paid", "invoice.paid", "in_1").await.expect("taken in");
    assert_eq!(days(&world, 20).await, []);
    assert_eq!(current(&world).await.expect("it goes on").state.name(), "active");
}

#[tokio::test]
async fn who_cancelled_is_never_reminded_and_who_resumed_is() {
    let world = World::new().await;
    let (id, _) = owing(&world).await;
    world.subscriptions.cancel(permit(ACME), id).await.expect("cancelled");
    assert_eq!(days(&world, 4).await, []);
    world.subscriptions.resume(permit(ACME), id).await.expect("resumed");
    let owed = MailKind::PaymentOwed;
    let told = days(&world, 6).await;
    assert_eq!(told, [(1, owed), (2, owed), (5, owed)], "what is due, and each reminder once");
}

#[tokio::test]
async fn after_an_outage_one_reminder_comes_and_not_all_at_once() {
    let world = World::new().await;
    owing(&world).await;
    world.clock.advance(TimeDelta::days(7));
    assert_eq!(days(&world, 1).await, [(1, MailKind::PaymentOwed)]);
    assert_eq!(days(&world, 1).await, [(1, MailKind::PaymentOwed)], "the third, on the ninth day");
}

#[tokio::test]
async fn while_the_provider_is_away_the_plan_closes_all_the_same_and_the_end_follows() {
    let world = World::new().await;
    owing(&world).await;
    days(&world, 15).await;
    for _ in 0..2 {
        world.payments.fail_next(PaymentProviderError::Unavailable("away".into()));
    }
    world.clock.advance(TimeDelta::days(1));
    run_all(&world).await;
    assert_eq!(plan(&world).await, "free");
    assert_eq!(current(&world).await.expect("nobody ended it yet").state.name(), "past_due");
    for _ in 0..4 {
        world.clock.advance(TimeDelta::minutes(10));
        run_all(&world).await;
    }
    assert_eq!(current(&world).await, None);
}
