//! Calls that are not made: nothing is held, recorded or counted, and no provider is asked.
use cape_domain::{
    access::UseAi,
    billing::PlanCode,
    store::{Durability, Scope, Store as _, StoreError},
    usage::{Provider, UnsupportedParameter},
};
use cape_services::usage::{ChatError, NewCall};
use cape_testkit::fixtures::{
    ACME, LARGE_MODEL, MEDIUM_MODEL, SMALL_MODEL, completion, permit, subscription, tokens,
};
use chrono::TimeDelta;

use super::{
    HELD, TOO_LITTLE, given_a_program, nothing_happened, question, question_to, refusal, spend,
};
use crate::world::{Setup, World};

const GIVEN: i64 = 100_000_000;

async fn given_credits() -> World {
    let world = given_a_program(Setup::default()).await;
    world.give(1, GIVEN).await;
    world
}

#[tokio::test]
async fn an_unknown_model() {
    let world = given_credits().await;
    let refused = refusal(&world, question_to("gpt-17")).await;
    assert!(matches!(&refused, ChatError::UnknownModel(model) if model == "gpt-17"));
    nothing_happened(&world, GIVEN).await;
}

#[tokio::test]
async fn a_model_that_the_plan_does_not_reach() {
    let world = given_credits().await;
    for wanted in [MEDIUM_MODEL, LARGE_MODEL] {
        match refusal(&world, question_to(wanted)).await {
            ChatError::ModelNotInPlan { model, plan } => {
                assert_eq!((model.as_str(), plan), (wanted, PlanCode::free()));
            }
            other => panic!("{other:?}"),
        }
    }
    nothing_happened(&world, GIVEN).await;
}

#[tokio::test]
async fn a_model_whose_provider_is_not_configured() {
    let world = given_credits().await;
    let mut work = world.store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    work.subscriptions().insert(&subscription(10)).await.expect("subscribed to pro");
    work.commit().await.expect("commit");
    let refused = refusal(&world, question_to(MEDIUM_MODEL)).await;
    assert!(matches!(refused, ChatError::Disabled(Provider::ANTHROPIC)), "{refused:?}");
    nothing_happened(&world, GIVEN).await;
}

#[tokio::test]
async fn a_parameter_that_the_provider_has_no_word_for() {
    let world = given_credits().await;
    world.models.does_not_support("seed");
    let refused = refusal(&world, question("hello")).await;
    let ChatError::Unsupported(UnsupportedParameter { parameter }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(parameter, "seed");
    nothing_happened(&world, GIVEN).await;
}

#[tokio::test]
async fn no_output_or_more_than_the_model_can_give() {
    let world = given_credits().await;
    for asked in [0, 16_385, u64::MAX] {
        let new = NewCall { max_output_tokens: Some(asked), ..question("hello") };
        let refused = refusal(&world, new).await;
        assert!(matches!(refused, ChatError::OutputOutOfRange { most: 16_384 }), "{refused:?}");
    }
    nothing_happened(&world, GIVEN).await;
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    let new = NewCall { max_output_tokens: Some(16_384), ..question("hello") };
    world.chat.complete(spend(), new).await.expect("the most is not too much");
}

#[tokio::test]
async fn a_conversation_that_does_not_fit_into_the_model() {
    let world = given_credits().await;
    // 127 898 likely tokens, 2 around them, and 100 that may come out.
    let full = "x".repeat(4 * 127_898);
    let refused = refusal(&world, question(&format!("{full}x"))).await;
    assert!(matches!(refused, ChatError::TooLong { window: 128_000 }), "{refused:?}");
    nothing_happened(&world, GIVEN).await;
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    world.chat.complete(spend(), question(&full)).await.expect("the most is not too much");
}

#[tokio::test]
async fn anything_while_it_is_not_known_who_may_spend() {
    let world = given_credits().await;
    world.clock.advance(TimeDelta::milliseconds(1_001));
    let refused = refusal(&world, question("hello")).await;
    assert!(matches!(refused, ChatError::Closed), "{refused:?}");
    nothing_happened(&world, GIVEN).await;
    world.feed.poll().await.expect("polled");
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    world.chat.complete(spend(), question("hello")).await.expect("open again");
}

#[tokio::test]
async fn anything_new_while_the_process_is_stopping() {
    let world = given_credits().await;
    world.chat.stop();
    let refused = refusal(&world, question("hello")).await;
    assert!(matches!(refused, ChatError::Stopping), "{refused:?}");
    let refused = world.chat.stream(spend(), question("hello")).await.err();
    assert!(matches!(refused, Some(ChatError::Stopping)), "{refused:?}");
    nothing_happened(&world, GIVEN).await;
}

#[tokio::test]
async fn a_person() {
    let world = given_credits().await;
    let person = permit::<UseAi>(ACME);
    let refused = world.chat.complete(person, question("hello")).await.err();
    assert!(matches!(refused, Some(ChatError::NotAProgram)), "{refused:?}");
    nothing_happened(&world, GIVEN).await;
}

#[tokio::test]
async fn a_call_that_the_credits_do_not_cover_is_told_what_is_missing() {
    let world = given_a_program(Setup::default()).await;
    world.give(1, TOO_LITTLE).await;
    match refusal(&world, question("hello")).await {
        ChatError::InsufficientCredits { needed, available } => {
            assert_eq!((needed.micros(), available.micros()), (HELD, TOO_LITTLE));
        }
        other => panic!("{other:?}"),
    }
    nothing_happened(&world, TOO_LITTLE).await;
    world.give(2, HELD).await;
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    world.chat.complete(spend(), question("hello")).await.expect("now it is covered");
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn anything_while_the_store_is_away() {
    let world = given_credits().await;
    world.entitlements.plan(ACME).await.expect("the plan is known");
    world.unsteady.set_down(true);
    let refused = refusal(&world, question_to(SMALL_MODEL)).await;
    let unavailable = matches!(refused, ChatError::Store(StoreError::Unavailable(_)));
    assert!(unavailable, "{refused:?}");
    world.unsteady.set_down(false);
    nothing_happened(&world, GIVEN).await;
}
