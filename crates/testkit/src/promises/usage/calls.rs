//! Calls to models.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use std::time::Duration;

use cape_domain::{
    billing::BasisPoints,
    ids::{CallId, HoldId},
    store::{Durability, Scope, Store, StoreError},
    usage::{Call, CallFilter, CallState, FailureKind, Metered, Provider, Timing, TokenCounts},
};
use futures_util::future::join_all;

use super::super::{FOREIGN, OWN, conflicts::is_conflict, everything, pages};
use crate::fixtures::{
    ACME, EVE, RIVAL, at, call, credential_id, id, metered, timing, tokens, transaction_id,
};

/// With every class of tokens, every duration to the microsecond, and nothing where there was
/// nothing.
pub async fn a_call_is_read_back_in_each_state(store: &dyn Store) {
    let all = TokenCounts {
        input: 3_000_000_001,
        cached_input: 3_000_000_002,
        cache_write: 3_000_000_003,
        output: 3_000_000_004,
        reasoning: 3_000_000_005,
    };
    let used = Metered { estimated: true, ..metered(all, 9_007_199_254_740_993, 900_719_925_474) };
    let short =
        Timing { total: Duration::from_micros(1), provider: Duration::ZERO, first_token: None };
    let at = at(77);
    let settled = [(used, Some(transaction_id(9)), timing()), (Metered::default(), None, short)]
        .map(|(metered, transaction, timing)| CallState::Settled {
            metered,
            transaction,
            correction: None,
            timing,
            at,
        });
    let failed = FailureKind::ALL.map(|kind| CallState::Failed { kind, timing: timing(), at });
    let nothing = CallState::Failed { kind: FailureKind::Timeout, timing: short, at };
    for (number, state) in (10..).zip(settled.into_iter().chain(failed).chain([nothing])) {
        let running = Call {
            provider: [Provider::OPENAI, Provider::ANTHROPIC, Provider::GEMINI]
                [number as usize % 3],
            credential: (number % 2 == 1).then(|| credential_id(number)).into(),
            streamed: number % 2 == 0,
            hold: (number % 2 == 0).then(|| HoldId::new(id(number.into()))),
            markup: BasisPoints(number),
            ..call(number)
        };
        insert(store, &running).await.expect("insert");
        assert_eq!(find(store, OWN, running.id).await, Some(running.clone()));
        let (model, price_version) = ("another".to_owned(), "2".to_owned());
        let provider = "elsewhere".parse().expect("a name");
        // Another one may have answered, under the platform's key or under one of the workspace's.
        let credential = (number % 3 == 0).then(|| credential_id(number + 100)).into();
        let ended = Call { state, model, provider, credential, price_version, ..running };
        end(store, &ended).await.expect("end");
        assert_eq!(find(store, OWN, ended.id).await, Some(ended));
    }
    assert_eq!(find(store, OWN, call(9).id).await, None);
}

/// A second one with the same id is a conflict, and the first stays.
pub async fn a_call_is_admitted_once(store: &dyn Store) {
    insert(store, &call(10)).await.expect("insert");
    let again = insert(store, &Call { model: "another".to_owned(), ..call(10) }).await;
    assert!(is_conflict(&again), "{again:?}");
    assert_eq!(find(store, OWN, call(10).id).await, Some(call(10)));
}

/// A free call has none, and is found by none.
pub async fn a_call_is_found_by_its_hold(store: &dyn Store) {
    insert(store, &call(10)).await.expect("insert");
    insert(store, &Call { hold: None, ..call(11) }).await.expect("insert");
    let found = async |scope, number: u128| {
        let mut work = store.read(scope).await.expect("read");
        work.calls().find_by_hold(HoldId::new(id(number))).await.expect("find")
    };
    assert_eq!(found(OWN, 10).await, Some(call(10)));
    assert_eq!(found(Scope::Platform, 10).await, Some(call(10)));
    assert_eq!(found(FOREIGN, 10).await, None);
    assert_eq!(found(OWN, 11).await, None);
}

/// Whatever came first stands; one that was never admitted cannot end.
pub async fn a_call_ends_once(store: &dyn Store) {
    let settled = settle(call(10), 5);
    let failed = call(11).fail(FailureKind::Unavailable, timing(), at(60)).expect("running");
    for ended in [settled, failed] {
        insert(store, &call(number(&ended))).await.expect("insert");
        end(store, &ended).await.expect("end");
        let later = call(number(&ended)).fail(FailureKind::Timeout, timing(), at(90));
        for again in [later.expect("running"), settle(call(number(&ended)), 7)] {
            let outcome = end(store, &again).await;
            assert!(is_conflict(&outcome), "{outcome:?}");
        }
        assert_eq!(find(store, OWN, ended.id).await, Some(ended));
    }
    let unknown = end(store, &settle(call(12), 5)).await;
    assert!(is_conflict(&unknown), "{unknown:?}");
}

/// The row decides, not who was first to look.
pub async fn of_eight_who_end_a_call_one_succeeds(store: &dyn Store) {
    insert(store, &call(10)).await.expect("insert");
    let ends: Vec<_> = (1..=8).map(|charge| settle(call(10), charge)).collect();
    let outcomes = join_all(ends.iter().map(|ended| end(store, ended))).await;
    let won: Vec<_> = outcomes.iter().zip(&ends).filter(|(outcome, _)| outcome.is_ok()).collect();
    let told = outcomes.iter().filter(|outcome| is_conflict(outcome)).count();
    assert_eq!((won.len(), told), (1, 7), "{outcomes:?}");
    assert_eq!(find(store, OWN, call(10).id).await.as_ref(), Some(won[0].1));
}

/// All that it used, who answered it, and what corrected it; when it ended, and what paid for it
/// first, stay. Nothing is corrected that is no estimate, or was corrected before.
pub async fn an_estimate_is_corrected_once(store: &dyn Store) {
    let (estimate, told) = (estimate(call(10)), settle(call(11), 5));
    let failed = call(12).fail(FailureKind::Unavailable, timing(), at(60)).expect("running");
    for ended in [&estimate, &told, &failed] {
        insert(store, &call(number(ended))).await.expect("insert");
        end(store, ended).await.expect("end");
    }
    insert(store, &call(13)).await.expect("insert");
    let first = corrected(&estimate, 7);
    correct(store, &first).await.expect("corrected");
    assert_eq!(find(store, OWN, first.id).await.as_ref(), Some(&first));
    let claims = [11, 12, 13, 14].map(|number| Call { id: call(number).id, ..first.clone() });
    for again in [corrected(&estimate, 8)].iter().chain(&claims) {
        let outcome = correct(store, again).await;
        assert!(is_conflict(&outcome), "{outcome:?}");
    }
    for stored in [first, told, failed, call(13)] {
        assert_eq!(find(store, OWN, stored.id).await, Some(stored));
    }
}

/// The row decides, not who was first to look.
pub async fn of_eight_who_correct_an_estimate_one_succeeds(store: &dyn Store) {
    let estimate = estimate(call(10));
    insert(store, &call(10)).await.expect("insert");
    end(store, &estimate).await.expect("end");
    let all: Vec<_> = (1..=8).map(|charge| corrected(&estimate, charge)).collect();
    let outcomes = join_all(all.iter().map(|call| correct(store, call))).await;
    let won: Vec<_> = outcomes.iter().zip(&all).filter(|(outcome, _)| outcome.is_ok()).collect();
    let told = outcomes.iter().filter(|outcome| is_conflict(outcome)).count();
    assert_eq!((won.len(), told), (1, 7), "{outcomes:?}");
    assert_eq!(find(store, OWN, estimate.id).await.as_ref(), Some(won[0].1));
}

/// All of it, and of this call alone.
pub async fn a_checkpoint_replaces_what_was_used_so_far(store: &dyn Store) {
    insert(store, &call(10)).await.expect("insert");
    insert(store, &call(11)).await.expect("insert");
    for (output, estimated) in [(5, true), (90, false), (7, true)] {
        let so_far = Metered { estimated, ..metered(tokens(120, output), 1_000, 2) };
        checkpoint(store, OWN, call(10).id, &so_far).await;
        let expected = Call { state: CallState::Running { so_far }, ..call(10) };
        assert_eq!(find(store, OWN, call(10).id).await, Some(expected));
    }
    assert_eq!(find(store, OWN, call(11).id).await, Some(call(11)));
}

/// However late it comes, and whoever it comes from; nor does it make a call.
pub async fn a_checkpoint_does_not_touch_a_call_that_has_ended(store: &dyn Store) {
    let failed = call(11).fail(FailureKind::RateLimited, timing(), at(60)).expect("running");
    for ended in [settle(call(10), 5), failed] {
        insert(store, &call(number(&ended))).await.expect("insert");
        end(store, &ended).await.expect("end");
        checkpoint(store, OWN, ended.id, &metered(tokens(999, 999), 999, 999)).await;
        assert_eq!(find(store, OWN, ended.id).await, Some(ended));
    }
    checkpoint(store, OWN, call(12).id, &Metered::default()).await;
    assert_eq!(find(store, OWN, call(12).id).await, None);
}

/// By the moment, then by the id, without a gap or a repetition, and nobody else's.
pub async fn calls_are_listed_newest_first_page_by_page(store: &dyn Store) {
    let mut all: Vec<_> = (10..15).map(call).collect();
    all[1].started_at = at(100);
    all[2].started_at = at(100);
    all[3].started_at = at(100);
    all[4].started_at = at(99);
    for call in &all {
        insert(store, call).await.expect("insert");
    }
    insert(store, &Call { workspace: RIVAL, user: EVE, ..call(90) }).await.expect("insert");
    let ended = settle(all[2].clone(), 5);
    end(store, &ended).await.expect("end");
    all[2] = ended;
    let expected: Vec<_> = [3, 2, 1, 4, 0].map(|place| all[place].clone()).into();
    for limit in 1..=5 {
        let found = pages(limit, async |page| {
            let mut work = store.read(OWN).await.expect("read");
            work.reports().list(ACME, &CallFilter::default(), page).await.expect("list")
        });
        assert_eq!(found.await, expected);
    }
}

/// Neither by name nor in a list.
pub async fn another_workspace_sees_no_call(store: &dyn Store) {
    insert(store, &call(10)).await.expect("insert");
    for (scope, seen) in [(FOREIGN, 0), (OWN, 1), (Scope::Platform, 1)] {
        let mut work = store.read(scope).await.expect("read");
        let list = work.reports().list(ACME, &CallFilter::default(), everything()).await;
        let list = list.expect("list");
        assert_eq!(list.rows.len(), seen, "{scope:?}");
        assert_eq!(find(store, scope, call(10).id).await.iter().count(), seen, "{scope:?}");
    }
}

/// Nobody writes into a workspace that is not theirs, and what they tried leaves no trace.
pub async fn a_write_of_usage_out_of_scope_is_refused(store: &dyn Store) {
    insert(store, &call(10)).await.expect("insert");
    let begin = async || store.begin(FOREIGN, Durability::Process).await.expect("begin");
    let mut outcomes = vec![begin().await.calls().insert(&call(11)).await];
    outcomes.push(begin().await.calls().end(&settle(call(10), 5)).await);
    outcomes.push(begin().await.calls().correct(&corrected(&estimate(call(10)), 5)).await);
    for outcome in outcomes {
        assert!(matches!(outcome, Err(StoreError::Corrupt { .. })), "{outcome:?}");
    }
    // A checkpoint names no workspace: to others the call is not there.
    checkpoint(store, FOREIGN, call(10).id, &Metered::default()).await;
    assert_eq!(find(store, OWN, call(10).id).await, Some(call(10)));
    assert_eq!(find(store, OWN, call(11).id).await, None);
}

fn settle(call: Call, charge: i64) -> Call {
    let used = metered(tokens(120, 30), 36_000_000, charge);
    call.settle(used, Some(transaction_id(9)), timing(), at(60)).expect("running")
}

/// A call that was charged by an estimate.
fn estimate(call: Call) -> Call {
    let used = Metered { estimated: true, ..metered(tokens(4, 0), 600_000, 72) };
    call.settle(used, Some(transaction_id(9)), timing(), at(60)).expect("running")
}

/// The same, with what it really used, by another model.
fn corrected(estimate: &Call, charge: i64) -> Call {
    let (model, price_version) = ("another".to_owned(), "2".to_owned());
    let provider = "elsewhere".parse().expect("a name");
    let credential = Some(credential_id(40)).into();
    let answered_by = Call { model, provider, credential, price_version, ..estimate.clone() };
    let used = metered(tokens(120, 30), 36_000_000, charge);
    let short =
        Timing { total: Duration::from_micros(1), provider: Duration::ZERO, first_token: None };
    let corrected = estimate.clone().correct(&answered_by, used, Some(transaction_id(8)), short);
    corrected.expect("an estimate")
}

fn number(call: &Call) -> u32 {
    u32::try_from(call.id.raw().as_u128()).expect("small")
}

pub(super) async fn insert(store: &dyn Store, call: &Call) -> Result<(), StoreError> {
    let mut work = store.begin(Scope::Workspace(call.workspace), Durability::Process).await?;
    work.calls().insert(call).await?;
    work.commit().await
}

pub(super) async fn end(store: &dyn Store, call: &Call) -> Result<(), StoreError> {
    let mut work = store.begin(Scope::Workspace(call.workspace), Durability::Process).await?;
    work.calls().end(call).await?;
    work.commit().await
}

async fn correct(store: &dyn Store, call: &Call) -> Result<(), StoreError> {
    let mut work = store.begin(Scope::Workspace(call.workspace), Durability::Process).await?;
    work.calls().correct(call).await?;
    work.commit().await
}

async fn checkpoint(store: &dyn Store, scope: Scope, id: CallId, so_far: &Metered) {
    let mut work = store.begin(scope, Durability::Process).await.expect("begin");
    work.calls().checkpoint(id, so_far).await.expect("checkpoint");
    work.commit().await.expect("commit");
}

async fn find(store: &dyn Store, scope: Scope, id: CallId) -> Option<Call> {
    let mut work = store.read(scope).await.expect("read");
    work.calls().find(id).await.expect("find")
}
