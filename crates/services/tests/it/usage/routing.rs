//! Which model is asked, whom to ask next, and when to stop asking.
use std::time::Duration;

use cape_domain::usage::{
    CallState, FailureKind, ModelClass, ModelProviderError, Price, PriceBook, Provider, Route,
    TokenPrices,
};
use cape_services::usage::{AttemptRules, ChatError, Completed, NewCall};
use cape_testkit::fixtures::{completion, model, tokens};
use chrono::TimeDelta;

use super::{HELD, end, given_a_program, question, read, settled, spend, text};
use crate::world::{Setup, World, soon};

const GIVEN: i64 = 1_000_000;

fn price(input: u64, output: u64) -> Price {
    let (cached_input, cache_write) = (input, input);
    Price::Tokens(TokenPrices { input, cached_input, cache_write, output, request: 0 })
}

/// `smart` leads to `cheap`, and to `dear` when that does not answer.
fn book() -> PriceBook {
    let cheap = model("cheap", Provider::OPENAI, ModelClass::Small, price(150_000, 600_000));
    let dear = model("dear", Provider::GEMINI, ModelClass::Small, price(1_500_000, 6_000_000));
    let smart = Route { fallbacks: vec!["dear".to_owned()], ..Route::to("smart", "cheap") };
    let book = PriceBook::new(vec![cheap, dear]).expect("a sound book");
    book.with_routes(vec![smart]).expect("a sound route")
}

pub async fn given(credits: i64) -> World {
    let attempts = AttemptRules::default();
    let world = given_a_program(Setup { book: book(), attempts, ..Setup::default() }).await;
    world.give(1, credits).await;
    world
}

fn asking(model: &str) -> NewCall {
    let mut new = question("hello");
    model.clone_into(&mut new.chat.model);
    new
}

pub async fn ask_for(world: &World, model: &str) -> Result<Completed, ChatError> {
    soon(world.chat.complete(spend(), asking(model))).await
}

/// What was asked, by the provider's names.
fn asked(world: &World) -> Vec<String> {
    world.models.requests().into_iter().map(|request| request.model).collect()
}

fn unavailable() -> ModelProviderError {
    ModelProviderError::Unavailable("down".into())
}

#[tokio::test]
async fn who_does_not_answer_is_replaced_and_the_record_names_who_was_asked_for_and_who_answered() {
    let world = given(GIVEN).await;
    world.models.will_fail(unavailable());
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    let done = ask_for(&world, "smart").await.expect("answered");
    assert_eq!(asked(&world), ["cheap", "dear"]);
    let call = world.call(done.call.id).await;
    let names = (call.model_asked.as_str(), call.model.as_str(), call.provider);
    assert_eq!(names, ("smart", "dear", Provider::GEMINI));
    assert_eq!(settled(&call).charge.micros(), 9_000, "by the price of the one that answered");
    assert_eq!(world.micros().await, [GIVEN - 9_000, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_stream_that_does_not_begin_is_begun_elsewhere() {
    let world = given(GIVEN).await;
    world.models.will_fail(ModelProviderError::Timeout);
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    let new = NewCall { streamed: true, ..asking("smart") };
    let mut streaming = soon(world.chat.stream(spend(), new)).await.expect("a stream");
    assert_eq!(streaming.call.model, "dear");
    read(&mut streaming).await;
    assert_eq!(settled(&world.calls().await[0]).charge.micros(), 9_000);
}

#[tokio::test]
async fn an_answer_that_has_begun_is_never_begun_again() {
    let world = given(GIVEN).await;
    let broken = [text("one"), cape_testkit::fakes::Step::Break(unavailable())];
    world.models.will_stream(broken.into_iter().chain(end(None)));
    let new = NewCall { streamed: true, ..asking("smart") };
    let mut streaming = soon(world.chat.stream(spend(), new)).await.expect("a stream");
    read(&mut streaming).await;
    assert_eq!(asked(&world), ["cheap"]);
}

#[tokio::test]
async fn what_the_caller_did_wrong_is_not_tried_again() {
    let world = given(GIVEN).await;
    world.models.will_fail(ModelProviderError::Rejected { message: "no".to_owned() });
    let refused = ask_for(&world, "smart").await.err();
    assert!(matches!(refused, Some(ChatError::Provider(ModelProviderError::Rejected { .. }))));
    assert_eq!(asked(&world), ["cheap"]);
}

#[tokio::test]
async fn there_is_an_end_to_trying_and_the_last_failure_is_told() {
    let world = given(GIVEN).await;
    (0..2).for_each(|_| world.models.will_fail(unavailable()));
    world.models.will_fail(ModelProviderError::Timeout);
    let answer = world.tasks.spawn({
        let chat = world.chat.clone();
        async move { chat.complete(spend(), asking("smart")).await }
    });
    soon(world.sleeper.until_somebody_sleeps()).await;
    assert_eq!(world.sleeper.asked().last(), Some(&Duration::from_millis(250)));
    world.sleeper.wake();
    let refused = soon(answer).await.expect("a task").err();
    assert!(matches!(refused, Some(ChatError::Provider(ModelProviderError::Timeout))));
    assert_eq!(asked(&world), ["cheap", "dear", "cheap"]);
    let call = &world.calls().await[0];
    assert!(matches!(call.state, CallState::Failed { kind: FailureKind::Timeout, .. }));
    assert_eq!(world.micros().await, [GIVEN, 0, 0]);
}

#[tokio::test]
async fn the_time_that_a_provider_asks_for_is_given_to_it_unless_it_is_too_long() {
    for (wanted, tries) in [(7, 2), (61, 1)] {
        let world = given(GIVEN).await;
        let retry_after = Some(Duration::from_secs(wanted));
        world.models.will_fail(ModelProviderError::RateLimited { retry_after });
        world.models.will_answer(completion("hi", None));
        let answer = world.tasks.spawn({
            let chat = world.chat.clone();
            async move { chat.complete(spend(), asking("cheap")).await }
        });
        if tries == 2 {
            soon(world.sleeper.until_somebody_sleeps()).await;
            assert_eq!(world.sleeper.asked().last(), Some(&Duration::from_secs(wanted)));
            world.clock.advance(TimeDelta::seconds(7));
            world.sleeper.wake();
        }
        let answered = soon(answer).await.expect("a task").is_ok();
        assert_eq!((answered, asked(&world).len()), (tries == 2, tries));
    }
}

#[tokio::test]
async fn a_credential_that_is_not_accepted_is_not_shown_again() {
    let world = given(GIVEN).await;
    (0..2).for_each(|_| world.models.will_fail(ModelProviderError::Credentials));
    let refused = ask_for(&world, "smart").await.err();
    assert!(matches!(refused, Some(ChatError::Provider(ModelProviderError::Credentials))));
    assert_eq!(asked(&world), ["cheap", "dear"]);
}

#[tokio::test]
async fn nobody_is_asked_who_does_not_answer_until_a_probe_gets_through() {
    let setup = Setup { book: book(), ..Setup::default() };
    let world = given_a_program(setup).await;
    world.give(1, GIVEN).await;
    for _ in 0..5 {
        world.models.will_fail(unavailable());
        assert!(matches!(ask_for(&world, "cheap").await, Err(ChatError::Provider(_))));
    }
    let Err(ChatError::NotAnswering { retry_after }) = ask_for(&world, "cheap").await else {
        panic!("the circuit is closed");
    };
    assert_eq!((retry_after, asked(&world).len()), (Duration::from_secs(5), 5));
    assert_eq!(world.calls().await.len(), 5, "nothing is held or recorded for it");

    world.models.will_answer(completion("hi", None));
    assert!(ask_for(&world, "dear").await.is_ok(), "another one is asked as before");
    world.models.will_answer(completion("hi", None));
    assert_eq!(ask_for(&world, "smart").await.expect("answered").call.model, "dear");

    world.pass(TimeDelta::seconds(5)).await;
    world.models.will_answer(completion("hi", None));
    assert!(ask_for(&world, "cheap").await.is_ok(), "the probe");
    world.models.will_answer(completion("hi", None));
    assert!(ask_for(&world, "cheap").await.is_ok());
}

#[tokio::test]
async fn wrong_requests_open_no_circuit() {
    let world = given(GIVEN).await;
    for _ in 0..10 {
        world.models.will_fail(ModelProviderError::Rejected { message: "no".to_owned() });
        assert!(matches!(ask_for(&world, "cheap").await, Err(ChatError::Provider(_))));
    }
    assert_eq!(asked(&world).len(), 10);
}

#[tokio::test]
async fn nothing_is_sent_to_a_model_that_the_hold_does_not_cover() {
    // Enough for the worst case of `cheap`, not of `dear`, which is ten times as much.
    let world = given(2 * HELD).await;
    (0..2).for_each(|_| world.models.will_fail(ModelProviderError::Credentials));
    let refused = ask_for(&world, "smart").await.err();
    assert!(matches!(refused, Some(ChatError::Provider(ModelProviderError::Credentials))));
    assert_eq!(asked(&world), ["cheap"]);
    assert_eq!(world.micros().await, [2 * HELD, 0, 0]);
}

#[tokio::test]
async fn an_answer_is_as_long_as_can_be_paid_for_and_that_is_said() {
    // 100 tokens are wanted, of 72 micro-credits each; the input is 37 at most, of 18 each.
    let world = given(37 * 18 + 50 * 72 + 71).await;
    world.models.will_answer(completion("hi", Some(tokens(37, 50))));
    let done = ask_for(&world, "cheap").await.expect("answered");
    assert_eq!(done.shortened_to, Some(50));
    assert_eq!(world.models.requests()[0].max_output_tokens, 50);
    assert_eq!(world.micros().await, [71, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn what_leaves_room_for_less_than_sixteen_tokens_is_refused() {
    let left = 37 * 18 + 16 * 72 - 1;
    let world = given(left).await;
    let Err(ChatError::InsufficientCredits { needed, available }) = ask_for(&world, "cheap").await
    else {
        panic!("not refused");
    };
    assert_eq!((needed.micros(), available.micros()), (HELD, left));
    assert_eq!((asked(&world).len(), world.calls().await.len()), (0, 0));
    assert_eq!(world.micros().await, [left, 0, 0]);
}

#[tokio::test]
async fn an_answer_that_is_wanted_short_is_not_made_longer() {
    let world = given(37 * 18 + 9 * 72).await;
    for wanted in [10, 16] {
        let new = NewCall { max_output_tokens: Some(wanted), ..asking("cheap") };
        let refused = soon(world.chat.complete(spend(), new)).await.err();
        assert!(matches!(refused, Some(ChatError::InsufficientCredits { .. })), "{refused:?}");
    }
}
