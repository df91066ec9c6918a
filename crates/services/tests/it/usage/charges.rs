//! What a call is charged, to the millionth of a credit.
use std::sync::Arc;

use cape_domain::{
    billing::{Credits, TransactionKind},
    usage::{ChatCompletion, Choice, FinishReason, TokenCounts, ToolCall},
};
use cape_services::usage::NewCall;
use cape_testkit::{
    fakes::Step,
    fixtures::{ACME, FREE_MODEL, chat_request, choice, completion, metered, tokens},
};
use tokio::sync::Notify;

use super::{
    HELD, ask, end, given_a_debt, given_a_program, question, question_to, read, settled, spend,
    text,
};
use crate::world::{Setup, World};

const GIVEN: i64 = 1_000_000;

async fn given_a_credit() -> World {
    let world = given_a_program(Setup::default()).await;
    world.give(1, GIVEN).await;
    world
}

#[tokio::test]
async fn a_thousand_tokens_in_and_five_hundred_out_cost_their_price_and_a_fifth() {
    let world = given_a_credit().await;
    let gate = Arc::new(Notify::new());
    let answer = completion("well", Some(tokens(1_000, 500)));
    world.models.will_answer_after(gate.clone(), answer);
    let chat = chat_request(&"x".repeat(1_000));
    let new = NewCall { chat, max_output_tokens: Some(500), streamed: false };
    let service = world.chat.clone();
    let call = world.tasks.spawn(async move { service.complete(spend(), new).await });
    while world.models.calls() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.micros().await, [GIVEN - 54_576, 54_576, 0], "the worst case is held");
    world.proves_its_ledger().await;
    gate.notify_one();
    let done = call.await.expect("a task").expect("answered");
    assert_eq!(world.micros().await, [GIVEN - 54_000, 0, 0]);
    assert_eq!(settled(&done.call), metered(tokens(1_000, 500), 450_000_000, 54_000));
    assert_eq!(
        (done.tokens, done.completion.choices[0].text.as_str()),
        (tokens(1_000, 500), "well")
    );
    assert_eq!(world.call(done.call.id).await, done.call);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn the_ledger_tells_revenue_what_went_back_and_what_it_cost_us() {
    let world = given_a_credit().await;
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    ask(&world, "hello").await.expect("answered");
    let all = world.transactions(ACME).await;
    let [_, hold, end] = &all[..] else { panic!("{all:?}") };
    let moves = |index: usize| {
        let each = all[index].transfers.iter();
        each.map(|t| (t.from().name(), t.to().name(), t.amount())).collect::<Vec<_>>()
    };
    assert_eq!((hold.kind, end.kind), (TransactionKind::Hold, TransactionKind::Settlement));
    assert_eq!(moves(1), [("available", "held", HELD)]);
    let expected = [
        ("held", "revenue", 900),
        ("held", "available", HELD - 900),
        ("provider_payable", "provider_cost", 7_500_000),
    ];
    assert_eq!(moves(2), expected);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn every_class_of_tokens_has_its_own_price() {
    let world = given_a_credit().await;
    let used = TokenCounts { input: 10, cached_input: 20, cache_write: 4, output: 3, reasoning: 2 };
    world.models.will_answer(completion("hi", Some(used)));
    let done = ask(&world, "hello").await.expect("answered");
    // 10 × 150 000 + 20 × 75 000 + 4 × 150 000 + 5 × 600 000
    assert_eq!(settled(&done.call), metered(used, 6_600_000, 792));
    assert_eq!(world.micros().await, [GIVEN - 792, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_missing_figure_is_estimated_and_not_zero() {
    let world = given_a_credit().await;
    world.models.will_answer(completion("12345678", None));
    let done = ask(&world, "hello").await.expect("answered");
    let metered = settled(&done.call);
    assert!(metered.estimated);
    assert_eq!((metered.tokens, metered.charge.micros()), (tokens(4, 2), 216));
    assert_eq!((done.tokens, done.completion.usage), (tokens(4, 2), None));
    assert_eq!(world.micros().await, [GIVEN - 216, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn functions_that_are_asked_for_count_as_output_too() {
    let world = given_a_credit().await;
    let (id, name) = ("call_1".to_owned(), "weather".to_owned());
    let arguments = r#"{"city":1}"#.to_owned();
    world.models.will_answer(ChatCompletion {
        choices: vec![Choice {
            tool_calls: vec![ToolCall { id, name, arguments }],
            finish: FinishReason::ToolCalls,
            ..choice("")
        }],
        usage: None,
    });
    let done = ask(&world, "hello").await.expect("answered");
    assert_eq!(settled(&done.call).tokens, tokens(4, 5));
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn an_explicit_zero_is_not_missing() {
    let world = given_a_credit().await;
    world.models.will_answer(completion("12345678", Some(tokens(0, 0))));
    let done = ask(&world, "hello").await.expect("answered");
    assert_eq!(settled(&done.call), metered(tokens(0, 0), 0, 0));
    assert_eq!(world.micros().await, [GIVEN, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn what_the_hold_did_not_cover_is_taken_from_what_is_available() {
    let world = given_a_credit().await;
    world.models.will_answer(completion("much", Some(tokens(1_000, 500))));
    let done = ask(&world, "hello").await.expect("answered");
    assert_eq!(settled(&done.call).charge.micros(), 54_000);
    assert_eq!(world.micros().await, [GIVEN - 54_000, 0, 0]);
    assert_eq!(world.grants(ACME).await[0].remaining, Credits::from_micros(GIVEN - 54_000));
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn what_is_not_available_is_owed() {
    let world = given_a_program(Setup::default()).await;
    given_a_debt(&world).await;
    assert_eq!(world.micros().await, [0, 0, 44_000]);
    assert_eq!(settled(&world.calls().await[0]).charge.micros(), 54_000);
    world.proves_its_ledger().await;
    let refused = ask(&world, "hello").await;
    assert!(refused.is_err(), "who owes something has nothing to spend");
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn where_the_caller_set_no_bound_the_usual_one_is_held_and_asked_for() {
    let world = given_a_credit().await;
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    let new = NewCall { max_output_tokens: None, ..question("hello") };
    let done = world.chat.complete(spend(), new).await.expect("answered");
    assert_eq!(world.models.requests()[0].max_output_tokens, 1_000);
    let hold = world.hold(done.call.hold.expect("a hold")).await;
    // (37 × 150 000 + 1 000 × 600 000) × 1.2 / 10 000
    assert_eq!(hold.amount.micros(), 72_666);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_free_model_needs_no_credits_and_is_recorded() {
    let world = given_a_program(Setup::default()).await;
    world.models.will_answer(completion("hi", Some(tokens(1_000, 500))));
    let done = world.chat.complete(spend(), question_to(FREE_MODEL)).await.expect("answered");
    assert_eq!(settled(&done.call), metered(tokens(1_000, 500), 0, 0));
    assert_eq!((done.call.hold, world.counted().await), (None, 1));
    assert_eq!((world.micros().await, world.transactions(ACME).await), ([0, 0, 0], vec![]));
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_free_stream_is_recorded_when_it_ends() {
    let world = given_a_program(Setup::default()).await;
    let gate = Arc::new(Notify::new());
    let steps = [text("one"), Step::Wait(gate.clone())];
    world.models.will_stream(steps.into_iter().chain(end(Some(tokens(10, 10)))));
    let new = NewCall { streamed: true, ..question_to(FREE_MODEL) };
    let mut streaming = world.chat.stream(spend(), new).await.expect("a stream");
    assert_eq!((streaming.call.hold, world.counted().await), (None, 1));
    gate.notify_one();
    assert_eq!(read(&mut streaming).await.len(), 2);
    let call = world.call(streaming.call.id).await;
    assert_eq!(settled(&call), metered(tokens(10, 10), 0, 0));
    assert_eq!(world.transactions(ACME).await, []);
    world.proves_its_ledger().await;
}
