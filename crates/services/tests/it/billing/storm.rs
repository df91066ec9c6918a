//! Many messages at once.
use cape_domain::{
    billing::{Order, PaymentProviderError, TransactionKind},
    time::Clock as _,
};
use cape_testkit::{
    fakes::ScriptedPayments,
    fixtures::{ACME, credits},
};
use chrono::TimeDelta;
use tokio::task::JoinSet;

use super::{COMPLETED, EXPIRED, SUCCEEDED, checkout, ordered};
use crate::world::World;

/// A hundred deliveries of ten messages about one payment, in an order that looks random.
fn deliveries(world: &World, order: &Order) -> Vec<Vec<u8>> {
    let reference = world.payments.pay(order.id);
    let object = checkout(world, order.id);
    let async_succeeded = "checkout.session.async_payment_succeeded";
    let kinds = [
        (COMPLETED, &object),
        (async_succeeded, &object),
        (SUCCEEDED, &reference),
        (EXPIRED, &object),
    ];
    let mut all: Vec<_> = (0..100_u64)
        .map(|number| {
            let event = number % 10;
            let (kind, object) = kinds[usize::try_from(event % 4).expect("small")];
            let body = ScriptedPayments::webhook_body(&format!("evt_{event}"), kind, object);
            (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32, body)
        })
        .collect();
    all.sort();
    all.into_iter().map(|(_, body)| body).collect()
}

async fn drain(world: &World) {
    for _ in 0..50 {
        world.jobs.run_due().await.expect("run");
        world.clock.advance(TimeDelta::minutes(5));
    }
    let backlog = world.backlog().await;
    assert_eq!((backlog.waiting, backlog.dead), (0, 0));
}

async fn granted_once(world: &World, order: &Order) {
    assert_eq!(world.order(order.id).await.state.name(), "paid");
    assert_eq!(world.balance(ACME).await.available, credits(2_100));
    assert_eq!(world.grants(ACME).await.len(), 2);
    let kinds: Vec<_> = world.transactions(ACME).await.into_iter().map(|t| t.kind).collect();
    assert_eq!(kinds, [TransactionKind::Purchase, TransactionKind::Bonus]);
    world.proves_its_ledger().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_deliveries_of_one_payment_grant_once() {
    let world = World::new().await;
    let order = ordered(&world, "medium").await;
    let mut all = JoinSet::new();
    for (number, body) in deliveries(&world, &order).into_iter().enumerate() {
        let (webhooks, jobs) = (world.webhooks.clone(), world.jobs.clone());
        all.spawn(async move {
            webhooks.receive(&body, ScriptedPayments::SIGNATURE).await.expect("taken in");
            if number % 5 == 0 {
                jobs.run_due().await.expect("run");
            }
        });
    }
    all.join_all().await;
    drain(&world).await;
    granted_once(&world, &order).await;
}

#[tokio::test]
async fn a_provider_that_stumbles_meanwhile_changes_nothing_about_it() {
    let world = World::new().await;
    let order = ordered(&world, "medium").await;
    for (number, body) in deliveries(&world, &order).into_iter().enumerate() {
        if number % 7 == 0 {
            world.payments.fail_next(PaymentProviderError::Unavailable("no answer".into()));
        }
        world.webhooks.receive(&body, ScriptedPayments::SIGNATURE).await.expect("taken in");
        world.jobs.run_due().await.expect("run");
    }
    drain(&world).await;
    granted_once(&world, &order).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_messages_of_one_payment_with_subjects_of_their_own_grant_once() {
    let world = World::new().await;
    let order = ordered(&world, "medium").await;
    let reference = world.payments.pay(order.id);
    let about = [(COMPLETED, checkout(&world, order.id)), (SUCCEEDED, reference)];
    for (number, (kind, object)) in about.iter().enumerate() {
        let body = ScriptedPayments::webhook_body(&format!("evt_{number}"), kind, object);
        world.webhooks.receive(&body, ScriptedPayments::SIGNATURE).await.expect("taken in");
    }
    let now = world.clock.now();
    let mut all = JoinSet::new();
    for _ in 0..4 {
        let jobs = world.jobs.clone();
        all.spawn(async move { jobs.run_due().await.expect("run") });
    }
    let done: usize = all.join_all().await.into_iter().sum();
    assert_eq!((done, world.clock.now()), (2, now));
    granted_once(&world, &order).await;
}
