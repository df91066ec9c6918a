//! Calls that come back after they were swept: their estimates are corrected.
use std::sync::Arc;

use cape_domain::{
    billing::{Correction, Credits, Overage, Transaction, TransactionKind},
    usage::{Call, CallState, TokenCounts},
};
use cape_services::{
    processes::ProcessService,
    usage::{Completed, Deployment, StreamItem},
};
use cape_testkit::{
    fakes::Step,
    fixtures::{ACME, completion, permit, tokens},
};
use tokio::sync::Notify;

use super::{
    HELD, LIKELY, ask, begin, end, given_a_debt, given_a_program, read, settled, stream, text,
};
use crate::world::{Setup, World, soon};

const GIVEN: i64 = 1_000_000;

async fn given_a_credit() -> World {
    let world = given_a_program(Setup::default()).await;
    world.give(1, GIVEN).await;
    world
}

/// Another process takes the world's own for dead, and sweeps its only call.
async fn sweep(world: &World) {
    let survivor = ProcessService::new(world.base.clone());
    survivor.beat().await.expect("a heartbeat");
    let sweeper = world.sweeper(survivor.id(), Deployment::Alone);
    assert_eq!(sweeper.run_due().await.expect("swept"), 1);
}

/// A call that is swept while it runs, and comes back then, having used so much.
async fn late(world: &World, used: Option<TokenCounts>) -> Completed {
    let gate = Arc::new(Notify::new());
    world.models.will_answer_after(gate.clone(), completion("12345678", used));
    let task = begin(world, "hello").await;
    sweep(world).await;
    gate.notify_one();
    soon(task).await.expect("a task").expect("answered")
}

async fn corrections(world: &World) -> Vec<Transaction> {
    let mut all = world.transactions(ACME).await;
    all.retain(|transaction| transaction.kind == TransactionKind::Correction);
    all
}

fn corrected_by(call: &Call) -> Option<cape_domain::ids::TransactionId> {
    match call.state {
        CallState::Settled { correction, .. } => correction,
        CallState::Running { .. } | CallState::Failed { .. } => panic!("{call:?}"),
    }
}

#[tokio::test]
async fn an_answer_that_comes_after_the_sweep_is_given_and_what_it_really_used_is_charged() {
    let world = given_a_credit().await;
    let done = late(&world, Some(tokens(10, 10))).await;
    assert_eq!(done.completion.choices[0].text, "12345678");
    assert_eq!(done.call, world.call(done.call.id).await);
    let used = settled(&done.call);
    assert_eq!((used.tokens, used.charge.micros(), used.estimated), (tokens(10, 10), 900, false));
    assert_eq!(world.micros().await, [GIVEN - 900, 0, 0]);
    let posted = corrections(&world).await;
    assert_eq!(posted.len(), 1);
    assert_eq!(corrected_by(&done.call), Some(posted[0].id));
    let all = world.transactions(ACME).await;
    assert_eq!(all.iter().filter(|t| t.kind == TransactionKind::Settlement).count(), 1);
    assert_eq!(world.counted().await, 1, "it is one call");
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_stream_that_ends_after_the_sweep_ends_well_and_is_charged_what_it_used() {
    let world = given_a_credit().await;
    let gate = Arc::new(Notify::new());
    let steps = [text("one"), Step::Wait(gate.clone())];
    world.models.will_stream(steps.into_iter().chain(end(Some(tokens(10, 10)))));
    let mut streaming = stream(&world, "hello").await;
    sweep(&world).await;
    gate.notify_one();
    let items = read(&mut streaming).await;
    let Some(StreamItem::Done { call, .. }) = items.last() else { panic!("{items:?}") };
    assert_eq!((settled(call).charge.micros(), settled(call).estimated), (900, false));
    assert_eq!(world.micros().await, [GIVEN - 900, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn what_it_used_less_than_was_estimated_goes_back_to_the_lot_that_paid() {
    let world = given_a_credit().await;
    world.give(2, GIVEN).await;
    let done = late(&world, Some(tokens(1, 0))).await;
    assert_eq!(settled(&done.call).charge.micros(), 18);
    assert_eq!(world.micros().await, [2 * GIVEN - 18, 0, 0]);
    let left = world.grants(ACME).await.into_iter().map(|lot| lot.remaining.micros());
    assert_eq!(left.collect::<Vec<_>>(), [GIVEN - 18, GIVEN]);
    let receipt = world.reports.receipt(permit(ACME), done.call.id).await.expect("shown");
    let back = Credits::from_micros(LIKELY - 18);
    assert_eq!(receipt.correction, Correction { to_available: back, ..Correction::default() });
    assert_eq!(receipt.lots.iter().map(|lot| lot.amount.micros()).sum::<i64>(), LIKELY);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_zero_that_the_provider_tells_gives_everything_back() {
    let world = given_a_credit().await;
    let done = late(&world, Some(tokens(0, 0))).await;
    assert_eq!(settled(&done.call).charge, Credits::ZERO);
    assert_eq!(world.micros().await, [GIVEN, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn what_is_not_there_any_more_is_owed() {
    let world = given_a_program(Setup::default()).await;
    world.give(1, HELD).await;
    let done = late(&world, Some(tokens(100, 100))).await;
    let charge = settled(&done.call).charge.micros();
    assert_eq!(charge, 9_000);
    assert_eq!(world.micros().await, [0, 0, charge - HELD]);
    let receipt = world.reports.receipt(permit(ACME), done.call.id).await.expect("shown");
    let taken = Overage {
        from_available: Credits::from_micros(HELD - LIKELY),
        owed: Credits::from_micros(charge - HELD),
    };
    assert_eq!(receipt.correction, Correction { taken, ..Correction::default() });
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn what_goes_back_pays_what_is_owed_first() {
    let world = given_a_program(Setup::default()).await;
    let gate = Arc::new(Notify::new());
    world.give(1, HELD).await;
    world.models.will_answer_after(gate.clone(), completion("hi", Some(tokens(1, 0))));
    let task = begin(&world, "hello").await;
    sweep(&world).await;
    given_a_debt(&world).await;
    let [available, held, owed] = world.micros().await;
    assert_eq!((available, held), (0, 0));
    gate.notify_one();
    soon(task).await.expect("a task").expect("answered");
    assert_eq!(world.micros().await, [0, 0, owed - (LIKELY - 18)]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn an_estimate_that_was_right_is_confirmed_and_moves_nothing() {
    let world = given_a_credit().await;
    let done = late(&world, Some(tokens(4, 0))).await;
    let used = settled(&done.call);
    assert_eq!((used.charge.micros(), used.estimated), (LIKELY, false));
    assert_eq!((corrected_by(&done.call), corrections(&world).await), (None, vec![]));
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn where_the_provider_does_not_tell_the_better_estimate_is_charged_and_stays_one() {
    let world = given_a_credit().await;
    let done = late(&world, None).await;
    let used = settled(&done.call);
    assert_eq!((used.tokens, used.estimated), (tokens(4, 2), true));
    assert_eq!(world.micros().await, [GIVEN - used.charge.micros(), 0, 0]);
    assert_eq!(corrections(&world).await.len(), 1);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn limits_count_what_a_late_call_really_used() {
    let world = given_a_credit().await;
    late(&world, Some(tokens(10, 10))).await;
    let corrected: Vec<_> = world.limiter.corrections().iter().map(|c| c.used).collect();
    assert_eq!(corrected, [20]);
}

#[tokio::test]
async fn who_goes_on_after_a_correction_has_what_is_left() {
    let world = given_a_program(Setup::default()).await;
    world.give(1, 900 + HELD).await;
    late(&world, Some(tokens(10, 10))).await;
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    ask(&world, "hello").await.expect("exactly enough is left");
    assert_eq!(world.micros().await, [HELD - 900, 0, 0]);
    world.proves_its_ledger().await;
}
