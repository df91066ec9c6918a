//! The control feed.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    access::{ControlChange, ControlEntry},
    ids::{ControlId, SessionId},
    store::{Durability, Store, StoreError},
    time::Timestamp,
};
use chrono::TimeDelta;

use super::super::OWN;
use crate::fixtures::{ACME, RIVAL, api_key, at, id};

/// Whoever reads the feed again from a moment misses nothing that was decided in that moment.
pub async fn the_control_feed_begins_at_the_asked_moment_with_the_oldest(store: &dyn Store) {
    let session = SessionId::new(id(10));
    let feed: Vec<ControlEntry> = [
        (12, 1, ControlChange::SessionEpoch { session, epoch: 3 }),
        (11, 2, ControlChange::ApiKeyChanged(api_key(10).id)),
        (10, 3, ControlChange::PlanChanged(ACME)),
        (13, 4, ControlChange::SwitchesChanged),
        (14, 5, ControlChange::PlansChanged),
        (15, 6, ControlChange::LimitsChanged),
        (16, 7, ControlChange::CatalogueChanged),
    ]
    .map(|(number, second, change)| entry(number, at(second), change))
    .into();
    for place in [3, 6, 4, 1, 5, 2, 0] {
        publish(store, &feed[place]).await.expect("publish");
    }
    assert_eq!(since(store, at(0)).await, feed);
    assert_eq!(since(store, at(2)).await, feed[1..]);
    assert_eq!(since(store, at(2) + TimeDelta::microseconds(1)).await, feed[2..]);
    assert_eq!(since(store, at(8)).await, []);
}

/// An entry is added once.
pub async fn the_same_control_entry_is_not_added_twice(store: &dyn Store) {
    let entry = entry(10, at(0), ControlChange::PlanChanged(RIVAL));
    publish(store, &entry).await.expect("publish");
    let second = publish(store, &entry).await;
    assert!(matches!(second, Err(StoreError::Conflict { .. })), "{second:?}");
    assert_eq!(since(store, at(0)).await, [entry]);
}

/// What was decided before it is gone, is counted, and can be gone already; what was decided in
/// that moment stays.
pub async fn the_control_feed_is_pruned_up_to_a_moment(store: &dyn Store) {
    let change = ControlChange::PlanChanged(ACME);
    let feed =
        [(12, 1), (11, 2), (10, 3)].map(|(number, second)| entry(number, at(second), change));
    for entry in &feed {
        publish(store, entry).await.expect("publish");
    }
    for (before, gone, left) in
        [(at(1), 0, &feed[..]), (at(3), 2, &feed[2..]), (at(3), 0, &feed[2..]), (at(9), 1, &[])]
    {
        let mut work = store.begin(OWN, Durability::Process).await.expect("begin");
        assert_eq!(work.control().prune(before).await.expect("prune"), gone, "{before}");
        work.commit().await.expect("commit");
        assert_eq!(since(store, at(0)).await, left);
    }
}

fn entry(number: u128, at: Timestamp, change: ControlChange) -> ControlEntry {
    ControlEntry { id: ControlId::new(id(number)), at, change }
}

async fn publish(store: &dyn Store, entry: &ControlEntry) -> Result<(), StoreError> {
    let mut work = store.begin(OWN, Durability::Power).await?;
    work.control().publish(entry).await?;
    work.commit().await
}

async fn since(store: &dyn Store, since: Timestamp) -> Vec<ControlEntry> {
    let mut read = store.read(OWN).await.expect("read");
    read.control().since(since).await.expect("since")
}
