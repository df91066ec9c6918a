//! Providers that fail: everything goes back, and the call counts nowhere.
use std::{sync::Arc, time::Duration};

use cape_domain::{
    billing::{HoldState, TransactionKind},
    store::StoreError,
    time::Clock as _,
    usage::{CallState, FailureKind, ModelProviderError},
};
use cape_services::usage::{ChatError, Deployment};
use cape_testkit::fixtures::{ACME, FREE_MODEL, completion, tokens};
use chrono::TimeDelta;
use tokio::sync::Notify;

use super::{
    HELD, LIKELY, ask, begin, given_a_program, question, question_to, refusal, settled, spend,
};
use crate::world::{Setup, World};

const GIVEN: i64 = 1_000_000;

async fn given_a_credit() -> World {
    let world = given_a_program(Setup::default()).await;
    world.give(1, GIVEN).await;
    world
}

fn every_error() -> [ModelProviderError; 6] {
    [
        ModelProviderError::Rejected { message: "no".to_owned() },
        ModelProviderError::RateLimited { retry_after: Some(Duration::from_secs(3)) },
        ModelProviderError::Credentials,
        ModelProviderError::Unavailable("no answer".into()),
        ModelProviderError::Timeout,
        ModelProviderError::Malformed("not JSON".into()),
    ]
}

/// The last call of ACME failed like this, and nothing is left of it but its record.
async fn came_to_nothing(world: &World, kind: FailureKind) {
    assert_eq!(world.micros().await, [GIVEN, 0, 0]);
    assert_eq!(world.counted().await, 0);
    let call = world.calls().await.pop().expect("a call");
    let CallState::Failed { kind: recorded, at, .. } = call.state else { panic!("{call:?}") };
    assert_eq!((recorded, at), (kind, world.clock.now()));
    let hold = world.hold(call.hold.expect("a hold")).await;
    assert_eq!(hold.state, HoldState::Released { at });
    let last = world.transactions(ACME).await.pop().expect("a transaction");
    assert_eq!(last.kind, TransactionKind::Release);
    let corrections = world.limiter.corrections();
    assert!(corrections.iter().all(|correction| correction.used == 0));
    assert_eq!(corrections.len(), 3 * world.limiter.claims().len());
    world.proves_its_ledger().await;
}

/// A provider that failed is left alone for two minutes at most.
async fn answers_again(world: &World) {
    world.pass(TimeDelta::minutes(2)).await;
}

#[tokio::test]
async fn whatever_the_failure_the_hold_is_released_and_the_call_counts_nowhere() {
    let world = given_a_credit().await;
    for error in every_error() {
        let kind = error.kind();
        world.models.will_fail(error);
        match refusal(&world, question("hello")).await {
            ChatError::Provider(told) => assert_eq!(told.kind(), kind),
            other => panic!("{other:?}"),
        }
        came_to_nothing(&world, kind).await;
        answers_again(&world).await;
    }
    assert_eq!(world.calls().await.len(), 6, "every call is recorded");
}

#[tokio::test]
async fn a_stream_that_cannot_be_opened_is_no_different() {
    let world = given_a_credit().await;
    for error in every_error() {
        let kind = error.kind();
        world.models.will_fail(error);
        match world.chat.stream(spend(), question("hello")).await.err().expect("refused") {
            ChatError::Provider(told) => assert_eq!(told.kind(), kind),
            other => panic!("{other:?}"),
        }
        came_to_nothing(&world, kind).await;
        answers_again(&world).await;
    }
}

#[tokio::test]
async fn a_free_model_that_fails_is_recorded_and_not_counted() {
    let world = given_a_program(Setup::default()).await;
    world.models.will_fail(ModelProviderError::Timeout);
    refusal(&world, question_to(FREE_MODEL)).await;
    let calls = world.calls().await;
    assert_eq!((calls[0].hold, calls[0].state.name()), (None, "failed"));
    assert_eq!((world.counted().await, world.transactions(ACME).await), (0, vec![]));
}

#[tokio::test]
async fn after_a_failure_the_same_credits_can_be_spent() {
    let world = given_a_program(Setup::default()).await;
    world.give(1, HELD).await;
    for _ in 0..3 {
        world.models.will_fail(ModelProviderError::Timeout);
        refusal(&world, question("hello")).await;
    }
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    ask(&world, "hello").await.expect("answered");
    assert_eq!(world.micros().await, [HELD - 900, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_release_that_loses_a_race_is_run_again() {
    let world = given_a_credit().await;
    let gate = Arc::new(Notify::new());
    world.models.will_fail_after(gate.clone(), ModelProviderError::Timeout);
    let task = begin(&world, "hello").await;
    world.unsteady.conflict(2);
    gate.notify_one();
    assert!(task.await.expect("a task").is_err());
    came_to_nothing(&world, FailureKind::Timeout).await;
}

#[tokio::test]
async fn a_call_that_cannot_be_settled_stays_held_until_it_is_swept() {
    let world = given_a_credit().await;
    let gate = Arc::new(Notify::new());
    world.models.will_answer_after(gate.clone(), completion("hi", Some(tokens(10, 10))));
    let task = begin(&world, "hello").await;
    world.unsteady.set_down(true);
    gate.notify_one();
    let refused = task.await.expect("a task").err();
    let unavailable = matches!(refused, Some(ChatError::Store(StoreError::Unavailable(_))));
    assert!(unavailable, "{refused:?}");
    world.unsteady.set_down(false);
    assert_eq!(world.micros().await, [GIVEN - HELD, HELD, 0]);
    world.pass(TimeDelta::minutes(11)).await;
    let sweeper = world.sweeper(world.process.id(), Deployment::Alone);
    assert_eq!(sweeper.run_due().await.expect("swept"), 1);
    assert_eq!(world.micros().await, [GIVEN - LIKELY, 0, 0]);
    assert!(settled(&world.calls().await[0]).estimated);
    world.proves_its_ledger().await;
}
