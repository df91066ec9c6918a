//! How models answered.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use std::{collections::BTreeMap, time::Duration};

use cape_domain::{
    store::Store,
    usage::{
        Call, CallFilter, CallState, FailureKind, Group, GroupBy, GroupPerformance, Percentiles,
        Provider, Timing, Usage,
    },
};

use super::{
    super::OWN,
    steps::{ended, failed, filters, given, given_a_history, is_settled, of},
    summary::group,
};
use crate::fixtures::{ACME, call};

/// Counts, reasons, sums and percentiles, group by group, whatever is left out; and never more
/// than are wanted.
pub async fn performance_is_that_of_the_calls_that_came_back(store: &dyn Store) {
    let calls = given_a_history(store).await;
    for filter in filters() {
        for by in GroupBy::ALL {
            let mut groups = BTreeMap::<_, Vec<&Call>>::new();
            for call in calls.iter().filter(|call| filter.admits(call)) {
                if !matches!(call.state, CallState::Running { .. }) {
                    groups.entry(group(call, by)).or_default().push(call);
                }
            }
            let expected: Vec<_> =
                groups.into_iter().map(|(group, calls)| of_group(group, &calls)).collect();
            assert_eq!(performance(store, &filter, by, 100).await, expected, "{filter:?} {by}");
            let some = performance(store, &filter, by, 1).await;
            assert_eq!(some, expected[..expected.len().min(1)]);
        }
    }
}

/// Whatever their number: the nearest rank, and never a value between two.
pub async fn percentiles_are_values_that_were_measured(store: &dyn Store) {
    let slow = |micros| Timing {
        total: Duration::from_micros(micros),
        provider: Duration::from_micros(micros / 2),
        first_token: (micros % 2 == 0).then(|| Duration::from_micros(micros * 3)),
    };
    let mut calls = vec![];
    let mut number = 10;
    for (model, samples) in [("m001", 1), ("m002", 2), ("m019", 19), ("m021", 21), ("m101", 101)] {
        for micros in 1..=samples {
            let running = of(model, Provider::OPENAI, call(number));
            calls.push(ended(running, 1, 1, slow(micros)));
            number += 1;
        }
    }
    // Neither how long a failure took nor what is not back yet counts.
    calls.push(failed(of("m001", Provider::OPENAI, call(500)), FailureKind::Timeout));
    calls.push(of("m001", Provider::OPENAI, call(501)));
    given(store, &calls).await;
    let found = performance(store, &CallFilter::default(), GroupBy::Model, 100).await;
    let total: Vec<_> = found.iter().map(|model| micros(model.total)).collect();
    let expected = [
        Some((1, [1, 1, 1])),
        Some((2, [1, 2, 2])),
        Some((19, [10, 19, 19])),
        Some((21, [11, 20, 21])),
        Some((101, [51, 96, 100])),
    ];
    assert_eq!(total, expected);
    let provider: Vec<_> = found.iter().map(|model| micros(model.provider_time)).collect();
    assert_eq!(provider[4], Some((101, [25, 48, 50])));
    let first: Vec<_> = found.iter().map(|model| micros(model.first_token)).collect();
    assert_eq!(first[..2], [None, Some((1, [6, 6, 6]))]);
    assert_eq!(first[4], Some((50, [150, 288, 300])));
    assert_eq!((found[0].settled, found[0].failed()), (1, 1));
}

fn micros(percentiles: Option<Percentiles>) -> Option<(u64, [u128; 3])> {
    let Percentiles { samples, p50, p95, p99 } = percentiles?;
    Some((samples, [p50, p95, p99].map(|duration| duration.as_micros())))
}

fn of_group(group: Group, calls: &[&Call]) -> GroupPerformance {
    let sum = calls
        .iter()
        .fold(Usage::default(), |sum, call| sum.plus(Usage::of(&call.state)).expect("in range"));
    let timings: Vec<_> = calls
        .iter()
        .filter(|call| is_settled(call))
        .map(|call| match call.state {
            CallState::Settled { timing, .. } => timing,
            CallState::Running { .. } | CallState::Failed { .. } => panic!("{call:?}"),
        })
        .collect();
    let of_kind = |wanted| {
        let is = |call: &&&Call| matches!(&call.state, CallState::Failed { kind, .. } if *kind == wanted);
        (wanted, calls.iter().filter(is).count() as u64)
    };
    GroupPerformance {
        group,
        settled: sum.settled,
        failures: FailureKind::ALL.map(of_kind).into_iter().filter(|(_, many)| *many > 0).collect(),
        total: Percentiles::of(timings.iter().map(|timing| timing.total).collect()),
        provider_time: Percentiles::of(timings.iter().map(|timing| timing.provider).collect()),
        first_token: Percentiles::of(timings.iter().filter_map(|t| t.first_token).collect()),
        cost: sum.cost,
        charge: sum.charge,
    }
}

async fn performance(
    store: &dyn Store,
    filter: &CallFilter,
    by: GroupBy,
    most: u32,
) -> Vec<GroupPerformance> {
    let mut work = store.read(OWN).await.expect("read");
    work.reports().performance(ACME, filter, by, most).await.expect("performance")
}
