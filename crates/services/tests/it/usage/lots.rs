//! Which credits a call takes.
use cape_domain::{
    billing::{CreditGrant, Credits, GrantSource},
    ids::GrantId,
    time::Timestamp,
};
use cape_services::usage::ChatError;
use cape_testkit::fixtures::{ACME, at, completion, give, grant, tokens};
use chrono::TimeDelta;

use super::{HELD, TOO_LITTLE, ask, given_a_program, nothing_happened, question, refusal};
use crate::world::{Setup, World};

async fn given_a_lot(
    world: &World,
    number: u32,
    source: GrantSource,
    micros: i64,
    expires_at: Option<Timestamp>,
) -> GrantId {
    let amount = Credits::from_micros(micros);
    let lot = CreditGrant { expires_at, ..grant(number, source, amount) };
    give(&world.store, &lot).await.expect("given");
    lot.id
}

/// What is left of a lot.
async fn left(world: &World, id: GrantId) -> i64 {
    let lots = world.grants(ACME).await;
    lots.iter().find(|lot| lot.id == id).map_or(0, |lot| lot.remaining.micros())
}

#[tokio::test]
async fn what_was_given_goes_before_what_was_paid_for() {
    let world = given_a_program(Setup::default()).await;
    let bought = given_a_lot(&world, 1, GrantSource::Purchase, 1_000_000, None).await;
    let promoted = given_a_lot(&world, 2, GrantSource::Promotion, 500, None).await;
    let bonus = given_a_lot(&world, 3, GrantSource::Bonus, 100, None).await;
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    ask(&world, "hello").await.expect("answered");
    let lots =
        [left(&world, promoted).await, left(&world, bonus).await, left(&world, bought).await];
    assert_eq!(lots, [0, 0, 1_000_000 - 300]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn among_gifts_the_one_that_expires_the_soonest_goes_first() {
    let world = given_a_program(Setup::default()).await;
    let source = GrantSource::Promotion;
    let lasting = given_a_lot(&world, 1, source, 1_000_000, None).await;
    let ending = given_a_lot(&world, 2, source, 1_000_000, Some(at(100))).await;
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    ask(&world, "hello").await.expect("answered");
    let lots = [left(&world, lasting).await, left(&world, ending).await];
    assert_eq!(lots, [1_000_000, 1_000_000 - 900]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn what_a_call_did_not_use_goes_back_to_the_lot_it_came_from() {
    let world = given_a_program(Setup::default()).await;
    let bought = given_a_lot(&world, 1, GrantSource::Purchase, 1_000_000, None).await;
    let promoted = given_a_lot(&world, 2, GrantSource::Promotion, 5_000, None).await;
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    ask(&world, "hello").await.expect("answered");
    let lots = [left(&world, bought).await, left(&world, promoted).await];
    assert_eq!(lots, [1_000_000, 4_100]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn lots_that_have_expired_do_not_count_though_nobody_has_taken_them_yet() {
    let world = given_a_program(Setup::default()).await;
    let ended = given_a_lot(&world, 1, GrantSource::Promotion, 1_000_000, Some(at(10))).await;
    given_a_lot(&world, 2, GrantSource::Promotion, TOO_LITTLE, None).await;
    world.pass(TimeDelta::seconds(10)).await;
    match refusal(&world, question("hello")).await {
        ChatError::InsufficientCredits { needed, available } => {
            assert_eq!((needed.micros(), available.micros()), (HELD, TOO_LITTLE));
        }
        other => panic!("{other:?}"),
    }
    nothing_happened(&world, 1_000_000 + TOO_LITTLE).await;
    assert_eq!(left(&world, ended).await, 1_000_000);
}

#[tokio::test]
async fn what_has_expired_is_not_said_to_be_available() {
    let world = given_a_program(Setup::default()).await;
    given_a_lot(&world, 1, GrantSource::Promotion, 5_000, Some(at(10))).await;
    world.pass(TimeDelta::seconds(10)).await;
    match refusal(&world, question("hello")).await {
        ChatError::InsufficientCredits { needed, available } => {
            assert_eq!((needed.micros(), available.micros()), (HELD, 0));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_overage_takes_no_credits_that_have_expired() {
    let world = given_a_program(Setup::default()).await;
    let ended = given_a_lot(&world, 1, GrantSource::Purchase, 1_000_000, Some(at(10))).await;
    given_a_lot(&world, 2, GrantSource::Promotion, 10_000, None).await;
    world.pass(TimeDelta::seconds(10)).await;
    world.models.will_answer(completion("much", Some(tokens(1_000, 500))));
    ask(&world, "hello").await.expect("answered");
    assert_eq!(world.micros().await, [1_000_000, 0, 44_000]);
    assert_eq!(left(&world, ended).await, 1_000_000);
    world.proves_its_ledger().await;
}
