//! Turning texts into vectors: held, limited, tried and paid for as chats are.
use cape_domain::{
    access::{ApiKey, KeyRules},
    billing::Credits,
    usage::{
        EmbeddingInput, EmbeddingRequest, Embeddings, Measure, ModelClass, ModelKind,
        ModelProviderError, Price, PriceBook, Provider, Route, TokenPrices,
    },
};
use cape_services::usage::{AttemptRules, ChatError, Embedded};
use cape_testkit::fixtures::{
    EMBEDDING_MODEL, SMALL_MODEL, api_key, embedding_model, embedding_request, metered, model,
    tokens,
};

use super::{
    by_program, given_a_key, given_a_program, nothing_happened, question_to, refusal, settled,
    spend,
};
use crate::world::{Setup, World, soon};

const GIVEN: i64 = 1_000_000;

/// What `hello` and `you` hold: 8 bytes and 2 × 2 tokens around them, at 0.02 dollars a million
/// and a fifth on top.
const HELD: i64 = 29;

/// So much for a token that goes in, and nothing comes out.
const fn price(input: u64) -> Price {
    let (cached_input, cache_write) = (input, input);
    Price::Tokens(TokenPrices { input, cached_input, cache_write, output: 0, request: 0 })
}

/// `vectors` leads to a cheap model, and to one that is ten times as dear when it does not answer.
fn book() -> PriceBook {
    let models = vec![
        embedding_model(EMBEDDING_MODEL, Provider::OPENAI, price(20_000)),
        embedding_model("dear", Provider::GEMINI, price(200_000)),
        embedding_model("far", Provider::ANTHROPIC, price(20_000)),
        model(SMALL_MODEL, Provider::OPENAI, ModelClass::Small, price(150_000)),
    ];
    let fallbacks = vec!["dear".to_owned()];
    let route = Route { fallbacks, ..Route::to("vectors", EMBEDDING_MODEL) };
    PriceBook::new(models).expect("sound").with_routes(vec![route]).expect("sound")
}

async fn given(credits: i64) -> World {
    let setup = Setup { book: book(), attempts: AttemptRules::default(), ..Setup::default() };
    let world = given_a_program(setup).await;
    world.give(1, credits).await;
    world
}

fn texts() -> EmbeddingRequest {
    embedding_request(&["hello", "you"])
}

fn to(model: &str) -> EmbeddingRequest {
    EmbeddingRequest { model: model.to_owned(), ..texts() }
}

fn answer(input_tokens: Option<u64>) -> Embeddings {
    Embeddings { vectors: vec![vec![1.0, 0.0, 0.0], vec![0.0, 1.0, 0.0]], input_tokens }
}

async fn embed(world: &World, wanted: EmbeddingRequest) -> Result<Embedded, ChatError> {
    soon(world.chat.embed(spend(), wanted)).await
}

async fn refused(world: &World, wanted: EmbeddingRequest) -> ChatError {
    embed(world, wanted).await.err().expect("refused")
}

fn unavailable() -> ModelProviderError {
    ModelProviderError::Unavailable("down".into())
}

/// Whom was asked, by the provider's names.
fn asked(world: &World) -> Vec<String> {
    world.vectors.requests().into_iter().map(|request| request.model).collect()
}

#[tokio::test]
async fn the_worst_case_is_held_and_the_providers_figure_is_paid() {
    let world = given(GIVEN).await;
    world.vectors.will_answer(answer(Some(10)));
    let done = embed(&world, texts()).await.expect("answered");
    assert_eq!(done.vectors, answer(None).vectors);
    assert_eq!((done.tokens, done.standings.len()), (tokens(10, 0), 3));
    let call = world.call(done.call.id).await;
    assert_eq!(settled(&call), metered(tokens(10, 0), 200_000, 24));
    assert_eq!((call.model.as_str(), call.streamed), (EMBEDDING_MODEL, false));
    assert_eq!(world.hold(call.hold.expect("a hold")).await.amount.micros(), HELD);
    assert_eq!((world.micros().await, world.counted().await), ([GIVEN - 24, 0, 0], 1));
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_figure_that_is_not_told_is_estimated_and_that_is_said() {
    let world = given(GIVEN).await;
    world.vectors.will_answer(answer(None));
    let done = embed(&world, texts()).await.expect("answered");
    let metered = settled(&done.call);
    assert!(metered.estimated);
    assert_eq!((metered.tokens, metered.charge.micros()), (tokens(3, 0), 8));
    assert_eq!(done.tokens, tokens(3, 0));
    assert_eq!(world.micros().await, [GIVEN - 8, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn tokens_that_were_counted_are_held_exactly() {
    let world = given(GIVEN).await;
    world.vectors.will_answer(answer(None));
    let inputs = vec![EmbeddingInput::Tokens(vec![7; 3]), EmbeddingInput::Tokens(vec![7; 7])];
    let wanted = EmbeddingRequest { inputs, ..texts() };
    let done = embed(&world, wanted.clone()).await.expect("answered");
    assert_eq!(world.vectors.requests(), [wanted]);
    assert_eq!(world.hold(done.call.hold.expect("a hold")).await.amount.micros(), 24);
    assert_eq!(settled(&done.call).charge.micros(), 24);
}

#[tokio::test]
async fn what_fails_costs_nothing_and_counts_nowhere() {
    let world = given(GIVEN).await;
    world.vectors.will_fail(ModelProviderError::Rejected { message: "no".to_owned() });
    let error = refused(&world, texts()).await;
    assert!(matches!(error, ChatError::Provider(ModelProviderError::Rejected { .. })));
    assert_eq!((world.micros().await, world.counted().await), ([GIVEN, 0, 0], 0));
    assert_eq!(world.calls().await[0].state.name(), "failed");
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn what_is_likely_is_claimed_of_the_limits_and_corrected() {
    let world = given(GIVEN).await;
    world.vectors.will_answer(answer(Some(10)));
    embed(&world, texts()).await.expect("answered");
    let (claims, _) = world.limiter.claims().remove(0);
    let wanted: Vec<_> = claims.iter().map(|claim| (claim.rule.measure, claim.amount)).collect();
    let expected = [(Measure::Requests, 1), (Measure::Requests, 1), (Measure::Tokens, 3)];
    assert_eq!(wanted, expected);
    assert_eq!(world.limiter.corrections()[0].used, 10);
}

#[tokio::test]
async fn who_does_not_answer_is_replaced_and_the_answer_is_charged_by_who_gave_it() {
    let world = given(GIVEN).await;
    world.vectors.will_fail(unavailable());
    world.vectors.will_answer(answer(Some(10)));
    let done = embed(&world, to("vectors")).await.expect("answered");
    assert_eq!(asked(&world), [EMBEDDING_MODEL, "dear"]);
    let names = (done.call.model_asked.as_str(), done.call.model.as_str(), done.call.provider);
    assert_eq!(names, ("vectors", "dear", Provider::GEMINI));
    assert_eq!(settled(&done.call).charge.micros(), 240);
    assert_eq!(world.micros().await, [GIVEN - 240, 0, 0]);
}

#[tokio::test]
async fn nobody_is_asked_who_does_not_answer() {
    let setup = Setup { book: book(), ..Setup::default() };
    let world = given_a_program(setup).await;
    world.give(1, GIVEN).await;
    for _ in 0..5 {
        world.vectors.will_fail(unavailable());
        assert!(matches!(refused(&world, texts()).await, ChatError::Provider(_)));
    }
    assert!(matches!(refused(&world, texts()).await, ChatError::NotAnswering { .. }));
    assert_eq!(asked(&world).len(), 5);
}

#[tokio::test]
async fn a_model_is_asked_for_nothing_else_than_it_does() {
    let world = given(GIVEN).await;
    match refused(&world, to(SMALL_MODEL)).await {
        ChatError::WrongKind { model, kind } => {
            assert_eq!((model.as_str(), kind), (SMALL_MODEL, ModelKind::Chat));
        }
        other => panic!("{other:?}"),
    }
    match refusal(&world, question_to("vectors")).await {
        ChatError::WrongKind { model, kind } => {
            assert_eq!((model.as_str(), kind.name()), ("vectors", "embedding"));
        }
        other => panic!("{other:?}"),
    }
    nothing_happened(&world, GIVEN).await;
    assert_eq!(asked(&world), [""; 0]);
}

#[tokio::test]
async fn a_call_that_cannot_be_carried_out_is_refused() {
    let world = given(GIVEN).await;
    let error = refused(&world, to("text-embedding-9")).await;
    assert!(matches!(&error, ChatError::UnknownModel(name) if name == "text-embedding-9"));
    let error = refused(&world, to("far")).await;
    assert!(matches!(error, ChatError::Disabled(Provider::ANTHROPIC)), "{error:?}");
    for dimensions in [0, 4] {
        let wanted = EmbeddingRequest { dimensions: Some(dimensions), ..texts() };
        let error = refused(&world, wanted).await;
        assert!(matches!(error, ChatError::DimensionsOutOfRange { most: 3 }), "{error:?}");
    }
    let long = "x".repeat(4 * 8_000 + 1);
    let error = refused(&world, embedding_request(&["short", &long])).await;
    assert!(matches!(error, ChatError::InputTooLong { input: 1, window: 8_000 }), "{error:?}");
    let inputs = vec![EmbeddingInput::Tokens(vec![1; 8_001])];
    let error = refused(&world, EmbeddingRequest { inputs, ..texts() }).await;
    assert!(matches!(error, ChatError::InputTooLong { input: 0, .. }), "{error:?}");
    world.vectors.does_not_support("dimensions");
    let error = refused(&world, texts()).await;
    assert!(matches!(error, ChatError::Unsupported(_)), "{error:?}");
    nothing_happened(&world, GIVEN).await;
    assert_eq!(asked(&world), [""; 0]);
}

#[tokio::test]
async fn many_inputs_that_fit_each_by_itself_fit_together() {
    let world = given(1_000 * GIVEN).await;
    let text = "x".repeat(4 * 8_000);
    let wanted = embedding_request(&[&text, &text]);
    world.vectors.will_answer(answer(Some(16_000)));
    let done = embed(&world, wanted).await.expect("answered");
    assert_eq!(settled(&done.call).charge.micros(), 38_400);
}

#[tokio::test]
async fn credits_that_do_not_suffice_for_the_worst_case_admit_nothing() {
    let world = given(HELD - 1).await;
    let error = refused(&world, texts()).await;
    let ChatError::InsufficientCredits { needed, available } = error else { panic!("{error:?}") };
    assert_eq!((needed.micros(), available.micros()), (HELD, HELD - 1));
    nothing_happened(&world, HELD - 1).await;
    assert_eq!(asked(&world), [""; 0]);
}

#[tokio::test]
async fn the_rules_of_a_key_hold() {
    let world = given(GIVEN).await;
    let models = [SMALL_MODEL.parse().expect("a name")].into();
    let other = ApiKey { rules: KeyRules { models, ..KeyRules::unlimited() }, ..api_key(20) };
    let spending_cap = Some(Credits::from_micros(HELD - 1));
    let poor = ApiKey { rules: KeyRules { spending_cap, ..KeyRules::unlimited() }, ..api_key(21) };
    given_a_key(&world, &other).await;
    given_a_key(&world, &poor).await;
    let error = world.chat.embed(by_program(20), texts()).await.err().expect("refused");
    assert!(matches!(error, ChatError::ModelNotForKey(_)), "{error:?}");
    let error = world.chat.embed(by_program(21), texts()).await.err().expect("refused");
    assert!(matches!(error, ChatError::KeyCapReached { .. }), "{error:?}");
    nothing_happened(&world, GIVEN).await;
}

#[tokio::test]
async fn nothing_is_begun_by_a_process_that_is_stopping() {
    let world = given(GIVEN).await;
    world.chat.stop();
    assert!(matches!(refused(&world, texts()).await, ChatError::Stopping));
    nothing_happened(&world, GIVEN).await;
}
