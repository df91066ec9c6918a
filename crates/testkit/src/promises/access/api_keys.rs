//! API keys, from their making to their end.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    access::{ApiKey, KeyState},
    page::{Page, PageRequest},
    store::{Durability, Scope, Store, StoreError},
    text::Name,
    time::Timestamp,
};
use chrono::TimeDelta;

use super::super::{FOREIGN, OWN, everything, pages};
use crate::fixtures::{EVE, RIVAL, api_key, at};

/// Everything about a key comes back as it was, to the microsecond.
pub async fn a_key_is_read_back_as_it_was(store: &dyn Store) {
    let revoked = ApiKey { state: KeyState::Revoked { at: at(7) }, ..api_key(11) };
    let odd =
        ApiKey { secret_hash: [0xFF; 32], name: named("Zoë's ключ 🔑"), ..api_key(12) };
    for key in [api_key(10), revoked, odd] {
        insert(store, &key).await.expect("insert");
        assert_eq!(find(store, OWN, &key).await, Some(key));
    }
    assert_eq!(find(store, OWN, &api_key(13)).await, None);
}

/// A key that exists already is a conflict, and stays as it was.
pub async fn the_same_key_is_not_stored_twice(store: &dyn Store) {
    insert(store, &api_key(10)).await.expect("insert");
    let second = insert(store, &ApiKey { name: named("another"), ..api_key(10) }).await;
    assert!(matches!(second, Err(StoreError::Conflict { .. })), "{second:?}");
    assert_eq!(find(store, OWN, &api_key(10)).await, Some(api_key(10)));
}

/// Keys of one tenant are invisible to every other, in every way of looking.
pub async fn another_workspace_sees_no_key(store: &dyn Store) {
    let foreign = ApiKey { workspace: RIVAL, owner: EVE, ..api_key(11) };
    insert(store, &api_key(10)).await.expect("insert");
    insert(store, &foreign).await.expect("insert");
    for (scope, own, other) in
        [(OWN, api_key(10), &foreign), (FOREIGN, foreign.clone(), &api_key(10))]
    {
        assert_eq!(find(store, scope, other).await, None);
        assert_eq!(list(store, scope, everything()).await.rows, [own]);
    }
    assert_eq!(list(store, Scope::Platform, everything()).await.rows, [foreign, api_key(10)]);
}

/// Pages follow one another without a gap or a repetition.
pub async fn keys_are_listed_newest_first_page_by_page(store: &dyn Store) {
    let mut keys: Vec<ApiKey> = (10..17).map(api_key).collect();
    // A key whose id is the newest, and whose time is not.
    keys[6].created_at = keys[2].created_at + TimeDelta::microseconds(1);
    for key in &keys {
        insert(store, key).await.expect("insert");
    }
    let expected: Vec<_> = [5, 4, 3, 6, 2, 1, 0].map(|place| keys[place].clone()).into();
    assert_eq!(pages(2, async |page| list(store, OWN, page).await).await, expected);
    assert_eq!(pages(7, async |page| list(store, OWN, page).await).await, expected);
}

/// Of keys made in the same instant, the one with the higher id comes first.
pub async fn keys_of_one_instant_are_listed_by_id(store: &dyn Store) {
    let keys: Vec<_> =
        (10..15).map(|number| ApiKey { created_at: at(0), ..api_key(number) }).collect();
    for place in [3, 0, 4, 2, 1] {
        insert(store, &keys[place]).await.expect("insert");
    }
    let expected: Vec<_> = keys.into_iter().rev().collect();
    assert_eq!(pages(2, async |page| list(store, OWN, page).await).await, expected);
}

/// A page begins after its cursor, whatever happened to the row that made it.
pub async fn a_page_goes_on_after_a_key_that_was_revoked_meanwhile(store: &dyn Store) {
    for number in 10..14 {
        insert(store, &api_key(number)).await.expect("insert");
    }
    let request = |after| PageRequest::new(after, 2).expect("in range");
    let first = list(store, OWN, request(None)).await;
    assert_eq!(first.rows, [api_key(13), api_key(12)]);
    revoke(store, OWN, &api_key(12), at(60)).await.expect("revoke");
    let second = list(store, OWN, request(first.next)).await;
    assert_eq!(second, Page { rows: vec![api_key(11), api_key(10)], next: None });
}

/// A revoked key is still known, so that it can be refused by name.
pub async fn a_revoked_key_is_found_and_no_longer_listed(store: &dyn Store) {
    insert(store, &api_key(10)).await.expect("insert");
    insert(store, &api_key(11)).await.expect("insert");
    revoke(store, OWN, &api_key(11), at(60)).await.expect("revoke");
    assert_eq!(find(store, OWN, &api_key(11)).await, Some(api_key(11).revoke(at(60))));
    assert_eq!(list(store, OWN, everything()).await.rows, [api_key(10)]);
}

/// The first revocation stands.
pub async fn a_key_is_revoked_once(store: &dyn Store) {
    insert(store, &api_key(10)).await.expect("insert");
    revoke(store, OWN, &api_key(10), at(60)).await.expect("revoke");
    let second = revoke(store, OWN, &api_key(10), at(61)).await;
    assert!(matches!(second, Err(StoreError::Conflict { .. })), "{second:?}");
    assert_eq!(find(store, OWN, &api_key(10)).await, Some(api_key(10).revoke(at(60))));
}

/// A key of somebody else's is as good as none.
pub async fn a_key_that_is_not_there_or_not_ours_is_not_revoked(store: &dyn Store) {
    insert(store, &api_key(10)).await.expect("insert");
    for (scope, key) in [(FOREIGN, api_key(10)), (OWN, api_key(11))] {
        let refused = revoke(store, scope, &key, at(60)).await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    }
    assert_eq!(find(store, OWN, &api_key(10)).await, Some(api_key(10)));
}

pub(super) fn named(name: &str) -> Name {
    name.parse().expect("a name")
}

pub(super) async fn insert(store: &dyn Store, key: &ApiKey) -> Result<(), StoreError> {
    let mut work = store.begin(Scope::Workspace(key.workspace), Durability::Power).await?;
    work.api_keys().insert(key).await?;
    work.commit().await
}

pub(super) async fn revoke(
    store: &dyn Store,
    scope: Scope,
    key: &ApiKey,
    at: Timestamp,
) -> Result<(), StoreError> {
    let mut work = store.begin(scope, Durability::Power).await?;
    work.api_keys().revoke(key.id, at).await?;
    work.commit().await
}

pub(super) async fn find(store: &dyn Store, scope: Scope, like: &ApiKey) -> Option<ApiKey> {
    let mut read = store.read(scope).await.expect("read");
    read.api_keys().find(like.id).await.expect("find")
}

pub(super) async fn list(store: &dyn Store, scope: Scope, page: PageRequest) -> Page<ApiKey> {
    let mut read = store.read(scope).await.expect("read");
    read.api_keys().list(page).await.expect("list")
}
