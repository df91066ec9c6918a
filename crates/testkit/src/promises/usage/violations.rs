//! Calls that limits refused.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    ids::{ViolationId, WorkspaceId},
    page::PageRequest,
    store::{Durability, Scope, Store},
    usage::{Refused, Violation},
};
use chrono::TimeDelta;

use super::super::{FOREIGN, OWN};
use crate::fixtures::{ACME, ADA, RIVAL, api_key, at, id};

fn violation(number: u128, workspace: WorkspaceId, minute: i64, calls: u64) -> Violation {
    let refused = Refused {
        workspace,
        user: ADA,
        key: api_key(10).id,
        rule: "requests_per_minute".to_owned(),
        scope: "workspace",
        minute: at(0) + TimeDelta::minutes(minute),
    };
    Violation { id: ViolationId::new(id(number)), refused, calls }
}

/// Whoever asks without end makes no more rows than one who asks once.
pub async fn what_is_refused_in_a_minute_is_counted_in_one_row(store: &dyn Store) {
    let first = violation(10, ACME, 0, 3);
    let other = violation(11, ACME, 1, 1);
    let mut elsewhere = violation(12, ACME, 0, 5);
    "another".clone_into(&mut elsewhere.refused.rule);
    count(store, &[first.clone(), other.clone(), elsewhere.clone()]).await;
    count(store, &[violation(13, ACME, 0, 4)]).await;
    let sum = Violation { calls: 7, ..first };
    assert_eq!(list(store, OWN, ACME).await, [other, elsewhere, sum]);
}

/// The newest first, page by page, and nobody else's.
pub async fn refused_calls_are_listed_for_their_workspace(store: &dyn Store) {
    let mut own: Vec<_> =
        (0..5).map(|n| violation(10 + n, ACME, i64::try_from(n).expect("a few") / 2, 1)).collect();
    for (number, one) in own.iter_mut().enumerate() {
        one.refused.rule = format!("rule-{number}");
    }
    let foreign = violation(20, RIVAL, 0, 1);
    count(store, &own).await;
    count(store, std::slice::from_ref(&foreign)).await;
    own.reverse();
    let mut read = store.read(OWN).await.expect("read");
    let page = PageRequest::new(None, 3).expect("a page");
    let first = read.violations().list(ACME, page).await.expect("listed");
    let page = PageRequest::new(first.next, 3).expect("a page");
    let second = read.violations().list(ACME, page).await.expect("listed");
    assert_eq!((first.rows, second.rows, second.next), (own[..3].into(), own[3..].into(), None));
    assert_eq!(list(store, FOREIGN, RIVAL).await, [foreign]);
    assert_eq!(list(store, OWN, RIVAL).await, []);
}

/// What is old is nobody's business any more.
pub async fn refused_calls_of_long_ago_are_forgotten(store: &dyn Store) {
    let [old, new] = [violation(10, ACME, 0, 1), violation(11, ACME, 1, 1)];
    count(store, &[old, new.clone()]).await;
    let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
    assert_eq!(work.violations().forget(new.refused.minute).await.expect("forgotten"), 1);
    work.commit().await.expect("commit");
    assert_eq!(list(store, OWN, ACME).await, [new]);
}

async fn count(store: &dyn Store, violations: &[Violation]) {
    let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
    work.violations().count(violations).await.expect("counted");
    work.commit().await.expect("commit");
}

async fn list(store: &dyn Store, scope: Scope, workspace: WorkspaceId) -> Vec<Violation> {
    let mut read = store.read(scope).await.expect("read");
    read.violations().list(workspace, PageRequest::first()).await.expect("listed").rows
}
