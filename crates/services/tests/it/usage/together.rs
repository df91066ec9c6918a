//! Calls that begin, or end, at the same time are written together; what goes wrong for one of them
//! is nothing to the others.
use std::sync::Arc;

use cape_domain::store::{Durability, Scope, Store as _, StoreError, UnitOfWork};
use cape_services::usage::{ChatError, Completed, Deployment};
use cape_testkit::fixtures::{completion, metered, tokens};
use chrono::TimeDelta;
use tokio::{sync::Notify, task::JoinHandle};

use super::{HELD, ask, begin, given_a_program, question, settled, spend};
use crate::world::{Setup, World, soon};

const GIVEN: i64 = 1_000_000;
const ALL: usize = 8;

async fn given_a_credit() -> World {
    let world = given_a_program(Setup { limited: false, ..Setup::default() }).await;
    world.give(1, GIVEN).await;
    world
}

/// While this is open, nobody else writes.
async fn occupied(world: &World) -> Box<dyn UnitOfWork> {
    world.store.begin(Scope::Platform, Durability::Process).await.expect("begin")
}

/// So many calls, the first one a little earlier: while that is written, or waits to be, the others
/// gather. On one thread, all of them have come as far as they can when this comes back.
async fn begin_all(world: &World, calls: usize) -> Vec<JoinHandle<Result<Completed, ChatError>>> {
    let mut all = Vec::new();
    for number in 0..calls {
        let chat = world.chat.clone();
        let call = async move { chat.complete(spend(), question("hello")).await };
        all.push(world.tasks.spawn(call));
        if number == 0 {
            come_as_far_as_they_can().await;
        }
    }
    come_as_far_as_they_can().await;
    all
}

async fn come_as_far_as_they_can() {
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_call_that_was_swept_keeps_no_other_from_being_paid_for() {
    let world = given_a_credit().await;
    let gate = Arc::new(Notify::new());
    for _ in 0..ALL {
        world.models.will_answer_after(gate.clone(), completion("hi", Some(tokens(10, 10))));
    }
    let first = begin(&world, "hello").await;
    world.pass(TimeDelta::minutes(5)).await;
    let others = begin_all(&world, ALL - 1).await;
    assert_eq!(world.models.calls(), ALL);
    world.pass(TimeDelta::minutes(5) + TimeDelta::seconds(1)).await;
    let sweeper = world.sweeper(world.process.id(), Deployment::Alone);
    assert_eq!(sweeper.run_due().await.expect("swept"), 1, "the first one took too long");

    let writer = occupied(&world).await;
    gate.notify_waiters();
    come_as_far_as_they_can().await;
    drop(writer);
    let swept = soon(first).await.expect("a task").expect("answered");
    assert_eq!(settled(&swept.call), metered(tokens(10, 10), 7_500_000, 900), "it is corrected");
    for call in others {
        let done = soon(call).await.expect("a task").expect("answered");
        assert_eq!(settled(&done.call), metered(tokens(10, 10), 7_500_000, 900));
    }
    assert_eq!(world.micros().await, [GIVEN - 8 * 900, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn races_that_are_lost_together_are_run_again_alone() {
    let world = given_a_credit().await;
    for _ in 0..ALL {
        world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    }
    let writer = occupied(&world).await;
    let calls = begin_all(&world, ALL).await;
    // The first is on its way already; those behind it lose three times, all together.
    world.unsteady.conflict(3);
    drop(writer);
    for call in calls {
        soon(call).await.expect("a task").expect("answered");
    }
    assert_eq!(world.micros().await, [GIVEN - 8 * 900, 0, 0]);
    assert_eq!(world.calls().await.len(), ALL);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_store_that_is_away_is_asked_once_for_all_of_them() {
    let world = given_a_credit().await;
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    ask(&world, "hello").await.expect("answered");
    let writer = occupied(&world).await;
    let gate = Arc::new(Notify::new());
    world.models.will_answer_after(gate, completion("never", None));
    let calls = begin_all(&world, ALL).await;
    world.unsteady.set_down(true);
    drop(writer);
    // The first one was let in before; it waits for its answer.
    for call in calls.into_iter().skip(1) {
        let refused = soon(call).await.expect("a task").err();
        let away = matches!(refused, Some(ChatError::Store(StoreError::Unavailable(_))));
        assert!(away, "{refused:?}");
    }
    assert_eq!(world.unsteady.asked_in_vain(), 1);
    assert_eq!(world.micros().await, [GIVEN - 900 - HELD, HELD, 0], "the first one's alone");
}
