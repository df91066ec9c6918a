//! Many calls at once.
use std::{sync::Arc, time::Duration};

use cape_services::usage::ChatError;
use cape_testkit::fixtures::{ACME, completion, tokens};
use tokio::{sync::Notify, task::JoinSet};

use super::{HELD, TOO_LITTLE, given_a_program, question, settled, spend};
use crate::world::{Setup, soon};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_calls_on_credit_for_ten_admit_exactly_ten() {
    let world = given_a_program(Setup::default()).await;
    world.give(1, 10 * HELD + TOO_LITTLE).await;
    let gates: Vec<_> = (0..10).map(|_| Arc::new(Notify::new())).collect();
    for gate in &gates {
        let answer = completion("hi", Some(tokens(37, 100)));
        world.models.will_answer_after(gate.clone(), answer);
    }
    let mut all = JoinSet::new();
    for _ in 0..64 {
        let chat = world.chat.clone();
        all.spawn(async move { chat.complete(spend(), question("hello")).await });
    }
    for _ in 0..54 {
        let refused = soon(all.join_next()).await.expect("a call").expect("a task").err();
        let insufficient = matches!(refused, Some(ChatError::InsufficientCredits { .. }));
        assert!(insufficient, "{refused:?}");
    }
    assert_eq!(world.micros().await, [TOO_LITTLE, 10 * HELD, 0]);
    assert_eq!(world.counted().await, 10);
    for gate in gates {
        gate.notify_one();
    }
    let answered = soon(all.join_all()).await;
    assert_eq!(answered.iter().filter(|answer| answer.is_ok()).count(), 10);
    assert_eq!(world.models.calls(), 10);
    assert_eq!(world.micros().await, [TOO_LITTLE, 0, 0]);
    assert_eq!((world.calls().await.len(), world.counted().await), (10, 10));
    world.proves_its_ledger().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_that_settle_at_once_are_each_charged_once() {
    let world = given_a_program(Setup { limited: false, ..Setup::default() }).await;
    world.give(1, 64 * HELD).await;
    let mut all = JoinSet::new();
    for _ in 0..64 {
        world.models.will_answer(completion("hi", Some(tokens(10, 10))));
        let chat = world.chat.clone();
        all.spawn(async move { chat.complete(spend(), question("hello")).await });
    }
    for answer in soon(all.join_all()).await {
        assert_eq!(settled(&answer.expect("answered").call).charge.micros(), 900);
    }
    assert_eq!(world.micros().await, [64 * HELD - 64 * 900, 0, 0]);
    assert_eq!(world.transactions(ACME).await.len(), 100, "the page is full");
    world.proves_its_ledger().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_that_use_more_than_they_held_owe_what_was_not_there() {
    let world = given_a_program(Setup::default()).await;
    world.give(1, 10 * HELD).await;
    let gates: Vec<_> = (0..10).map(|_| Arc::new(Notify::new())).collect();
    let mut all = JoinSet::new();
    for gate in &gates {
        let answer = completion("much", Some(tokens(1_000, 500)));
        world.models.will_answer_after(gate.clone(), answer);
        let chat = world.chat.clone();
        all.spawn(async move { chat.complete(spend(), question("hello")).await });
    }
    soon(async {
        while world.models.calls() < 10 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    for gate in gates {
        gate.notify_one();
    }
    assert!(soon(all.join_all()).await.iter().all(Result::is_ok));
    assert_eq!(world.micros().await, [0, 0, 10 * (54_000 - HELD)]);
    world.proves_its_ledger().await;
}
