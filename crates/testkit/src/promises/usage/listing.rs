//! Calls, listed and counted.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    page::PageRequest,
    store::{Scope, Store},
    usage::{Call, CallFilter, GroupBy, QuotaPeriod},
};

use super::{
    super::{FOREIGN, OWN, everything, pages},
    steps::{filters, given_a_history},
};
use crate::fixtures::{ACME, at};

/// All that a filter admits, in their order, whatever the pages.
pub async fn calls_are_listed_and_counted_by_what_is_asked(store: &dyn Store) {
    let calls = given_a_history(store).await;
    for filter in filters() {
        let mut expected: Vec<_> =
            calls.iter().filter(|call| filter.admits(call)).cloned().collect();
        expected.sort_by_key(|call| std::cmp::Reverse((call.started_at, call.id)));
        for limit in [7, 100] {
            assert_eq!(listed(store, OWN, &filter, limit).await, expected, "{filter:?}");
        }
        let found = expected.len() as u64;
        for (most, counted) in [(1_000, found), (10, found.min(10)), (0, 0)] {
            let mut work = store.read(OWN).await.expect("read");
            let count = work.reports().count(ACME, &filter, most).await.expect("counted");
            assert_eq!(count, counted, "{filter:?}");
        }
    }
}

/// It is a place in time: there is nothing that the filter does not admit, and nothing twice.
pub async fn a_cursor_of_one_filter_is_a_place_in_the_list_of_another(store: &dyn Store) {
    given_a_history(store).await;
    let (all, some) = (CallFilter::default(), filters().swap_remove(1));
    let mut work = store.read(OWN).await.expect("read");
    let page = PageRequest::new(None, 20).expect("in range");
    let first = work.reports().list(ACME, &all, page).await.expect("listed");
    let next = PageRequest::new(first.next, 100).expect("in range");
    let rest = work.reports().list(ACME, &some, next).await.expect("listed").rows;
    let expected: Vec<_> = listed(store, OWN, &some, 100).await;
    let expected: Vec<_> = expected.into_iter().filter(|call| !first.rows.contains(call)).collect();
    assert_eq!(rest, expected);
}

/// Neither listed, nor counted, nor in any sum.
pub async fn another_workspace_sees_no_report(store: &dyn Store) {
    let calls = given_a_history(store).await;
    let (all, period) = (CallFilter::default(), QuotaPeriod { start: at(0), end: at(1_000_000) });
    for (scope, seen) in [(FOREIGN, false), (OWN, true), (Scope::Platform, true)] {
        let mut work = store.read(scope).await.expect("read");
        let reports = work.reports();
        let count = reports.count(ACME, &all, 1_000).await.expect("counted");
        assert_eq!(count, if seen { calls.len() as u64 } else { 0 }, "{scope:?}");
        let list = reports.list(ACME, &all, everything()).await.expect("listed");
        let totals = reports.totals(ACME, &all, GroupBy::Key, 10).await.expect("totals");
        let series = reports.series(ACME, &all, &[period], None, 10).await.expect("series");
        let performance =
            reports.performance(ACME, &all, GroupBy::Key, 10).await.expect("performance");
        let found =
            [list.rows.len(), totals.len(), series.len(), performance.len()].map(|many| many > 0);
        assert_eq!(found, [seen; 4], "{scope:?}");
    }
}

async fn listed(store: &dyn Store, scope: Scope, filter: &CallFilter, limit: u32) -> Vec<Call> {
    pages(limit, async |page| {
        let mut work = store.read(scope).await.expect("read");
        work.reports().list(ACME, filter, page).await.expect("listed")
    })
    .await
}
