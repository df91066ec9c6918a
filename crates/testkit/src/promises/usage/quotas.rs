//! How many calls a workspace has in a period.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    ids::WorkspaceId,
    store::{Durability, Scope, Store, StoreError},
    usage::QuotaPeriod,
};
use futures_util::future::join_all;

use super::super::{FOREIGN, conflicts::retried};
use crate::fixtures::{ACME, RIVAL, at};

/// Not one more; a higher limit lets more in, a lower one takes nothing back, and none is none.
pub async fn calls_are_counted_up_to_the_limit(store: &dyn Store) {
    assert_eq!(used(store, ACME, july()).await, 0);
    assert!(!take(store, ACME, july(), 0).await.expect("take"));
    assert_eq!(used(store, ACME, july()).await, 0);
    let taken = [(2, true), (2, true), (2, false), (3, true), (1, false), (3, false)];
    for (limit, expected) in taken {
        assert_eq!(take(store, ACME, july(), limit).await.expect("take"), expected, "{limit}");
    }
    assert_eq!(used(store, ACME, july()).await, 3);
    assert!(take(store, ACME, july(), 100_000_000_000).await.expect("take"), "enterprises ask");
}

/// Several are counted together, or none of them.
pub async fn several_calls_are_counted_all_or_none(store: &dyn Store) {
    let take = async |calls, limit| {
        let mut work = store.begin(Scope::Workspace(ACME), Durability::Process).await?;
        let taken = work.quotas().take(ACME, july(), calls, limit).await?;
        work.commit().await.map(|()| taken)
    };
    for (calls, limit, expected) in
        [(5, 4, false), (4, 5, true), (2, 5, false), (1, 5, true), (u64::MAX, 5, false)]
    {
        assert_eq!(take(calls, limit).await.ok(), Some(expected), "{calls} up to {limit}");
    }
    assert_eq!(used(store, ACME, july()).await, 5);
    let mut work = store.begin(Scope::Workspace(ACME), Durability::Process).await.expect("begin");
    work.quotas().give_back(ACME, july(), 3).await.expect("give back");
    work.commit().await.expect("commit");
    assert_eq!(used(store, ACME, july()).await, 2);
}

/// The test and the counting are one statement.
pub async fn of_a_hundred_calls_at_once_ten_are_counted(store: &dyn Store) {
    let takes = (0..100).map(|_| retried(async || take(store, ACME, july(), 10).await));
    let outcomes = join_all(takes).await;
    let counted = outcomes.iter().filter(|outcome| matches!(outcome, Ok(true))).count();
    let refused = outcomes.iter().filter(|outcome| matches!(outcome, Ok(false))).count();
    assert_eq!((counted, refused), (10, 90), "{outcomes:?}");
    assert_eq!(used(store, ACME, july()).await, 10);
}

/// What comes back can be taken again; nothing can come back that was not taken.
pub async fn what_is_given_back_is_never_below_zero(store: &dyn Store) {
    give_back(store, july()).await;
    assert_eq!(used(store, ACME, july()).await, 0);
    assert!(take(store, ACME, july(), 1).await.expect("take"));
    assert!(!take(store, ACME, july(), 1).await.expect("take"));
    give_back(store, july()).await;
    assert_eq!(used(store, ACME, july()).await, 0);
    assert!(take(store, ACME, july(), 1).await.expect("take"));
    for _ in 0..3 {
        give_back(store, july()).await;
    }
    assert_eq!(used(store, ACME, july()).await, 0);
    assert!(take(store, ACME, july(), 1).await.expect("take"));
    assert!(!take(store, ACME, july(), 1).await.expect("take"));
}

/// A new month is a new count, and nobody counts for another.
pub async fn each_period_and_each_workspace_counts_for_itself(store: &dyn Store) {
    let august = QuotaPeriod::month_of(july().end);
    assert!(take(store, ACME, july(), 1).await.expect("take"));
    assert!(take(store, ACME, august, 1).await.expect("take"));
    assert!(take(store, RIVAL, july(), 1).await.expect("take"));
    give_back(store, august).await;
    for (workspace, period, expected) in
        [(ACME, july(), 1), (ACME, august, 0), (RIVAL, july(), 1), (RIVAL, august, 0)]
    {
        assert_eq!(used(store, workspace, period).await, expected, "{period:?}");
    }
    let mut work = store.read(FOREIGN).await.expect("read");
    assert_eq!(work.quotas().used(ACME, july()).await.expect("used"), 0);
    let mut work = store.begin(FOREIGN, Durability::Process).await.expect("begin");
    let refused = work.quotas().take(ACME, july(), 1, 100).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    drop(work);
    assert_eq!(used(store, ACME, july()).await, 1);
}

fn july() -> QuotaPeriod {
    let days = 24 * 3_600;
    QuotaPeriod::month_of(at(190 * days))
}

async fn take(
    store: &dyn Store,
    workspace: WorkspaceId,
    period: QuotaPeriod,
    limit: u64,
) -> Result<bool, StoreError> {
    let mut work = store.begin(Scope::Workspace(workspace), Durability::Process).await?;
    let taken = work.quotas().take(workspace, period, 1, limit).await?;
    work.commit().await?;
    Ok(taken)
}

async fn give_back(store: &dyn Store, period: QuotaPeriod) {
    let mut work = store.begin(Scope::Workspace(ACME), Durability::Process).await.expect("begin");
    work.quotas().give_back(ACME, period, 1).await.expect("give back");
    work.commit().await.expect("commit");
}

async fn used(store: &dyn Store, workspace: WorkspaceId, period: QuotaPeriod) -> u64 {
    let mut work = store.read(Scope::Workspace(workspace)).await.expect("read");
    work.quotas().used(workspace, period).await.expect("used")
}
