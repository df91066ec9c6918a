//! Which price a call is charged by.
use std::sync::Arc;

use cape_domain::{
    time::Timestamp,
    usage::{
        CachePoint, ChatRequest, Model, ModelClass, Price, PriceBook, PricedVersion, Provider,
        TokenPrices,
    },
};
use cape_services::usage::{ChatError, NewCall};
use cape_testkit::fixtures::{SMALL_MODEL, at, completion, model, tokens};
use chrono::TimeDelta;
use tokio::sync::Notify;

use super::{ask, begin, given_a_program, nothing_happened, question, refusal, settled};
use crate::world::{Setup, World};

/// So many million-millionths of a dollar for every token.
const fn flat(pico: u64) -> Price {
    let (input, output) = (pico, pico);
    Price::Tokens(TokenPrices { input, cached_input: 0, cache_write: 0, output, request: 0 })
}

fn version(version: &str, effective_at: Timestamp, price: Price) -> PricedVersion {
    PricedVersion { version: version.to_owned(), effective_at, price }
}

async fn given_prices(prices: Vec<PricedVersion>) -> World {
    let small = model(SMALL_MODEL, Provider::OPENAI, ModelClass::Small, Price::Free);
    let book = PriceBook::new(vec![Model { prices, ..small }]).expect("a sound book");
    let world = given_a_program(Setup { book, ..Setup::default() }).await;
    world.give(1, 1_000_000_000).await;
    world
}

#[tokio::test]
async fn a_price_holds_from_its_date() {
    let prices = vec![version("old", at(0), flat(100_000)), version("new", at(60), flat(200_000))];
    let world = given_prices(prices).await;
    for (expected, charge) in [("old", 240), ("new", 480)] {
        world.models.will_answer(completion("hi", Some(tokens(10, 10))));
        let call = ask(&world, "hello").await.expect("answered").call;
        let price = (call.price_version.as_str(), settled(&call).charge.micros());
        assert_eq!(price, (expected, charge));
        world.pass(TimeDelta::seconds(60)).await;
    }
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_call_is_charged_by_the_price_it_was_admitted_by() {
    let prices = vec![version("old", at(0), flat(100_000)), version("new", at(60), flat(200_000))];
    let world = given_prices(prices).await;
    let gate = Arc::new(Notify::new());
    world.models.will_answer_after(gate.clone(), completion("hi", Some(tokens(10, 10))));
    let task = begin(&world, "hello").await;
    world.pass(TimeDelta::seconds(61)).await;
    gate.notify_one();
    let call = task.await.expect("a task").expect("answered").call;
    assert_eq!((call.price_version.as_str(), settled(&call).charge.micros()), ("old", 240));
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn a_charge_is_rounded_up_to_a_millionth_of_a_credit() {
    let world = given_prices(vec![version("odd", at(0), flat(1))]).await;
    world.models.will_answer(completion("hi", Some(tokens(1, 0))));
    let call = ask(&world, "hello").await.expect("answered").call;
    assert_eq!((settled(&call).cost.pico(), settled(&call).charge.micros()), (1, 1));
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn an_unknown_price_is_not_free() {
    let world = given_prices(vec![version("later", at(60), flat(100_000))]).await;
    let refused = refusal(&world, question("hello")).await;
    assert!(matches!(&refused, ChatError::UnknownPrice(m) if m == SMALL_MODEL), "{refused:?}");
    nothing_happened(&world, 1_000_000_000).await;
}

#[tokio::test]
async fn a_worst_case_that_fits_into_no_amount_is_refused() {
    let world = given_prices(vec![version("absurd", at(0), flat(u64::MAX))]).await;
    let refused = refusal(&world, question("hello")).await;
    assert!(matches!(refused, ChatError::TooLarge), "{refused:?}");
    nothing_happened(&world, 1_000_000_000).await;
}

#[tokio::test]
async fn what_is_to_be_kept_is_held_for_as_if_all_of_it_were_written_to_the_cache() {
    let prices = TokenPrices {
        input: 100_000,
        cached_input: 10_000,
        cache_write: 1_000_000,
        output: 0,
        request: 0,
    };
    let small = model(SMALL_MODEL, Provider::OPENAI, ModelClass::Small, Price::Tokens(prices));
    let book = PriceBook::new(vec![small]).expect("a sound book");
    let world = given_a_program(Setup { book, ..Setup::default() }).await;
    world.give(1, 1).await;
    // 5 bytes and 32 around them, and a fifth on top.
    for (cache_points, held) in [(vec![], 444), (vec![CachePoint::End], 4_440)] {
        let new = question("hello");
        let chat = ChatRequest { cache_points, ..new.chat };
        match refusal(&world, NewCall { chat, ..new }).await {
            ChatError::InsufficientCredits { needed, .. } => assert_eq!(needed.micros(), held),
            other => panic!("{other:?}"),
        }
    }
    nothing_happened(&world, 1).await;
}
