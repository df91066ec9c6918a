//! Answers that come in pieces.
use std::{sync::Arc, time::Duration};

use cape_domain::usage::{
    CallState, ChatEvent, FailureKind, FinishReason, ModelProviderError, Piece, ToolCallPart,
};
use cape_services::usage::{ChatError, StreamItem};
use cape_testkit::{
    fakes::Step,
    fixtures::{completion, metered, tokens},
};
use chrono::TimeDelta;
use tokio::sync::Notify;

use super::{HELD, end, given_a_program, read, settled, so_far, stream, text};
use crate::world::{Setup, World, soon};

const GIVEN: i64 = 1_000_000;

async fn given_a_credit() -> World {
    let world = given_a_program(Setup::default()).await;
    world.give(1, GIVEN).await;
    world
}

/// What a reader sees, in short.
fn shown(items: &[StreamItem]) -> Vec<String> {
    let each = |item: &StreamItem| match item {
        StreamItem::Piece { piece: Piece::Text(text), .. } => text.clone(),
        StreamItem::Piece { piece: Piece::ToolCall(part), .. } => {
            format!("{}({})", part.index, part.arguments)
        }
        StreamItem::Piece { piece, .. } => format!("{piece:?}"),
        StreamItem::Done { .. } => "done".to_owned(),
        StreamItem::Failed(_) => "failed".to_owned(),
    };
    items.iter().map(each).collect()
}

#[tokio::test]
async fn pieces_come_in_their_order_and_the_last_says_that_it_is_paid_for() {
    let world = given_a_credit().await;
    world.models.will_answer(completion("one two three", Some(tokens(10, 10))));
    let mut streaming = stream(&world, "hello").await;
    assert!(streaming.call.streamed);
    assert_eq!(so_far(&streaming.call).tokens, tokens(4, 0));
    let items = read(&mut streaming).await;
    assert_eq!(shown(&items), ["one ", "two ", "three", "done"]);
    let Some(StreamItem::Done { finishes, tokens: used, call }) = items.last() else { panic!() };
    assert_eq!((finishes.as_slice(), *used), ([FinishReason::Stop].as_slice(), tokens(10, 10)));
    assert_eq!(settled(call), metered(tokens(10, 10), 7_500_000, 900));
    assert_eq!(world.micros().await, [GIVEN - 900, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn the_settlement_is_visible_before_the_last_piece_is_read() {
    let world = given_a_credit().await;
    world.models.will_answer(completion("one two", Some(tokens(10, 10))));
    let mut streaming = stream(&world, "hello").await;
    while let Some(item) = soon(streaming.items.recv()).await {
        if let StreamItem::Done { call, .. } = item {
            assert_eq!(world.call(call.id).await, *call);
            assert_eq!(world.micros().await, [GIVEN - 900, 0, 0]);
            return;
        }
    }
    panic!("it was never done");
}

#[tokio::test]
async fn while_it_streams_the_worst_case_is_held() {
    let world = given_a_credit().await;
    let gate = Arc::new(Notify::new());
    let wait = Step::Wait(gate.clone());
    world.models.will_stream([text("one"), wait].into_iter().chain(end(Some(tokens(1, 1)))));
    let mut streaming = stream(&world, "hello").await;
    assert!(matches!(soon(streaming.items.recv()).await, Some(StreamItem::Piece { .. })));
    assert_eq!(world.micros().await, [GIVEN - HELD, HELD, 0]);
    gate.notify_one();
    assert_eq!(shown(&read(&mut streaming).await), ["done"]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn functions_come_in_pieces_too() {
    let world = given_a_credit().await;
    let part = |id: Option<&str>, arguments: &str| {
        let part = ToolCallPart {
            index: 0,
            id: id.map(str::to_owned),
            name: id.map(|_| "weather".to_owned()),
            arguments: arguments.to_owned(),
        };
        Step::Event(Piece::ToolCall(part).of_first())
    };
    let finished = Step::Event(Piece::Finished(FinishReason::ToolCalls).of_first());
    world.models.will_stream([part(Some("call_1"), "{\"city\""), part(None, ":1}"), finished]);
    let items = read(&mut stream(&world, "hello").await).await;
    assert_eq!(shown(&items), ["0({\"city\")", "0(:1})", "done"]);
    let Some(StreamItem::Done { finishes, tokens: used, .. }) = items.last() else { panic!() };
    assert_eq!((finishes.as_slice(), *used), ([FinishReason::ToolCalls].as_slice(), tokens(4, 5)));
}

#[tokio::test]
async fn a_missing_figure_is_estimated_from_what_came() {
    let world = given_a_credit().await;
    world.models.will_stream([text("1234"), text("5678")].into_iter().chain(end(None)));
    read(&mut stream(&world, "hello").await).await;
    let used = settled(&world.calls().await[0]);
    assert_eq!((used.tokens, used.charge.micros(), used.estimated), (tokens(4, 2), 216, true));
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn an_explicit_zero_is_charged_as_zero() {
    let world = given_a_credit().await;
    world.models.will_stream([text("1234")].into_iter().chain(end(Some(tokens(0, 0)))));
    read(&mut stream(&world, "hello").await).await;
    assert_eq!(settled(&world.calls().await[0]), metered(tokens(0, 0), 0, 0));
    assert_eq!(world.micros().await, [GIVEN, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_later_figure_replaces_an_earlier_one() {
    let world = given_a_credit().await;
    let first = Step::Event(ChatEvent::Usage(tokens(10, 1)));
    world.models.will_stream([first, text("1234")].into_iter().chain(end(Some(tokens(10, 10)))));
    read(&mut stream(&world, "hello").await).await;
    assert_eq!(settled(&world.calls().await[0]), metered(tokens(10, 10), 7_500_000, 900));
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_charged_for_what_was_produced() {
    let world = given_a_credit().await;
    let cut = Step::Break(ModelProviderError::Unavailable("cut".into()));
    world.models.will_stream([text("1234"), text("5678"), cut]);
    let items = read(&mut stream(&world, "hello").await).await;
    assert_eq!(shown(&items), ["1234", "5678", "failed"]);
    let Some(StreamItem::Failed(ChatError::Provider(error))) = items.last() else { panic!() };
    assert_eq!(error.kind(), FailureKind::Unavailable);
    let used = settled(&world.calls().await[0]);
    assert_eq!((used.tokens, used.charge.micros(), used.estimated), (tokens(4, 2), 216, true));
    assert_eq!((world.micros().await, world.counted().await), ([GIVEN - 216, 0, 0], 1));
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_stream_that_breaks_off_after_its_figure_was_told_is_charged_by_the_figure() {
    let world = given_a_credit().await;
    let told = Step::Event(ChatEvent::Usage(tokens(1_000, 500)));
    let cut = Step::Break(ModelProviderError::Unavailable("cut".into()));
    world.models.will_stream([text("12345678"), told, cut]);
    read(&mut stream(&world, "hello").await).await;
    assert_eq!(settled(&world.calls().await[0]), metered(tokens(1_000, 500), 450_000_000, 54_000));
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_stream_that_breaks_off_before_its_first_piece_costs_nothing() {
    let world = given_a_credit().await;
    world.models.will_stream([Step::Break(ModelProviderError::Timeout)]);
    let items = read(&mut stream(&world, "hello").await).await;
    assert_eq!(shown(&items), ["failed"]);
    let call = world.calls().await.remove(0);
    let timed_out = matches!(call.state, CallState::Failed { kind: FailureKind::Timeout, .. });
    assert!(timed_out, "{call:?}");
    assert_eq!((world.micros().await, world.counted().await), ([GIVEN, 0, 0], 0));
    assert!(world.limiter.corrections().iter().all(|correction| correction.used == 0));
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn what_came_so_far_is_written_down_every_second() {
    let world = given_a_credit().await;
    let gates = [(); 2].map(|()| Arc::new(Notify::new()));
    let wait = |index: usize| Step::Wait(gates[index].clone());
    let steps = [text("12345678"), wait(0), text("12345678"), wait(1), text("1234")];
    world.models.will_stream(steps.into_iter().chain(end(Some(tokens(10, 10)))));
    let mut streaming = stream(&world, "hello").await;
    soon(streaming.items.recv()).await.expect("a piece");
    let id = streaming.call.id;
    assert_eq!(so_far(&world.call(id).await).tokens, tokens(4, 0), "not within a second");
    world.pass(TimeDelta::seconds(1)).await;
    gates[0].notify_one();
    soon(async {
        while so_far(&world.call(id).await).tokens == tokens(4, 0) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let written = so_far(&world.call(id).await);
    assert_eq!((written.tokens, written.charge.micros()), (tokens(4, 4), 360));
    assert!(written.estimated);
    gates[1].notify_one();
    read(&mut streaming).await;
    assert_eq!(settled(&world.call(id).await).charge.micros(), 900);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_record_tells_when_the_first_piece_came() {
    let world = given_a_credit().await;
    let gates = [(); 2].map(|()| Arc::new(Notify::new()));
    let wait = |index: usize| Step::Wait(gates[index].clone());
    let steps = [wait(0), text("one"), wait(1)];
    world.models.will_stream(steps.into_iter().chain(end(Some(tokens(1, 1)))));
    let mut streaming = stream(&world, "hello").await;
    world.pass(TimeDelta::milliseconds(300)).await;
    gates[0].notify_one();
    soon(streaming.items.recv()).await.expect("a piece");
    world.pass(TimeDelta::milliseconds(700)).await;
    gates[1].notify_one();
    read(&mut streaming).await;
    let call = world.call(streaming.call.id).await;
    let CallState::Settled { timing, .. } = call.state else { panic!("{call:?}") };
    assert_eq!(timing.first_token, Some(Duration::from_millis(300)));
    assert_eq!(timing.total, Duration::from_secs(1));
}
