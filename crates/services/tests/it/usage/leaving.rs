//! Callers who leave, stop reading, or are still there when the process stops.
use std::{collections::BTreeSet, sync::Arc, time::Duration};

use cape_domain::{
    ids::CallId,
    usage::{CallState, ChatEvent, FailureKind, Provider},
};
use cape_services::usage::{ChatError, LeavingRules, StreamItem};
use cape_testkit::{
    fakes::Step,
    fixtures::{completion, tokens},
};
use tokio::sync::Notify;

use super::{ask, begin, end, given_a_program, question, read, refusal, settled, stream, text};
use crate::world::{Setup, World, soon};

const GIVEN: i64 = 1_000_000;

async fn given_a_credit() -> World {
    let world = given_a_program(Setup::default()).await;
    world.give(1, GIVEN).await;
    world
}

/// The last call was paid for as the provider told, and nothing is held.
async fn paid(world: &World) {
    let call = world.calls().await.pop().expect("a call");
    assert_eq!((settled(&call).tokens, settled(&call).estimated), (tokens(10, 10), false));
    assert_eq!(world.micros().await, [GIVEN - 900, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn who_hangs_up_in_the_middle_pays_for_the_whole_answer() {
    let world = given_a_credit().await;
    let gate = Arc::new(Notify::new());
    let steps = [text("one"), Step::Wait(gate.clone()), text("two")];
    world.models.will_stream(steps.into_iter().chain(end(Some(tokens(10, 10)))));
    let mut streaming = stream(&world, "hello").await;
    soon(streaming.items.recv()).await.expect("a piece");
    drop(streaming);
    gate.notify_one();
    soon(world.tasks.finish()).await;
    paid(&world).await;
    assert_eq!(world.models.hung_up(), 0, "the answer was read to its end");
}

#[tokio::test]
async fn who_hangs_up_before_the_first_piece_pays_too() {
    let world = given_a_credit().await;
    let gate = Arc::new(Notify::new());
    let steps = [Step::Wait(gate.clone()), text("one")];
    world.models.will_stream(steps.into_iter().chain(end(Some(tokens(10, 10)))));
    drop(stream(&world, "hello").await);
    gate.notify_one();
    soon(world.tasks.finish()).await;
    paid(&world).await;
}

#[tokio::test]
async fn who_does_not_wait_for_an_answer_in_one_piece_pays_for_it() {
    let world = given_a_credit().await;
    let gate = Arc::new(Notify::new());
    world.models.will_answer_after(gate.clone(), completion("hi", Some(tokens(10, 10))));
    let waiting = begin(&world, "hello").await;
    waiting.abort();
    assert!(waiting.await.err().is_some_and(|gone| gone.is_cancelled()));
    gate.notify_one();
    soon(world.tasks.finish()).await;
    paid(&world).await;
}

#[tokio::test]
async fn who_stops_reading_is_given_up_after_half_a_minute_and_pays() {
    let world = given_a_credit().await;
    let pieces = (0..200).map(|number| text(&number.to_string()));
    world.models.will_stream(pieces.chain(end(Some(tokens(10, 10)))));
    let mut streaming = stream(&world, "hello").await;
    soon(world.sleeper.until_somebody_sleeps()).await;
    assert_eq!(world.models.hung_up(), 0);
    world.sleeper.wake();
    soon(world.tasks.finish()).await;
    assert!(world.sleeper.asked().contains(&Duration::from_secs(30)));
    paid(&world).await;
    let items = read(&mut streaming).await;
    assert!(items.iter().all(|item| matches!(item, StreamItem::Piece { .. })));
    assert_eq!(items.len(), 64, "what was waiting is still there, and nothing after it");
}

#[tokio::test]
async fn a_slow_reader_gets_everything() {
    let world = given_a_credit().await;
    let pieces = (0..200).map(|number| text(&number.to_string()));
    world.models.will_stream(pieces.chain(end(Some(tokens(10, 10)))));
    let mut streaming = stream(&world, "hello").await;
    soon(world.sleeper.until_somebody_sleeps()).await;
    let items = read(&mut streaming).await;
    assert_eq!(items.len(), 201);
    assert!(matches!(items.last(), Some(StreamItem::Done { .. })));
    paid(&world).await;
}

#[tokio::test]
async fn a_stop_lets_nobody_in_and_waits_for_those_who_are() {
    let world = given_a_credit().await;
    let gate = Arc::new(Notify::new());
    let steps = [text("one"), Step::Wait(gate.clone()), text("two")];
    world.models.will_stream(steps.into_iter().chain(end(Some(tokens(10, 10)))));
    let mut streaming = stream(&world, "hello").await;
    world.chat.stop();
    assert!(matches!(refusal(&world, question("hello")).await, ChatError::Stopping));
    assert!(world.tasks.running() > 0);
    gate.notify_one();
    soon(world.tasks.finish()).await;
    assert_eq!(world.tasks.running(), 0);
    assert_eq!(read(&mut streaming).await.len(), 3);
    paid(&world).await;
}

async fn given_rules(leaving: LeavingRules) -> World {
    let world = given_a_program(Setup { leaving, ..Setup::default() }).await;
    world.give(1, GIVEN).await;
    world
}

/// A stream that says nothing more after its first pieces, and whose caller has left.
async fn left(world: &World, steps: impl IntoIterator<Item = Step>) -> CallId {
    let silent = [Step::Wait(Arc::new(Notify::new()))];
    world.models.will_stream(steps.into_iter().chain(silent));
    let streaming = stream(world, "hello").await;
    let id = streaming.call.id;
    drop(streaming);
    id
}

/// Waits until so many are read on, for so long. A piece that waits to be taken is waited for too.
async fn until_read_on(world: &World, longest: Duration, times: usize) {
    soon(async {
        let read_on = || world.sleeper.asked().iter().filter(|asked| **asked == longest).count();
        while read_on() < times {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

async fn until_hung_up(world: &World, times: usize) {
    soon(async {
        while world.models.hung_up() < times {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_provider_that_is_to_be_hung_up_on_is_and_what_came_is_paid_as_an_estimate() {
    let aborted = [Provider::OPENAI].into();
    let told = || Step::Event(ChatEvent::Usage(tokens(10, 1)));
    for (steps, used) in [
        (vec![], tokens(4, 0)),
        (vec![text("12345678"), text("1234")], tokens(4, 3)),
        (vec![text("1234"), told(), text("12345678")], tokens(10, 3)),
        (vec![text("1"), Step::Event(ChatEvent::Usage(tokens(9, 7)))], tokens(9, 7)),
    ] {
        let rules = LeavingRules { aborted: BTreeSet::clone(&aborted), ..LeavingRules::default() };
        let world = given_rules(rules).await;
        let pieces = steps.len();
        world.models.will_stream(steps.into_iter().chain([Step::Wait(Arc::new(Notify::new()))]));
        let mut streaming = stream(&world, "hello").await;
        let id = streaming.call.id;
        for _ in 0..pieces.min(1) {
            soon(streaming.items.recv()).await.expect("a piece");
        }
        // The rest waits to be taken.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        drop(streaming);
        soon(world.tasks.finish()).await;
        assert_eq!(world.models.hung_up(), 1, "though the provider was silent");
        let call = world.call(id).await;
        assert_eq!((settled(&call).tokens, settled(&call).estimated), (used, true));
        assert_eq!(world.micros().await, [GIVEN - settled(&call).charge.micros(), 0, 0]);
        assert_eq!(world.counted().await, 1);
        world.proves_its_ledger().await;
    }
}

#[tokio::test]
async fn of_those_who_leave_so_many_are_read_on_and_the_next_one_is_hung_up_on() {
    let world = given_rules(LeavingRules { most: 2, ..LeavingRules::default() }).await;
    for number in 1..=3 {
        left(&world, [text("1234")]).await;
        let drained = number.min(2);
        until_read_on(&world, LeavingRules::default().longest, drained).await;
    }
    until_hung_up(&world, 1).await;
    soon(async {
        while world.tasks.running() > 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!((world.models.hung_up(), world.tasks.running()), (1, 2));
    let calls = world.calls().await;
    let over = calls.iter().filter(|call| matches!(call.state, CallState::Settled { .. }));
    assert_eq!(over.count(), 1);
}

#[tokio::test]
async fn who_has_left_is_read_on_for_so_long_and_then_hung_up_on() {
    let longest = Duration::from_secs(7);
    let world = given_rules(LeavingRules { longest, ..LeavingRules::default() }).await;
    let id = left(&world, [text("12345678")]).await;
    until_read_on(&world, longest, 1).await;
    assert_eq!(world.models.hung_up(), 0);
    world.sleeper.wake();
    soon(world.tasks.finish()).await;
    assert_eq!(world.models.hung_up(), 1);
    let used = settled(&world.call(id).await);
    assert_eq!((used.tokens.total_input(), used.estimated), (4, true));
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn an_answer_that_is_longer_than_it_can_be_is_ended_and_paid_for() {
    let world = given_a_credit().await;
    let flood = "x".repeat(1_000);
    world.models.will_stream((0..100).map(|_| text(&flood)));
    let mut streaming = stream(&world, "hello").await;
    let items = read(&mut streaming).await;
    let Some(StreamItem::Failed(ChatError::Provider(error))) = items.last() else {
        panic!("{items:?}")
    };
    assert_eq!(error.kind(), FailureKind::Malformed);
    // A hundred tokens were asked for, and none has more than 128 bytes.
    assert_eq!(items.len(), 12 + 1);
    assert_eq!(world.models.hung_up(), 1);
    let used = settled(&world.calls().await[0]);
    assert_eq!((used.tokens, used.estimated), (tokens(4, 13_000 / 4), true));
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_figure_that_cannot_be_charged_is_as_good_as_none() {
    for figure in [tokens(u64::MAX, 1), tokens(1, u64::MAX), tokens(u64::MAX / 4, 0)] {
        let world = given_a_credit().await;
        world.models.will_answer(completion("12345678", Some(figure)));
        world.models.will_stream([text("12345678")].into_iter().chain(end(Some(figure))));
        let whole = ask(&world, "hello").await.expect("answered").call;
        read(&mut stream(&world, "hello").await).await;
        for call in [whole, world.calls().await[0].clone()] {
            let used = settled(&call);
            assert_eq!((used.tokens, used.estimated), (tokens(4, 2), true), "{figure:?}");
        }
        assert_eq!(world.micros().await, [GIVEN - 2 * 216, 0, 0]);
        world.proves_its_ledger().await;
    }
}
