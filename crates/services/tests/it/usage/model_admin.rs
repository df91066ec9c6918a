//! What operators say of models, and what comes of it for calls.
use std::sync::Arc;

use cape_domain::{
    audit::Action,
    usage::{
        InvalidModel, Model, ModelClass, ModelDescription, ModelKind, Price, PriceRefused,
        Provider, TokenPrices,
    },
};
use cape_services::usage::{ChatError, ManagedModel, ModelAdminError};
use cape_testkit::fixtures::{
    ACME, FREE_MODEL, LARGE_MODEL, MEDIUM_MODEL, RIVAL, SMALL_MODEL, at, completion, permit, tokens,
};
use chrono::TimeDelta;
use tokio::sync::Notify;

use super::{
    ask, begin, given_a_program, question_to, refusal, settled, spend,
    switches::{given_a_credit, polled},
};
use crate::world::{Setup, World, soon};

const NEW: &str = "meta/llama-3.1";

fn description() -> ModelDescription {
    ModelDescription {
        aliases: vec!["llama".to_owned()],
        provider: Provider::OPENAI,
        upstream: "llama-3.1".to_owned(),
        class: ModelClass::Small,
        kind: ModelKind::Chat,
        context_window: 8_000,
        output_cap: 1_000,
        image_tokens: None,
        tools: true,
        released_at: at(0),
    }
}

fn priced(input: u64) -> Price {
    let (cached_input, cache_write, output) = (input, input, input);
    Price::Tokens(TokenPrices { input, cached_input, cache_write, output, request: 0 })
}

async fn describe(world: &World, id: &str) -> ManagedModel {
    world.admin.describe(permit(RIVAL), id, description()).await.expect("described")
}

/// From so many seconds after the start.
async fn set_price(
    world: &World,
    (id, version): (&str, &str),
    second: Option<i64>,
    price: Price,
) -> Result<ManagedModel, ModelAdminError> {
    let effective_at = second.map(at);
    world.admin.set_price(permit(RIVAL), id, version, effective_at, price).await
}

#[tokio::test]
async fn a_new_model_is_called_as_soon_as_it_has_a_price_and_by_what_it_costs_then() {
    let world = given_a_credit().await;
    let said = describe(&world, NEW).await;
    assert_eq!((said.shipped, said.described, said.retired_at), (false, true, None));
    let unheard = refusal(&world, question_to(NEW)).await;
    assert!(matches!(unheard, ChatError::UnknownModel(_)), "{unheard:?}");
    polled(&world).await;
    let refused = refusal(&world, question_to("llama")).await;
    assert!(matches!(refused, ChatError::UnknownPrice(_)), "{refused:?}");
    set_price(&world, (NEW, "v1"), None, priced(1_000_000)).await.expect("priced");
    set_price(&world, (NEW, "v2"), Some(60), priced(2_000_000)).await.expect("priced");
    set_price(&world, (NEW, "v3"), Some(120), Price::Free).await.expect("priced");
    set_price(&world, (NEW, "v4"), Some(180), Price::Unknown).await.expect("priced");
    polled(&world).await;
    for (version, charge) in [("v1", 2_400), ("v2", 4_800), ("v3", 0)] {
        world.models.will_answer(completion("hi", Some(tokens(10, 10))));
        let done = world.chat.complete(spend(), question_to("llama")).await.expect("answered");
        assert_eq!(settled(&done.call).charge.micros(), charge, "{version}");
        assert_eq!((done.call.model.as_str(), &*done.call.price_version), (NEW, version));
        world.pass(TimeDelta::seconds(60)).await;
    }
    let refused = refusal(&world, question_to(NEW)).await;
    assert!(matches!(refused, ChatError::UnknownPrice(_)), "{refused:?}");
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_call_in_flight_keeps_the_price_that_it_was_admitted_at() {
    let world = given_a_credit().await;
    let gate = Arc::new(Notify::new());
    world.models.will_answer_after(gate.clone(), completion("hi", Some(tokens(10, 10))));
    let call = begin(&world, "hello").await;
    set_price(&world, (SMALL_MODEL, "dear"), None, priced(900_000_000)).await.expect("priced");
    world.admin.retire(permit(RIVAL), SMALL_MODEL).await.expect("retired");
    polled(&world).await;
    gate.notify_one();
    let done = soon(call).await.expect("no panic").expect("answered");
    assert_eq!((settled(&done.call).charge.micros(), &*done.call.price_version), (900, "1"));
    let gone = refusal(&world, question_to(SMALL_MODEL)).await;
    assert!(matches!(gone, ChatError::UnknownModel(_)), "{gone:?}");
    let receipt = world.reports.receipt(permit(ACME), done.call.id).await.expect("a receipt");
    assert!(receipt.prices.is_some(), "what a retired model cost is still told");
}

#[tokio::test]
async fn a_price_is_never_said_for_what_was() {
    let world = given_a_credit().await;
    world.pass(TimeDelta::seconds(30)).await;
    for (id, version, second, price, refused) in [
        (SMALL_MODEL, "v2", 29, priced(1), PriceRefused::Backdated),
        (SMALL_MODEL, "1", 60, priced(1), PriceRefused::VersionTaken),
        (SMALL_MODEL, "v2", 60, priced(0), PriceRefused::Nothing),
        (SMALL_MODEL, "", 60, priced(1), PriceRefused::Version),
    ] {
        let error = set_price(&world, (id, version), Some(second), price).await.err();
        let told = matches!(&error, Some(ModelAdminError::Price(it)) if *it == refused);
        assert!(told, "{error:?}");
    }
    set_price(&world, (SMALL_MODEL, "v2"), Some(60), priced(1)).await.expect("priced");
    let error = set_price(&world, (SMALL_MODEL, "v3"), Some(60), priced(1)).await.err();
    let overlaps = matches!(error, Some(ModelAdminError::Price(PriceRefused::Overlapping)));
    assert!(overlaps, "{error:?}");
    let error = set_price(&world, ("nothing", "v1"), None, priced(1)).await.err();
    assert!(matches!(error, Some(ModelAdminError::Unknown(_))), "{error:?}");
    polled(&world).await;
    world.models.will_answer(completion("hi", Some(tokens(10, 10))));
    assert_eq!(&*ask(&world, "hello").await.expect("answered").call.price_version, "1");
}

#[tokio::test]
async fn what_cannot_be_a_model_is_refused_and_nothing_is_said() {
    let world = given_a_program(Setup::default()).await;
    let said = |change: fn(&mut ModelDescription)| {
        let mut description = description();
        change(&mut description);
        description
    };
    let describe = async |id: &str, description| {
        world.admin.describe(permit(RIVAL), id, description).await.expect_err("refused")
    };
    let nobody = said(|it| it.provider = "nobody".parse().expect("a name"));
    let error = describe(NEW, nobody).await;
    assert!(matches!(error, ModelAdminError::UnknownProvider(_)), "{error:?}");
    for (id, description) in [
        ("a b", description()),
        (NEW, said(|it| it.aliases = vec!["fast".to_owned()])),
        (NEW, said(|it| it.aliases = vec![SMALL_MODEL.to_owned()])),
        (NEW, said(|it| it.output_cap = 8_001)),
        (NEW, said(|it| it.kind = ModelKind::Embedding { dimensions: 0 })),
        (NEW, said(|it| it.context_window = 0)),
    ] {
        let error = describe(id, description).await;
        assert!(matches!(error, ModelAdminError::Invalid(_)), "{id}: {error:?}");
    }
    let taken: InvalidModel = InvalidModel::Name("x".to_owned());
    assert!(taken.to_string().contains("no name of a model"));
    assert_eq!(world.entries().await.len(), 0);
    let listed = world.admin.list(permit(RIVAL)).await.expect("listed");
    assert_eq!(listed.len(), 4);
}

#[tokio::test]
async fn what_is_said_is_listed_and_entered_in_the_trail() {
    let world = given_a_program(Setup::default()).await;
    describe(&world, NEW).await;
    set_price(&world, (NEW, "v1"), None, Price::Free).await.expect("priced");
    world.admin.retire(permit(RIVAL), FREE_MODEL).await.expect("retired");
    let listed = world.admin.list(permit(RIVAL)).await.expect("listed");
    let ids: Vec<_> = listed.iter().map(|it| (it.model.id.as_str(), it.shipped)).collect();
    let shipped = [SMALL_MODEL, MEDIUM_MODEL, LARGE_MODEL, FREE_MODEL].map(|id| (id, true));
    assert_eq!(ids, [shipped.as_slice(), &[(NEW, false)]].concat());
    assert_eq!(listed[3].retired_at, Some(at(0)));
    let prices =
        |model: &Model| model.prices.iter().map(|it| it.version.clone()).collect::<Vec<_>>();
    assert_eq!(prices(&listed[4].model), ["v1"]);
    let again = world.admin.retire(permit(RIVAL), FREE_MODEL).await.err();
    assert!(matches!(again, Some(ModelAdminError::Unknown(_))), "{again:?}");
    let entries = world.entries().await;
    let told: Vec<_> = entries.iter().map(|it| (it.action, it.subject.as_str())).collect();
    let expected = [
        (Action::ModelDescribed, NEW),
        (Action::ModelPriced, NEW),
        (Action::ModelRetired, FREE_MODEL),
    ];
    assert_eq!(told, expected);
    // What was retired is back as soon as it is described again, at the prices that it had.
    let back = ModelDescription { aliases: vec![], ..description() };
    world.admin.describe(permit(RIVAL), FREE_MODEL, back).await.expect("described");
    polled(&world).await;
    let listed = world.admin.list(permit(RIVAL)).await.expect("listed");
    assert_eq!((listed[3].retired_at, prices(&listed[3].model)), (None, vec!["1".to_owned()]));
}
