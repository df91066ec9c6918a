//! Callers who leave, stop reading, or are still there when the process stops.
use std::{sync::Arc, time::Duration};

use cape_services::usage::{ChatError, StreamItem};
use cape_testkit::{
    fakes::Step,
    fixtures::{completion, tokens},
};
use tokio::sync::Notify;

use super::{begin, end, given_a_program, question, read, refusal, settled, stream, text};
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
