//! What was used over a period.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    billing::Credits,
    store::{Scope, Store},
    time::Timestamp,
    usage::{Call, FailureKind, ModelUsage, Provider, QuotaPeriod, TokenCounts, UsdAmount},
};
use chrono::TimeDelta;

use super::{
    super::{FOREIGN, OWN},
    calls::{end, insert},
};
use crate::fixtures::{ACME, EVE, RIVAL, at, call, metered, timing, transaction_id};

/// What settled calls used and cost; the others are counted alone. Models that were charged the
/// same stand in the order of their names.
pub async fn usage_is_summed_by_model_and_the_dearest_is_first(store: &dyn Store) {
    let big = 4_000_000_000;
    settled(store, 10, ("b", Provider::OpenAi), 1, 5).await;
    settled(store, 11, ("b", Provider::OpenAi), big, 6).await;
    settled(store, 12, ("d", Provider::Anthropic), 100, 90).await;
    settled(store, 13, ("c", Provider::Gemini), 100, 11).await;
    settled(store, 14, ("a", Provider::Gemini), 7, 1).await;
    insert(store, &of("b", Provider::OpenAi, call(15))).await.expect("insert");
    failed(store, of("a", Provider::Gemini, call(16))).await;
    failed(store, of("a", Provider::Gemini, call(17))).await;
    failed(store, of("z", Provider::OpenAi, call(18))).await;
    settled_in_rival(store, 19).await;
    let period = QuotaPeriod { start: at(0), end: at(100) };
    let expected = [
        sum("d", Provider::Anthropic, [1, 0, 0], 100, 90),
        sum("b", Provider::OpenAi, [2, 0, 1], big + 1, 11),
        sum("c", Provider::Gemini, [1, 0, 0], 100, 11),
        sum("a", Provider::Gemini, [1, 2, 0], 7, 1),
        sum("z", Provider::OpenAi, [0, 1, 0], 0, 0),
    ];
    assert_eq!(usage(store, OWN, period).await, expected);
    assert_eq!(usage(store, Scope::Platform, period).await, expected);
    assert_eq!(usage(store, FOREIGN, period).await, []);
}

/// From its first instant to just before its end, whenever they were settled.
pub async fn usage_is_of_calls_admitted_in_the_period(store: &dyn Store) {
    let (start, end) = (at(1_000), at(2_000));
    let micro = TimeDelta::microseconds(1);
    let moments = [start - micro, start, end - micro, end];
    for (number, started_at) in (10..).zip(moments) {
        settled_at(store, number, started_at).await;
    }
    let period = QuotaPeriod { start, end };
    let expected = sum("m", Provider::OpenAi, [2, 0, 0], 11 + 12, 11 + 12);
    assert_eq!(usage(store, OWN, period).await, [expected]);
    let empty = QuotaPeriod { start: at(3_000), end: at(4_000) };
    assert_eq!(usage(store, OWN, empty).await, []);
}

async fn settled(
    store: &dyn Store,
    number: u32,
    (model, provider): (&str, Provider),
    unit: u64,
    charge: i64,
) {
    settle(store, of(model, provider, call(number)), unit, charge).await;
}

async fn settled_at(store: &dyn Store, number: u32, started_at: Timestamp) {
    let call = Call { started_at, ..of("m", Provider::OpenAi, call(number)) };
    settle(store, call, number.into(), number.into()).await;
}

async fn settled_in_rival(store: &dyn Store, number: u32) {
    let call = Call { workspace: RIVAL, user: EVE, ..of("b", Provider::OpenAi, call(number)) };
    settle(store, call, 1_000, 1_000).await;
}

async fn settle(store: &dyn Store, call: Call, unit: u64, charge: i64) {
    insert(store, &call).await.expect("insert");
    let cost = i64::try_from(unit).expect("small");
    let used = metered(tokens(unit), cost, charge);
    let settled = call.settle(used, Some(transaction_id(9)), timing(), at(5_000));
    end(store, &settled.expect("running")).await.expect("end");
}

async fn failed(store: &dyn Store, call: Call) {
    insert(store, &call).await.expect("insert");
    let failed = call.fail(FailureKind::Timeout, timing(), at(60)).expect("running");
    end(store, &failed).await.expect("end");
}

fn of(model: &str, provider: Provider, call: Call) -> Call {
    Call { model: model.to_owned(), provider, ..call }
}

/// Another multiple of the unit for each class.
fn tokens(unit: u64) -> TokenCounts {
    TokenCounts {
        input: unit,
        cached_input: 2 * unit,
        cache_write: 3 * unit,
        output: 4 * unit,
        reasoning: 5 * unit,
    }
}

fn sum(
    model: &str,
    provider: Provider,
    [settled, failed, running]: [u64; 3],
    unit: u64,
    charge: i64,
) -> ModelUsage {
    let cost = i64::try_from(unit).expect("small");
    ModelUsage {
        model: model.to_owned(),
        provider,
        settled,
        failed,
        running,
        tokens: tokens(unit),
        cost: UsdAmount::from_pico(cost).expect("nothing or more"),
        charge: Credits::from_micros(charge),
    }
}

async fn usage(store: &dyn Store, scope: Scope, period: QuotaPeriod) -> Vec<ModelUsage> {
    let mut work = store.read(scope).await.expect("read");
    work.calls().usage(ACME, period).await.expect("usage")
}
