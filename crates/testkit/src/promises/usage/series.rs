//! What was used part by part of a period.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use std::collections::BTreeMap;

use cape_domain::{
    store::Store,
    usage::{Bucket, BucketUsage, Call, CallFilter, Group, GroupBy, Provider, QuotaPeriod, Usage},
};
use chrono::TimeDelta;

use super::{
    super::OWN,
    steps::{beginning, ended, filters, given, given_a_history, of},
    summary::group,
};
use crate::fixtures::{ACME, at, call, timing};

/// By the hour and by the day, in groups or not, whatever is left out; and never more than are
/// wanted.
pub async fn every_part_of_a_series_adds_up_to_its_calls(store: &dyn Store) {
    let calls = given_a_history(store).await;
    let whole = QuotaPeriod {
        start: beginning() + TimeDelta::minutes(11),
        end: beginning() + TimeDelta::hours(65),
    };
    for filter in filters() {
        for bucket in Bucket::ALL {
            let parts = bucket.cut(whole).expect("few");
            for by in GroupBy::ALL.into_iter().map(Some).chain([None]) {
                let expected = expected(&calls, &filter, &parts, by);
                let mut work = store.read(OWN).await.expect("read");
                let found = work.reports().series(ACME, &filter, &parts, by, 10_000).await;
                assert_eq!(sorted(found.expect("series")), expected, "{filter:?} {bucket} {by:?}");
                let some = work.reports().series(ACME, &filter, &parts, by, 2).await;
                assert_eq!(some.expect("series").len(), expected.len().min(2));
            }
        }
    }
}

/// To the microsecond, and in a series that is as long as one may be.
pub async fn a_part_begins_with_its_first_instant_and_ends_before_its_last(store: &dyn Store) {
    let micro = TimeDelta::microseconds(1);
    let start = at(1_000_000);
    let parts: Vec<_> = (0..744)
        .map(|hour| start + TimeDelta::hours(hour))
        .map(|start| QuotaPeriod { start, end: start + TimeDelta::hours(1) })
        .collect();
    let moments = [
        start - micro,
        start,
        start + TimeDelta::hours(1) - micro,
        start + TimeDelta::hours(1),
        start + TimeDelta::hours(744) - micro,
        start + TimeDelta::hours(744),
    ];
    let calls = (10..).zip(moments).map(|(number, started_at)| {
        let call = Call { started_at, ..of("m", Provider::OPENAI, call(number)) };
        ended(call, 1, 1, timing())
    });
    given(store, &calls.collect::<Vec<_>>()).await;
    let mut work = store.read(OWN).await.expect("read");
    let all = CallFilter::default();
    let found = work.reports().series(ACME, &all, &parts, None, 10).await.expect("series");
    let found: Vec<_> =
        sorted(found).into_iter().map(|cell| (cell.bucket, cell.usage.settled)).collect();
    assert_eq!(found, [(0, 2), (1, 1), (743, 1)]);
    assert_eq!(work.reports().series(ACME, &all, &[], None, 10).await.expect("series"), []);
}

fn expected(
    calls: &[Call],
    filter: &CallFilter,
    parts: &[QuotaPeriod],
    by: Option<GroupBy>,
) -> Vec<BucketUsage> {
    let mut sums = BTreeMap::<(usize, Option<Group>), Usage>::new();
    for call in calls.iter().filter(|call| filter.admits(call)) {
        let within =
            |part: &QuotaPeriod| part.start <= call.started_at && call.started_at < part.end;
        if let Some(bucket) = parts.iter().position(within) {
            let sum = sums.entry((bucket, by.map(|by| group(call, by)))).or_default();
            *sum = sum.plus(Usage::of(&call.state)).expect("in range");
        }
    }
    let cell = |((bucket, group), usage)| BucketUsage { bucket, group, usage };
    sums.into_iter().map(cell).collect()
}

fn sorted(mut cells: Vec<BucketUsage>) -> Vec<BucketUsage> {
    cells.sort_by(|a, b| (a.bucket, &a.group).cmp(&(b.bucket, &b.group)));
    cells
}
