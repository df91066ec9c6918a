//! Credits that run out of time.
use std::sync::Arc;

use cape_domain::{
    access::Principal,
    audit::Action,
    billing::{CreditGrant, Credits, GrantSource, TransactionKind},
};
use cape_testkit::fixtures::{ACME, at, completion, credits, give, grant, tokens};
use chrono::TimeDelta;
use tokio::sync::Notify;

use crate::{
    usage::{HELD, ask, begin, given_a_program},
    world::{Setup, World},
};

/// ACME's lot of so many credits, which expires ten seconds after the start.
async fn given_a_lot(world: &World, number: u32, amount: Credits) -> CreditGrant {
    let lot =
        CreditGrant { expires_at: Some(at(10)), ..grant(number, GrantSource::Promotion, amount) };
    give(&world.store, &lot).await.expect("given");
    lot
}

async fn expire(world: &World) -> usize {
    world.expiry.run_due().await.expect("run")
}

#[tokio::test]
async fn what_is_left_is_lost_when_its_time_is_over_and_not_before() {
    let world = World::new().await;
    let lot = given_a_lot(&world, 1, credits(5)).await;
    world.pass(TimeDelta::microseconds(9_999_999)).await;
    assert_eq!(expire(&world).await, 0);
    world.pass(TimeDelta::microseconds(1)).await;
    assert_eq!(expire(&world).await, 1);
    assert_eq!((world.micros().await, world.grants(ACME).await), ([0, 0, 0], vec![]));
    let last = world.transactions(ACME).await.pop().expect("a transaction");
    assert_eq!((last.kind, last.transfers[0].amount()), (TransactionKind::Expiry, 5_000_000));
    let entry = world.entries().await.pop().expect("an entry");
    assert_eq!((entry.action, entry.subject), (Action::CreditsExpired, lot.id.to_string()));
    assert_eq!(entry.principal, Principal::System);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn only_what_was_not_used_is_lost() {
    let world = given_a_program(Setup::default()).await;
    given_a_lot(&world, 1, credits(1)).await;
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    ask(&world, "hello").await.expect("answered");
    world.pass(TimeDelta::seconds(10)).await;
    assert_eq!(expire(&world).await, 1);
    let last = world.transactions(ACME).await.pop().expect("a transaction");
    assert_eq!(last.transfers[0].amount(), 1_000_000 - 900);
    assert_eq!(world.micros().await, [0, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn other_lots_stay() {
    let world = World::new().await;
    world.give(1, 2_000_000).await;
    given_a_lot(&world, 2, credits(3)).await;
    world.pass(TimeDelta::seconds(10)).await;
    for expected in [1, 0] {
        assert_eq!(expire(&world).await, expected);
    }
    assert_eq!(world.micros().await, [2_000_000, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn what_is_held_stays_until_the_hold_ends_and_expires_then() {
    let world = given_a_program(Setup::default()).await;
    given_a_lot(&world, 1, credits(1)).await;
    let gate = Arc::new(Notify::new());
    world.models.will_answer_after(gate.clone(), completion("hi", Some(tokens(10, 10))));
    let call = begin(&world, "hello").await;
    world.pass(TimeDelta::seconds(10)).await;
    assert_eq!(expire(&world).await, 1);
    assert_eq!(world.micros().await, [0, HELD, 0]);
    assert_eq!(expire(&world).await, 0);
    world.proves_its_ledger().await;
    world.pass(TimeDelta::seconds(1)).await;
    gate.notify_one();
    call.await.expect("a task").expect("answered");
    assert_eq!(world.micros().await, [HELD - 900, 0, 0]);
    assert_eq!(expire(&world).await, 1);
    assert_eq!(world.micros().await, [0, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_hundred_lots_are_taken_at_once() {
    let world = World::new().await;
    for number in 1..=105 {
        given_a_lot(&world, number, credits(1)).await;
    }
    world.pass(TimeDelta::hours(1)).await;
    for expected in [100, 5, 0] {
        assert_eq!(expire(&world).await, expected);
    }
    assert_eq!(world.micros().await, [0, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn two_who_expire_at_once_take_it_once() {
    let world = World::new().await;
    given_a_lot(&world, 1, credits(5)).await;
    world.give(2, 1_000_000).await;
    world.pass(TimeDelta::seconds(10)).await;
    let (one, other) = tokio::join!(world.expiry.run_due(), world.expiry.run_due());
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    assert_eq!(world.micros().await, [1_000_000, 0, 0]);
    world.proves_its_ledger().await;
}
