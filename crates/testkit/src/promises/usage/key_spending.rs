//! What keys with a spending cap have spent.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    access::ApiKey,
    billing::Credits,
    store::{Durability, Store, StoreError},
};
use futures_util::future::join_all;

use super::super::{OWN, conflicts::retried};
use crate::fixtures::api_key;

/// To the last millionth of a credit, and each key for itself. What is refused counts nothing; a
/// higher cap lets more in, a lower one takes nothing back.
pub async fn a_key_spends_up_to_its_cap(store: &dyn Store) {
    let keys = stored_keys(store).await;
    let [key, other] = &keys;
    assert_eq!(spent(store, key).await, micros(0));
    assert!(!take(store, key, 11, 10).await.expect("take"), "more than there ever is");
    for (amount, cap, expected, sum) in [
        (4, 10, true, 4),
        (7, 10, false, 4),
        (6, 10, true, 10),
        (1, 10, false, 10),
        (1, 5, false, 10),
        (0, 10, true, 10),
        (i64::MAX - 10, i64::MAX, true, i64::MAX),
    ] {
        let taken = take(store, key, amount, cap).await.expect("take");
        assert_eq!(taken, expected, "{amount} of {cap}");
        assert_eq!(spent(store, key).await, micros(sum), "{amount} of {cap}");
    }
    assert_eq!(spent(store, other).await, micros(0));
}

/// The test and the counting are one statement.
pub async fn of_a_hundred_who_spend_at_once_ten_fit(store: &dyn Store) {
    let [key, _] = stored_keys(store).await;
    let spend = || retried(async || take(store, &key, 3, 32).await);
    let outcomes = join_all((0..100).map(|_| spend())).await;
    let counted = outcomes.iter().filter(|outcome| matches!(outcome, Ok(true))).count();
    let refused = outcomes.iter().filter(|outcome| matches!(outcome, Ok(false))).count();
    assert_eq!((counted, refused), (10, 90), "{outcomes:?}");
    assert_eq!(spent(store, &key).await, micros(30));
}

/// Down and up, even beyond the cap: what was used was used. Then nothing more fits.
pub async fn what_a_key_spent_is_corrected(store: &dyn Store) {
    let [key, other] = stored_keys(store).await;
    assert!(take(store, &key, 8, 10).await.expect("take"));
    assert!(take(store, &other, 8, 10).await.expect("take"));
    for (counted, actual, sum) in [(8, 3, 3), (3, 3, 3), (3, 0, 0), (0, 4, 4), (4, 15, 15)] {
        correct(store, &key, counted, actual).await;
        assert_eq!(spent(store, &key).await, micros(sum), "{counted} was {actual}");
    }
    assert!(!take(store, &key, 1, 10).await.expect("take"));
    assert!(take(store, &key, 1, 16).await.expect("take"));
    assert_eq!(spent(store, &other).await, micros(8));
}

/// Where nothing is counted, nothing is corrected.
pub async fn a_key_that_was_never_counted_stays_uncounted(store: &dyn Store) {
    let [key, _] = stored_keys(store).await;
    correct(store, &key, 0, 5).await;
    assert_eq!(spent(store, &key).await, micros(0));
    assert!(take(store, &key, 10, 10).await.expect("take"));
}

const fn micros(micros: i64) -> Credits {
    Credits::from_micros(micros)
}

async fn stored_keys(store: &dyn Store) -> [ApiKey; 2] {
    let keys = [api_key(10), api_key(11)];
    let mut work = store.begin(OWN, Durability::Power).await.expect("begin");
    for key in &keys {
        work.api_keys().insert(key).await.expect("insert");
    }
    work.commit().await.expect("commit");
    keys
}

async fn take(store: &dyn Store, key: &ApiKey, amount: i64, cap: i64) -> Result<bool, StoreError> {
    let mut work = store.begin(OWN, Durability::Process).await?;
    let taken = work.key_spending().take(key.id, micros(amount), micros(cap)).await?;
    work.commit().await?;
    Ok(taken)
}

async fn correct(store: &dyn Store, key: &ApiKey, counted: i64, actual: i64) {
    let mut work = store.begin(OWN, Durability::Process).await.expect("begin");
    let corrected = work.key_spending().correct(key.id, micros(counted), micros(actual)).await;
    corrected.expect("correct");
    work.commit().await.expect("commit");
}

async fn spent(store: &dyn Store, key: &ApiKey) -> Credits {
    let mut read = store.read(OWN).await.expect("read");
    read.key_spending().spent(key.id).await.expect("spent")
}
