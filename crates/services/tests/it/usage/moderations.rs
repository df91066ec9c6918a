//! Judging texts and images: admitted, tried and recorded as chats are, and free where the model
//! says so.
use cape_domain::usage::{
    Category, Image, ImageSource, Judgement, Measure, ModelClass, ModelProviderError,
    ModerationRequest, Moderations, Part, Price, PriceBook, Provider, TokenPrices,
};
use cape_services::usage::{ChatError, Moderated};
use cape_testkit::fixtures::{
    MODERATION_MODEL, SMALL_MODEL, metered, model, moderation_model, moderation_request, tokens,
};

use super::{given_a_program, nothing_happened, question_to, refusal, settled, spend};
use crate::world::{Setup, World, soon};

/// One that is free, one that costs 0.02 dollars a million, one that sees nothing, and one of a
/// provider that nobody asks.
fn book() -> PriceBook {
    let price = Price::Tokens(TokenPrices { input: 20_000, ..TokenPrices::FREE });
    let blind = moderation_model("blind", Provider::OPENAI, Price::Free);
    let models = vec![
        moderation_model(MODERATION_MODEL, Provider::OPENAI, Price::Free),
        moderation_model("dear", Provider::OPENAI, price),
        cape_domain::usage::Model { image_tokens: None, ..blind },
        moderation_model("far", Provider::ANTHROPIC, Price::Free),
        model(SMALL_MODEL, Provider::OPENAI, ModelClass::Small, price),
    ];
    PriceBook::new(models).expect("sound")
}

async fn given() -> World {
    given_a_program(Setup { book: book(), ..Setup::default() }).await
}

fn judgement(flagged: bool) -> Judgement {
    let name = "violence".to_owned();
    let input_types = Some(vec!["text".to_owned()]);
    let category = Category { name, flagged: Some(flagged), score: Some(0.5), input_types };
    Judgement { flagged, categories: vec![category] }
}

fn answer() -> Moderations {
    Moderations { judgements: vec![judgement(true), judgement(false)] }
}

fn texts() -> ModerationRequest {
    moderation_request(&["violence", "you"])
}

fn to(model: &str) -> ModerationRequest {
    ModerationRequest { model: model.to_owned(), ..texts() }
}

async fn moderate(world: &World, wanted: ModerationRequest) -> Result<Moderated, ChatError> {
    soon(world.chat.moderate(spend(), wanted)).await
}

async fn refused(world: &World, wanted: ModerationRequest) -> ChatError {
    moderate(world, wanted).await.err().expect("refused")
}

#[tokio::test]
async fn what_is_free_is_recorded_counted_and_costs_nothing_even_of_nothing() {
    let world = given().await;
    world.judges.will_answer(answer());
    let done = moderate(&world, texts()).await.expect("answered");
    assert_eq!(done.judgements, answer().judgements);
    let call = world.call(done.call.id).await;
    let free = cape_domain::usage::Metered { estimated: true, ..metered(tokens(3, 0), 0, 0) };
    assert_eq!((settled(&call), call.hold), (free, None));
    assert_eq!((call.model.as_str(), call.streamed), (MODERATION_MODEL, false));
    assert_eq!((world.micros().await, world.counted().await), ([0, 0, 0], 1));
    let (claims, _) = world.limiter.claims().remove(0);
    let wanted: Vec<_> = claims.iter().map(|claim| (claim.rule.measure, claim.amount)).collect();
    let expected = [(Measure::Requests, 1), (Measure::Requests, 1), (Measure::Tokens, 3)];
    assert_eq!(wanted, expected);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn where_judging_has_a_price_what_is_likely_is_charged() {
    let world = given().await;
    world.give(1, 1_000).await;
    world.judges.will_answer(answer());
    let done = moderate(&world, to("dear")).await.expect("answered");
    // 11 bytes and 2 x 2 tokens around them are held; 3 are charged, and a fifth on top.
    assert_eq!(world.hold(done.call.hold.expect("a hold")).await.amount.micros(), 36);
    let metered = settled(&done.call);
    assert_eq!((metered.charge.micros(), metered.estimated), (8, true));
    assert_eq!(world.micros().await, [992, 0, 0]);
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn what_fails_counts_nowhere() {
    let world = given().await;
    world.judges.will_fail(ModelProviderError::Rejected { message: "no".to_owned() });
    let error = refused(&world, texts()).await;
    assert!(matches!(error, ChatError::Provider(ModelProviderError::Rejected { .. })));
    assert_eq!((world.micros().await, world.counted().await), ([0, 0, 0], 0));
    assert_eq!(world.calls().await[0].state.name(), "failed");
}

#[tokio::test]
async fn what_a_model_or_its_provider_cannot_judge_is_refused_by_name() {
    let world = given().await;
    let error = refused(&world, to("omni-moderation-9")).await;
    assert!(matches!(&error, ChatError::UnknownModel(name) if name == "omni-moderation-9"));
    let error = refused(&world, to("far")).await;
    assert!(matches!(error, ChatError::Disabled(Provider::ANTHROPIC)), "{error:?}");
    let error = refused(&world, to(SMALL_MODEL)).await;
    assert_eq!(error.to_string(), format!("the model `{SMALL_MODEL}` is for chats alone"));
    let error = refusal(&world, question_to(MODERATION_MODEL)).await;
    assert!(error.to_string().ends_with("is for moderations alone"), "{error}");
    let long = "x".repeat(4 * 8_000 + 1);
    let error = refused(&world, moderation_request(&["short", &long])).await;
    assert!(matches!(error, ChatError::InputTooLong { input: 1, window: 8_000 }), "{error:?}");
    let source = ImageSource::Url("https://example.com/a.png".to_owned());
    let seen = vec![vec![Part::Image(Image { source, detail: None })]];
    let error = refused(&world, ModerationRequest { inputs: seen, ..to("blind") }).await;
    assert!(matches!(&error, ChatError::Unsupported(it) if it.parameter == "input"), "{error:?}");
    nothing_happened(&world, 0).await;
    assert_eq!(world.judges.requests(), []);
}
