//! The trail and the keys of persons.
//!
//! # Panics
//!
//! Every promise panics when the backend breaks it.
#![expect(clippy::missing_panics_doc, reason = "said once, above")]
use cape_domain::{
    access::Principal,
    audit::{Action, AuditEntry, PersonalKey, Sealed},
    ids::UserId,
    json::RawJson,
    page::{Page, PageRequest},
    store::{Durability, Scope, Store, StoreError},
};
use chrono::TimeDelta;

use super::{FOREIGN, OWN, everything, pages};
use crate::fixtures::{ADA, EVE, RIVAL, SESSION, api_key, audit_entry, personal_key};

/// Everything about an entry comes back as it was: whoever did it, and whatever it was.
pub async fn an_entry_is_read_back_as_it_was(store: &dyn Store) {
    let key = api_key(10);
    let principals = [
        Principal::System,
        Principal::ApiKey { id: key.id, owner: key.owner },
        Principal::User { id: ADA, session: SESSION, impersonated_by: None },
        Principal::User { id: ADA, session: SESSION, impersonated_by: Some(EVE) },
    ];
    let mut entries: Vec<AuditEntry> = (10..)
        .zip(Action::ALL)
        .zip(principals.into_iter().cycle())
        .map(|((number, action), principal)| AuditEntry {
            action,
            principal,
            ..audit_entry(number)
        })
        .collect();
    entries[0].before = Some(RawJson::new(r#"{"state":"active"}"#));
    entries[1].after = Some(RawJson::new(r#"{"note":"Zoë","list":[1,2.50,null]}"#));
    entries[2].personal = Some(Sealed { person: ADA, ciphertext: (0..=255).collect() });
    for entry in &entries {
        append(store, OWN, entry).await.expect("append");
    }
    entries.reverse();
    assert_eq!(list(store, OWN, everything()).await.rows, entries);
}

/// Pages follow one another without a gap or a repetition.
pub async fn the_trail_is_listed_newest_first_page_by_page(store: &dyn Store) {
    let mut entries: Vec<AuditEntry> = (10..17).map(audit_entry).collect();
    // One whose id is the newest and whose time is not, and two of the same instant.
    entries[6].at = entries[2].at + TimeDelta::microseconds(1);
    entries[1].at = entries[0].at;
    for entry in &entries {
        append(store, OWN, entry).await.expect("append");
    }
    let expected: Vec<_> = [5, 4, 3, 6, 2, 1, 0].map(|place| entries[place].clone()).into();
    assert_eq!(pages(2, async |page| list(store, OWN, page).await).await, expected);
    assert_eq!(pages(6, async |page| list(store, OWN, page).await).await, expected);
}

/// Entries of one tenant are invisible to every other.
pub async fn another_workspace_sees_no_entry(store: &dyn Store) {
    let foreign = AuditEntry { workspace: RIVAL, ..audit_entry(11) };
    append(store, OWN, &audit_entry(10)).await.expect("append");
    append(store, FOREIGN, &foreign).await.expect("append");
    assert_eq!(list(store, OWN, everything()).await.rows, [audit_entry(10)]);
    assert_eq!(list(store, FOREIGN, everything()).await.rows, std::slice::from_ref(&foreign));
    let all = list(store, Scope::Platform, everything()).await.rows;
    assert_eq!(all, [foreign, audit_entry(10)]);
}

/// Nobody writes into somebody else's trail.
pub async fn an_entry_out_of_scope_is_refused(store: &dyn Store) {
    let refused = append(store, FOREIGN, &audit_entry(10)).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    assert_eq!(list(store, Scope::Platform, everything()).await.rows, []);
}

/// An entry is never replaced.
pub async fn the_same_entry_is_not_added_twice(store: &dyn Store) {
    append(store, OWN, &audit_entry(10)).await.expect("append");
    let forged = AuditEntry { subject: "something else".to_owned(), ..audit_entry(10) };
    let second = append(store, OWN, &forged).await;
    assert!(matches!(second, Err(StoreError::Conflict { .. })), "{second:?}");
    assert_eq!(list(store, OWN, everything()).await.rows, [audit_entry(10)]);
}

/// A second key would make unreadable what lies under the first.
pub async fn a_person_has_one_key(store: &dyn Store) {
    assert_eq!(find_key(store, ADA).await, None);
    insert_key(store, &personal_key(ADA)).await.expect("insert");
    let second = insert_key(store, &PersonalKey { person: ADA, wrapped: vec![0, 255] }).await;
    assert!(matches!(second, Err(StoreError::Conflict { .. })), "{second:?}");
    assert_eq!(find_key(store, ADA).await, Some(personal_key(ADA)));
    assert_eq!(find_key(store, EVE).await, None);
}

/// Of two who make a person's first key at once, one is told.
pub async fn of_two_first_keys_one_is_stored(store: &dyn Store) {
    let other = PersonalKey { person: ADA, wrapped: vec![0, 255] };
    let first = personal_key(ADA);
    let outcomes = tokio::join!(insert_key(store, &first), insert_key(store, &other));
    let stored = match outcomes {
        (Ok(()), Err(StoreError::Conflict { .. })) => first,
        (Err(StoreError::Conflict { .. }), Ok(())) => other,
        unexpected => panic!("{unexpected:?}"),
    };
    assert_eq!(find_key(store, ADA).await, Some(stored));
}

async fn append(store: &dyn Store, scope: Scope, entry: &AuditEntry) -> Result<(), StoreError> {
    let mut work = store.begin(scope, Durability::Power).await?;
    work.trail().append(entry).await?;
    work.commit().await
}

async fn list(store: &dyn Store, scope: Scope, page: PageRequest) -> Page<AuditEntry> {
    let mut read = store.read(scope).await.expect("read");
    read.trail().list(page).await.expect("list")
}

async fn insert_key(store: &dyn Store, key: &PersonalKey) -> Result<(), StoreError> {
    let mut work = store.begin(OWN, Durability::Power).await?;
    work.personal_keys().insert(key).await?;
    work.commit().await
}

async fn find_key(store: &dyn Store, person: UserId) -> Option<PersonalKey> {
    let mut read = store.read(FOREIGN).await.expect("read");
    read.personal_keys().find(person).await.expect("find")
}

/// The promises of the area `audit`, one test each.
#[doc(hidden)]
#[macro_export]
macro_rules! audit_promises {
    ($fresh:expr) => {
        $crate::each_promise!(audit, $fresh;
            an_entry_is_read_back_as_it_was
            the_trail_is_listed_newest_first_page_by_page
            another_workspace_sees_no_entry
            an_entry_out_of_scope_is_refused
            the_same_entry_is_not_added_twice
            a_person_has_one_key
            of_two_first_keys_one_is_stored
        );
    };
}
