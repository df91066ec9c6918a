//! What is written down of a call.
use std::{sync::Arc, time::Duration};

use cape_domain::{
    billing::{BasisPoints, HoldState, TransactionKind},
    ids::UserId,
    time::Clock as _,
    usage::{Call, CallState, Provider, Timing},
};
use cape_testkit::fixtures::{ACME, ADA, REQUEST, SMALL_MODEL, api_key, completion, tokens};
use chrono::TimeDelta;
use tokio::sync::Notify;

use super::{
    HELD, LIKELY, ask, begin, given_a_program, question, question_to, settled, so_far, spend,
};
use crate::world::{Setup, World};

async fn given_a_credit() -> World {
    let world = given_a_program(Setup::default()).await;
    world.give(1, 1_000_000).await;
    world
}

#[tokio::test]
async fn a_record_tells_who_called_what_by_which_price() {
    let world = given_a_credit().await;
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    let done = world.chat.complete(spend(), question_to("fast")).await.expect("answered");
    let call = world.call(done.call.id).await;
    let Call { workspace, key, user, request, .. } = call;
    let expected: (_, _, UserId, _) = (ACME, api_key(10).id, ADA, REQUEST);
    assert_eq!((workspace, key, user, request), expected);
    assert_eq!((call.model_asked.as_str(), call.model.as_str()), ("fast", SMALL_MODEL));
    assert_eq!((call.provider, call.streamed), (Provider::OPENAI, false));
    assert_eq!((call.price_version.as_str(), call.markup), ("1", BasisPoints(2_000)));
    assert_eq!(call.started_at, world.clock.now());
    assert_eq!(world.models.requests()[0].model, SMALL_MODEL, "the provider knows no alias");
}

#[tokio::test]
async fn a_call_is_recorded_and_held_before_its_provider_is_asked() {
    let world = given_a_credit().await;
    let gate = Arc::new(Notify::new());
    world.models.will_answer_after(gate.clone(), completion("hi", Some(tokens(10, 10))));
    let task = begin(&world, "hello").await;
    let calls = world.calls().await;
    let [call] = &calls[..] else { panic!("{calls:?}") };
    let running = so_far(call);
    assert_eq!((running.tokens, running.charge.micros()), (tokens(4, 0), LIKELY));
    assert!(running.estimated);
    let hold = world.hold(call.hold.expect("a hold")).await;
    assert_eq!((hold.amount.micros(), hold.state), (HELD, HoldState::Open));
    assert_eq!(hold.process, world.process.id());
    assert_eq!(hold.deadline, world.clock.now() + TimeDelta::minutes(10));
    assert_eq!(world.counted().await, 1);
    gate.notify_one();
    task.await.expect("a task").expect("answered");
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_record_names_the_transaction_that_paid_for_it() {
    let world = given_a_credit().await;
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    let done = ask(&world, "hello").await.expect("answered");
    let last = world.transactions(ACME).await.pop().expect("a transaction");
    let CallState::Settled { transaction, .. } = done.call.state else { panic!("settled") };
    assert_eq!((transaction, last.kind), (Some(last.id), TransactionKind::Settlement));
    let hold = world.hold(done.call.hold.expect("a hold")).await;
    let used = settled(&world.call(done.call.id).await).charge;
    assert_eq!(hold.state, HoldState::Settled { at: world.clock.now(), used });
}

#[tokio::test]
async fn a_record_tells_how_long_the_provider_took() {
    let world = given_a_credit().await;
    let gate = Arc::new(Notify::new());
    world.models.will_answer_after(gate.clone(), completion("hi", Some(tokens(10, 10))));
    let task = begin(&world, "hello").await;
    world.pass(TimeDelta::milliseconds(2_345)).await;
    gate.notify_one();
    let done = task.await.expect("a task").expect("answered");
    let CallState::Settled { timing, at, .. } = done.call.state else { panic!("settled") };
    let took = Duration::from_millis(2_345);
    assert_eq!(timing, Timing { total: took, provider: took, first_token: None });
    assert_eq!(at, world.clock.now());
}

#[tokio::test]
async fn a_settlement_that_loses_a_race_is_run_again() {
    let world = given_a_credit().await;
    let gate = Arc::new(Notify::new());
    world.models.will_answer_after(gate.clone(), completion("hi", Some(tokens(10, 10))));
    let task = begin(&world, "hello").await;
    world.unsteady.conflict(2);
    gate.notify_one();
    let done = task.await.expect("a task").expect("answered");
    assert_eq!(settled(&done.call).charge.micros(), 900);
    assert_eq!(world.micros().await, [1_000_000 - 900, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn an_admission_that_loses_a_race_is_run_again_and_counts_once() {
    let world = given_a_credit().await;
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    world.unsteady.conflict(2);
    world.chat.complete(spend(), question("hello")).await.expect("answered");
    assert_eq!((world.calls().await.len(), world.counted().await), (1, 1));
    world.proves_its_ledger().await;
}
