//! What is good once.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    accounts::{OneTimeToken, Purpose},
    ids::{OneTimeId, UserId},
    store::{Durability, Scope, Store, StoreError},
};
use futures_util::future::join_all;

use super::super::conflicts::retried;
use crate::fixtures::{ADA, EVE, at, one_time};

/// Everything about a token comes back as it was, by its id and as the one of its purpose.
pub async fn a_one_time_token_is_read_back_with_every_purpose(store: &dyn Store) {
    for (purpose, number) in Purpose::ALL.into_iter().zip(10..) {
        let token = OneTimeToken {
            salt: [0xFF; 32],
            attempts: number,
            counted_since: at(-1),
            ..one_time(number, purpose)
        };
        put(store, &token).await;
        assert_eq!(find(store, token.id).await, Some(token.clone()));
        assert_eq!(current(store, ADA, purpose).await, Some(token));
    }
}

/// Of one purpose a user has one at a time. Those of other purposes, and of others, stay.
pub async fn a_one_time_token_replaces_the_one_for_the_same_purpose_alone(store: &dyn Store) {
    let first = one_time(10, Purpose::SignIn);
    let other = one_time(11, Purpose::ResetPassword);
    let foreign = OneTimeToken { user: EVE, ..one_time(12, Purpose::SignIn) };
    for token in [&first, &other, &foreign] {
        put(store, token).await;
    }
    // The next is the older one by its id: what is put last stands.
    let next = OneTimeToken { attempts: 3, ..one_time(9, Purpose::SignIn) };
    put(store, &next).await;
    assert_eq!(find(store, first.id).await, None);
    assert_eq!(current(store, ADA, Purpose::SignIn).await, Some(next));
    assert_eq!(current(store, ADA, Purpose::ResetPassword).await, Some(other));
    assert_eq!(current(store, EVE, Purpose::SignIn).await, Some(foreign));
}

/// As many as there may be and not one more, of this token alone. One that is gone has none.
pub async fn attempts_are_counted_up_to_the_most(store: &dyn Store) {
    let (token, other) = (one_time(10, Purpose::SignIn), one_time(11, Purpose::ClaimEmail));
    put(store, &token).await;
    put(store, &other).await;
    for (most, expected) in
        [(0, false), (2, true), (2, true), (2, false), (3, true), (1, false), (3, false)]
    {
        let counted = count_attempt(store, token.id, most).await.expect("count");
        assert_eq!(counted, expected, "{most}");
    }
    assert_eq!(find(store, token.id).await, Some(OneTimeToken { attempts: 3, ..token }));
    assert_eq!(find(store, other.id).await, Some(other));
    let gone = one_time(12, Purpose::SignIn).id;
    assert!(!count_attempt(store, gone, 5).await.expect("count"));
}

/// The test and the counting are one statement.
pub async fn of_twenty_attempts_at_once_five_are_let_in(store: &dyn Store) {
    let token = one_time(10, Purpose::SignIn);
    put(store, &token).await;
    let attempt = || retried(async || count_attempt(store, token.id, 5).await);
    let outcomes = join_all((0..20).map(|_| attempt())).await;
    let counted = outcomes.iter().filter(|outcome| matches!(outcome, Ok(true))).count();
    let refused = outcomes.iter().filter(|outcome| matches!(outcome, Ok(false))).count();
    assert_eq!((counted, refused), (5, 15), "{outcomes:?}");
    assert_eq!(find(store, token.id).await, Some(OneTimeToken { attempts: 5, ..token }));
}

/// What was used is gone, and nothing else is.
pub async fn a_one_time_token_is_consumed_once(store: &dyn Store) {
    let (token, other) = (one_time(10, Purpose::SignIn), one_time(11, Purpose::VerifyEmail));
    put(store, &token).await;
    put(store, &other).await;
    assert!(consume(store, token.id).await.expect("consume"));
    assert!(!consume(store, token.id).await.expect("consume"));
    assert_eq!(find(store, token.id).await, None);
    assert_eq!(current(store, ADA, Purpose::SignIn).await, None);
    assert_eq!(find(store, other.id).await, Some(other));
}

/// The test and the deletion are one statement.
pub async fn of_eight_who_consume_a_one_time_token_one_succeeds(store: &dyn Store) {
    let token = one_time(10, Purpose::ResetPassword);
    put(store, &token).await;
    let use_up = || retried(async || consume(store, token.id).await);
    let outcomes = join_all((0..8).map(|_| use_up())).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let consumed = outcomes.iter().filter(|outcome| matches!(outcome, Ok(true))).count();
    assert_eq!(consumed, 1, "{outcomes:?}");
}

/// Whatever it was for.
pub async fn clearing_one_time_tokens_leaves_other_users_alone(store: &dyn Store) {
    for (purpose, number) in Purpose::ALL.into_iter().zip(10..) {
        put(store, &one_time(number, purpose)).await;
    }
    let foreign = OneTimeToken { user: EVE, ..one_time(20, Purpose::SignIn) };
    put(store, &foreign).await;
    for _ in 0..2 {
        let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
        work.one_time().clear(ADA).await.expect("clear");
        work.commit().await.expect("commit");
        for purpose in Purpose::ALL {
            assert_eq!(current(store, ADA, purpose).await, None, "{purpose:?}");
        }
        assert_eq!(current(store, EVE, Purpose::SignIn).await.as_ref(), Some(&foreign));
    }
}

async fn put(store: &dyn Store, token: &OneTimeToken) {
    let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    work.one_time().put(token).await.expect("put");
    work.commit().await.expect("commit");
}

async fn count_attempt(store: &dyn Store, id: OneTimeId, most: u32) -> Result<bool, StoreError> {
    let mut work = store.begin(Scope::Platform, Durability::Process).await?;
    let counted = work.one_time().count_attempt(id, most).await?;
    work.commit().await?;
    Ok(counted)
}

async fn consume(store: &dyn Store, id: OneTimeId) -> Result<bool, StoreError> {
    let mut work = store.begin(Scope::Platform, Durability::Power).await?;
    let consumed = work.one_time().consume(id).await?;
    work.commit().await?;
    Ok(consumed)
}

async fn find(store: &dyn Store, id: OneTimeId) -> Option<OneTimeToken> {
    let mut read = store.read(Scope::Platform).await.expect("read");
    read.one_time().find(id).await.expect("find")
}

async fn current(store: &dyn Store, user: UserId, purpose: Purpose) -> Option<OneTimeToken> {
    let mut read = store.read(Scope::Platform).await.expect("read");
    read.one_time().current(user, purpose).await.expect("current")
}
