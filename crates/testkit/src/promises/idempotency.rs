//! Requests that carried an idempotency key.
//!
//! # Panics
//!
//! Every promise panics when the backend breaks it.
#![expect(clippy::missing_panics_doc, reason = "said once, above")]
use cape_domain::{
    audit::Sealed,
    idempotency::{Entry, EntryState, Requester, RequesterId},
    store::{Durability, Scope, Store, StoreError},
    time::Timestamp,
};
use chrono::TimeDelta;
use futures_util::future::join_all;

use super::{FOREIGN, OWN, conflicts::retried};
use crate::fixtures::{
    ADA, EVE, RIVAL, api_key, at, fingerprint, idempotency_entry, sealed_answer,
};

const MANY: u32 = 64;

/// What was reserved is found as it was stored, and so is its answer.
pub async fn a_request_is_found_by_who_asked_and_its_key(store: &dyn Store) {
    let entry = idempotency_entry(10);
    assert_eq!(found(store, &entry).await, None);
    assert!(reserve(store, &entry).await.expect("reserve"));
    assert_eq!(found(store, &entry).await, Some(entry.clone()));
    assert_eq!(found(store, &idempotency_entry(11)).await, None);
    let expires_at = at(500);
    assert!(answer(store, &entry, &sealed_answer(1), expires_at).await);
    let state = EntryState::Answered { answer: sealed_answer(1) };
    assert_eq!(found(store, &entry).await, Some(Entry { state, expires_at, ..entry }));
}

/// A key that was used is used, whatever it is used for.
pub async fn a_key_is_reserved_once(store: &dyn Store) {
    let first = idempotency_entry(10);
    let second = Entry { id: idempotency_entry(11).id, fingerprint: fingerprint(11), ..first };
    assert!(reserve(store, &idempotency_entry(10)).await.expect("reserve"));
    assert!(!reserve(store, &second).await.expect("refused"));
    assert_eq!(found(store, &second).await, Some(idempotency_entry(10)));
}

/// Nobody waits in vain, and nobody is told what is not so.
pub async fn of_sixty_four_who_reserve_a_key_one_does(store: &dyn Store) {
    let entry = |number| Entry { id: idempotency_entry(number).id, ..idempotency_entry(10) };
    let claims = (0..MANY).map(|number| async move {
        let entry = entry(100 + number);
        retried(async || reserve(store, &entry).await).await.expect("an answer")
    });
    let won = join_all(claims).await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1);
}

/// The same key of another person, of a program, or in another workspace is another key.
pub async fn each_requester_has_keys_of_its_own(store: &dyn Store) {
    let own = idempotency_entry(10);
    let as_id = |id| Requester { id, ..own.requester };
    let others = [
        as_id(RequesterId::User(EVE)),
        as_id(RequesterId::ApiKey(api_key(10).id)),
        Requester { workspace: RIVAL, ..own.requester },
    ];
    assert!(reserve(store, &own).await.expect("reserve"));
    for (number, requester) in (11..).zip(others) {
        let entry = Entry { id: idempotency_entry(number).id, requester, ..own.clone() };
        assert!(
            reserve_in(store, Scope::Platform, &entry).await.expect("reserve"),
            "{requester:?}"
        );
        assert_eq!(found(store, &entry).await, Some(entry));
    }
    assert_eq!(found(store, &own).await, Some(own));
}

/// An attempt is resumed when its lease ran out, and not in the moment before.
pub async fn an_attempt_is_resumed_when_its_lease_ran_out(store: &dyn Store) {
    let first = idempotency_entry(10);
    reserve(store, &first).await.expect("reserve");
    let over = first.begun_at + Entry::LEASE;
    let early = first.clone().resume(over - TimeDelta::microseconds(1));
    assert!(!resume(store, &early).await.expect("refused"));
    assert_eq!(found(store, &first).await, Some(first.clone()));
    let second = first.clone().resume(over);
    assert!(resume(store, &second).await.expect("resume"));
    assert_eq!(found(store, &first).await, Some(second.clone()));
    let again = first.resume(over + Entry::LEASE);
    assert!(!resume(store, &again).await.expect("refused"), "the second attempt was begun");
    assert!(resume(store, &second.resume(over + Entry::LEASE)).await.expect("resume"));
}

/// Of many who find the same attempt given up, one goes on.
pub async fn of_sixty_four_who_resume_an_attempt_one_does(store: &dyn Store) {
    let first = idempotency_entry(10);
    reserve(store, &first).await.expect("reserve");
    let second = first.clone().resume(first.begun_at + Entry::LEASE);
    let claims = (0..MANY).map(|_| retried(async || resume(store, &second).await));
    let outcomes = join_all(claims).await;
    let won = outcomes.into_iter().map(|won| won.expect("an answer")).filter(|won| *won).count();
    assert_eq!(won, 1);
    assert_eq!(found(store, &first).await, Some(second));
}

/// Who is at it keeps the others away for as long as it says so.
pub async fn a_lease_is_renewed_by_the_attempt_that_has_it(store: &dyn Store) {
    let first = idempotency_entry(10);
    reserve(store, &first).await.expect("reserve");
    assert!(renew(store, &first, at(100)).await);
    assert!(!resume(store, &first.clone().resume(at(99))).await.expect("refused"));
    let second = first.clone().resume(at(100));
    assert!(resume(store, &second).await.expect("resume"));
    assert!(!renew(store, &first, at(200)).await, "it is not the last one any more");
    assert!(renew(store, &second, at(101)).await);
    let state = EntryState::Reserved { until: at(101) };
    assert_eq!(found(store, &first).await, Some(Entry { state, ..second }));
}

/// Who was taken for dead and comes back changes nothing.
pub async fn only_the_last_attempt_says_how_it_ended(store: &dyn Store) {
    let first = idempotency_entry(10);
    reserve(store, &first).await.expect("reserve");
    let second = first.clone().resume(at(100));
    resume(store, &second).await.expect("resume");
    assert!(!answer(store, &first, &sealed_answer(1), at(500)).await);
    assert!(!forget(store, &first).await);
    assert_eq!(found(store, &first).await, Some(second.clone()));
    assert!(answer(store, &second, &sealed_answer(2), at(500)).await);
    assert!(!answer(store, &second, &sealed_answer(3), at(500)).await, "there is one already");
    assert!(!renew(store, &second, at(600)).await);
    assert!(!resume(store, &second.clone().resume(at(700))).await.expect("refused"));
    let answered = found(store, &second).await.expect("an entry");
    assert_eq!(answered.state, EntryState::Answered { answer: sealed_answer(2) });
}

/// What came to nothing leaves the key free.
pub async fn a_request_that_is_forgotten_leaves_its_key_free(store: &dyn Store) {
    let first = idempotency_entry(10);
    reserve(store, &first).await.expect("reserve");
    assert!(forget(store, &first).await);
    assert_eq!(found(store, &first).await, None);
    assert!(!forget(store, &first).await);
    let anew = Entry { id: idempotency_entry(11).id, fingerprint: fingerprint(11), ..first };
    assert!(reserve(store, &anew).await.expect("reserve"));
}

/// What expired goes, the oldest first and so many at a time; what did not stays.
pub async fn expired_requests_are_pruned_a_few_at_a_time(store: &dyn Store) {
    let entries: Vec<Entry> = [12, 10, 13, 11].map(idempotency_entry).into();
    for entry in &entries {
        reserve(store, entry).await.expect("reserve");
    }
    let expiry = |number| idempotency_entry(number).expires_at;
    let before = expiry(10) - TimeDelta::microseconds(1);
    for (now, most, gone, left) in [
        (before, 10, 0, &[10, 11, 12, 13][..]),
        (expiry(12), 2, 2, &[12, 13]),
        (expiry(12), 2, 1, &[13]),
        (expiry(12), 2, 0, &[13]),
        (expiry(13), 2, 1, &[]),
    ] {
        let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
        let pruned = work.idempotency().prune(now, most).await.expect("prune");
        work.commit().await.expect("commit");
        assert_eq!(pruned, gone, "{now}");
        for number in 10..=13 {
            let is_left = found(store, &idempotency_entry(number)).await.is_some();
            assert_eq!(is_left, left.contains(&number), "{number} at {now}");
        }
    }
}

/// Another workspace neither sees a request nor changes it, nor stores one here.
pub async fn another_workspace_does_not_reach_a_request(store: &dyn Store) {
    let entry = idempotency_entry(10);
    let refused = reserve_in(store, FOREIGN, &entry).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    reserve(store, &entry).await.expect("reserve");

    let mut work = store.begin(FOREIGN, Durability::Process).await.expect("begin");
    let requests = work.idempotency();
    assert_eq!(requests.find(&entry.requester, entry.key).await.expect("find"), None);
    assert!(!requests.renew(entry.id, 1, at(900)).await.expect("renew"));
    assert!(!requests.resume(&entry.clone().resume(at(900))).await.expect("resume"));
    assert!(!requests.answer(entry.id, 1, &sealed_answer(1), at(900)).await.expect("answer"));
    assert!(!requests.forget(entry.id, 1).await.expect("forget"));
    assert_eq!(requests.prune(at(1_000_000), 10).await.expect("prune"), 0);
    work.commit().await.expect("commit");
    assert_eq!(found(store, &entry).await, Some(entry));
}

/// An answer becomes known with the change that it tells of, or not at all.
pub async fn an_answer_is_committed_with_its_effect(store: &dyn Store) {
    let entry = idempotency_entry(10);
    reserve(store, &entry).await.expect("reserve");
    let mut work = store.begin(OWN, Durability::Power).await.expect("begin");
    work.api_keys().insert(&api_key(10)).await.expect("insert");
    let requests = work.idempotency();
    assert!(requests.answer(entry.id, 1, &sealed_answer(1), at(500)).await.expect("answer"));
    drop(work);
    assert_eq!(found(store, &entry).await, Some(entry.clone()));

    let mut work = store.begin(OWN, Durability::Power).await.expect("begin");
    work.api_keys().insert(&api_key(10)).await.expect("insert");
    let requests = work.idempotency();
    assert!(requests.answer(entry.id, 1, &sealed_answer(1), at(500)).await.expect("answer"));
    work.commit().await.expect("commit");
    let mut read = store.read(OWN).await.expect("read");
    assert!(read.api_keys().find(api_key(10).id).await.expect("find").is_some());
    let stored = read.idempotency().find(&entry.requester, entry.key).await.expect("find");
    let answered = EntryState::Answered { answer: sealed_answer(1) };
    assert_eq!(stored.map(|stored| stored.state), Some(answered));
    assert_eq!(sealed_answer(1).person, ADA);
}

async fn reserve(store: &dyn Store, entry: &Entry) -> Result<bool, StoreError> {
    reserve_in(store, OWN, entry).await
}

async fn reserve_in(store: &dyn Store, scope: Scope, entry: &Entry) -> Result<bool, StoreError> {
    let mut work = store.begin(scope, Durability::Process).await?;
    let done = work.idempotency().reserve(entry).await?;
    work.commit().await?;
    Ok(done)
}

async fn resume(store: &dyn Store, entry: &Entry) -> Result<bool, StoreError> {
    let mut work = store.begin(OWN, Durability::Process).await?;
    let done = work.idempotency().resume(entry).await?;
    work.commit().await?;
    Ok(done)
}

async fn renew(store: &dyn Store, entry: &Entry, until: Timestamp) -> bool {
    let mut work = store.begin(OWN, Durability::Process).await.expect("begin");
    let done = work.idempotency().renew(entry.id, entry.attempt, until).await.expect("renew");
    work.commit().await.expect("commit");
    done
}

async fn answer(store: &dyn Store, entry: &Entry, sealed: &Sealed, expires_at: Timestamp) -> bool {
    let mut work = store.begin(OWN, Durability::Process).await.expect("begin");
    let requests = work.idempotency();
    let done = requests.answer(entry.id, entry.attempt, sealed, expires_at).await.expect("answer");
    work.commit().await.expect("commit");
    done
}

async fn forget(store: &dyn Store, entry: &Entry) -> bool {
    let mut work = store.begin(OWN, Durability::Process).await.expect("begin");
    let done = work.idempotency().forget(entry.id, entry.attempt).await.expect("forget");
    work.commit().await.expect("commit");
    done
}

async fn found(store: &dyn Store, entry: &Entry) -> Option<Entry> {
    let mut read = store.read(Scope::Platform).await.expect("read");
    read.idempotency().find(&entry.requester, entry.key).await.expect("find")
}

/// The promises about requests that carried a key, one test each.
#[doc(hidden)]
#[macro_export]
macro_rules! idempotency_promises {
    ($fresh:expr) => {
        $crate::each_promise!(idempotency, $fresh;
            a_request_is_found_by_who_asked_and_its_key
            a_key_is_reserved_once
            of_sixty_four_who_reserve_a_key_one_does
            each_requester_has_keys_of_its_own
            an_attempt_is_resumed_when_its_lease_ran_out
            of_sixty_four_who_resume_an_attempt_one_does
            a_lease_is_renewed_by_the_attempt_that_has_it
            only_the_last_attempt_says_how_it_ended
            a_request_that_is_forgotten_leaves_its_key_free
            expired_requests_are_pruned_a_few_at_a_time
            another_workspace_does_not_reach_a_request
            an_answer_is_committed_with_its_effect
        );
    };
}
