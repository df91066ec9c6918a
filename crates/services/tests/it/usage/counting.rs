//! Counting the tokens of a call that is not made: its provider is asked, and nothing is paid.
use cape_domain::{
    access::UseAi,
    usage::{ChatRequest, Measure, ModelProviderError, Reasoning, UnsupportedParameter},
};
use cape_services::usage::{ChatError, Counted};
use cape_testkit::fixtures::{ACME, MEDIUM_MODEL, SMALL_MODEL, chat_request, permit};
use chrono::TimeDelta;

use super::{given_a_program, nothing_happened, spend};
use crate::world::{Setup, World};

async fn count(world: &World, chat: ChatRequest) -> Result<Counted, ChatError> {
    world.counts.count(spend(), chat).await
}

fn asked_of(model: &str) -> ChatRequest {
    ChatRequest { model: model.to_owned(), ..chat_request("hello") }
}

#[tokio::test]
async fn who_has_no_credits_may_count_and_pays_nothing() {
    let world = given_a_program(Setup::default()).await;
    world.models.will_count(Ok(7));
    let counted = count(&world, asked_of(SMALL_MODEL)).await.expect("counted");
    assert_eq!(counted.input_tokens, 7);
    assert_eq!(world.models.counted()[0].messages, chat_request("hello").messages);
    assert_eq!((world.micros().await, world.calls().await), ([0, 0, 0], vec![]));
    assert_eq!((world.counted().await, world.models.calls()), (0, 0));
}

#[tokio::test]
async fn a_count_is_a_request_at_the_limits_and_has_no_tokens() {
    let world = given_a_program(Setup::default()).await;
    world.models.will_count(Ok(7));
    let counted = count(&world, asked_of(SMALL_MODEL)).await.expect("counted");
    let (claims, _) = world.limiter.claims().remove(0);
    assert_eq!(claims.iter().map(|claim| claim.amount).collect::<Vec<_>>(), [1, 1]);
    assert!(claims.iter().all(|claim| claim.rule.measure == Measure::Requests));
    assert_eq!((counted.standings.len(), world.limiter.corrections()), (2, vec![]));
}

#[tokio::test]
async fn a_count_that_comes_to_nothing_counts_nowhere() {
    let world = given_a_program(Setup::default()).await;
    world.models.will_count(Err(ModelProviderError::Timeout));
    let refused = count(&world, asked_of(SMALL_MODEL)).await.err();
    let timeout = matches!(refused, Some(ChatError::Provider(ModelProviderError::Timeout)));
    assert!(timeout, "{refused:?}");
    nothing_happened(&world, 0).await;
}

#[tokio::test]
async fn who_could_not_make_the_call_cannot_count_either() {
    let world = given_a_program(Setup::default()).await;
    let refused = count(&world, asked_of("gpt-17")).await.err();
    assert!(matches!(refused, Some(ChatError::UnknownModel(_))), "{refused:?}");
    let refused = count(&world, asked_of(MEDIUM_MODEL)).await.err();
    assert!(matches!(refused, Some(ChatError::ModelNotInPlan { .. })), "{refused:?}");
    let refused = world.counts.count(permit::<UseAi>(ACME), asked_of(SMALL_MODEL)).await.err();
    assert!(matches!(refused, Some(ChatError::NotAProgram)), "{refused:?}");
    world.models.does_not_support("seed");
    match count(&world, asked_of(SMALL_MODEL)).await.err() {
        Some(ChatError::Unsupported(UnsupportedParameter { parameter })) => {
            assert_eq!(parameter, "seed");
        }
        other => panic!("{other:?}"),
    }
    world.clock.advance(TimeDelta::milliseconds(1_001));
    let refused = count(&world, asked_of(SMALL_MODEL)).await.err();
    assert!(matches!(refused, Some(ChatError::Closed)), "{refused:?}");
    assert_eq!(world.models.counted(), []);
    nothing_happened(&world, 0).await;
}

#[tokio::test]
async fn a_request_that_thinks_has_room_for_that() {
    let world = given_a_program(Setup::default()).await;
    world.models.will_count(Ok(7));
    let reasoning = Reasoning { budget: Some(2_048), ..Reasoning::default() };
    let thinking = ChatRequest { reasoning, ..asked_of(SMALL_MODEL) };
    count(&world, thinking).await.expect("counted");
    assert_eq!(world.models.counted()[0].max_output_tokens, 2_049);
    let reasoning = Reasoning { budget: Some(u64::MAX), ..Reasoning::default() };
    let refused = count(&world, ChatRequest { reasoning, ..asked_of(SMALL_MODEL) }).await.err();
    assert!(matches!(refused, Some(ChatError::OutputOutOfRange { .. })), "{refused:?}");
}
