//! What was used over a period.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use std::collections::BTreeMap;

use cape_domain::{
    billing::Credits,
    store::{Scope, Store},
    usage::{
        Call, CallFilter, FailureKind, Group, GroupBy, GroupUsage, Provider, QuotaPeriod, Usage,
        UsdAmount,
    },
};
use chrono::TimeDelta;

use super::{
    super::{FOREIGN, OWN},
    steps::{ended, failed, filters, given, given_a_history, of, tokens},
};
use crate::fixtures::{ACME, EVE, RIVAL, at, call, timing};

/// What settled calls used and cost; the others are counted alone. Models that were charged the
/// same stand in the order of their names.
pub async fn usage_is_summed_by_model_and_the_dearest_is_first(store: &dyn Store) {
    let big = 4_000_000_000;
    let settled = |number, model: &str, provider, unit, charge| {
        ended(of(model, provider, call(number)), unit, charge, timing())
    };
    let foreign = Call { workspace: RIVAL, user: EVE, ..call(19) };
    given(
        store,
        &[
            settled(10, "b", Provider::OPENAI, 1, 5),
            settled(11, "b", Provider::OPENAI, big, 6),
            settled(12, "d", Provider::ANTHROPIC, 100, 90),
            settled(13, "c", Provider::GEMINI, 100, 11),
            settled(14, "a", Provider::GEMINI, 7, 1),
            of("b", Provider::OPENAI, call(15)),
            failed(of("a", Provider::GEMINI, call(16)), FailureKind::Timeout),
            failed(of("a", Provider::GEMINI, call(17)), FailureKind::Timeout),
            failed(of("z", Provider::OPENAI, call(18)), FailureKind::Timeout),
            ended(of("b", Provider::OPENAI, foreign), 1_000, 1_000, timing()),
        ],
    )
    .await;
    let period = QuotaPeriod { start: at(0), end: at(100) };
    let expected = [
        sum("d", Provider::ANTHROPIC, [1, 0, 0], 100, 90),
        sum("b", Provider::OPENAI, [2, 0, 1], big + 1, 11),
        sum("c", Provider::GEMINI, [1, 0, 0], 100, 11),
        sum("a", Provider::GEMINI, [1, 2, 0], 7, 1),
        sum("z", Provider::OPENAI, [0, 1, 0], 0, 0),
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
    let calls = (10..).zip(moments).map(|(number, started_at)| {
        let call = Call { started_at, ..of("m", Provider::OPENAI, call(number)) };
        ended(call, number.into(), number.into(), timing())
    });
    given(store, &calls.collect::<Vec<_>>()).await;
    let period = QuotaPeriod { start, end };
    let expected = sum("m", Provider::OPENAI, [2, 0, 0], 11 + 12, 11 + 12);
    assert_eq!(usage(store, OWN, period).await, [expected]);
    let empty = QuotaPeriod { start: at(3_000), end: at(4_000) };
    assert_eq!(usage(store, OWN, empty).await, []);
}

/// By user, key, model and provider, whatever is left out; and never more than are wanted.
pub async fn every_group_adds_up_to_its_calls(store: &dyn Store) {
    let calls = given_a_history(store).await;
    for filter in filters() {
        for by in GroupBy::ALL {
            let mut groups = BTreeMap::<_, Usage>::new();
            for call in calls.iter().filter(|call| filter.admits(call)) {
                let sum = groups.entry(group(call, by)).or_default();
                *sum = sum.plus(Usage::of(&call.state)).expect("in range");
            }
            let groups = groups.into_iter().map(|(group, usage)| GroupUsage { group, usage });
            let mut expected: Vec<_> = groups.collect();
            GroupUsage::dearest_first(&mut expected);
            let mut work = store.read(OWN).await.expect("read");
            let found = work.reports().totals(ACME, &filter, by, 100).await.expect("totals");
            assert_eq!(found, expected, "{filter:?} {by}");
            let some = work.reports().totals(ACME, &filter, by, 1).await.expect("totals");
            assert_eq!(some.len(), expected.len().min(1));
        }
    }
}

/// The group of a call.
pub(super) fn group(call: &Call, by: GroupBy) -> Group {
    match by {
        GroupBy::User => Group::User(call.user),
        GroupBy::Key => Group::Key(call.key),
        GroupBy::Model => Group::Model { model: call.model.clone(), provider: call.provider },
        GroupBy::Provider => Group::Provider(call.provider),
    }
}

fn sum(
    model: &str,
    provider: Provider,
    [settled, failed, running]: [u64; 3],
    unit: u64,
    charge: i64,
) -> GroupUsage {
    let cost = i64::try_from(unit).expect("small");
    GroupUsage {
        group: Group::Model { model: model.to_owned(), provider },
        usage: Usage {
            settled,
            failed,
            running,
            tokens: tokens(unit),
            cost: UsdAmount::from_pico(cost).expect("nothing or more"),
            charge: Credits::from_micros(charge),
        },
    }
}

async fn usage(store: &dyn Store, scope: Scope, period: QuotaPeriod) -> Vec<GroupUsage> {
    let filter = CallFilter::default().over(period);
    let mut work = store.read(scope).await.expect("read");
    work.reports().totals(ACME, &filter, GroupBy::Model, 100).await.expect("usage")
}
