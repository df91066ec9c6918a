//! Second factors.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    accounts::{Totp, TotpState},
    audit::Sealed,
    ids::UserId,
    store::{Durability, Scope, Store, StoreError},
};
use futures_util::future::join_all;

use super::super::conflicts::retried;
use crate::fixtures::{ADA, EVE, at, totp};

/// The step of the first instant, which is beyond a million and below the last there ever is.
const STEP: u64 = 63_115_200;

/// Everything about an app comes back as it was, in every state. A user has one.
pub async fn an_app_is_read_back_and_replaced(store: &dyn Store) {
    put_totp(store, &totp(EVE)).await;
    let secret = Sealed { person: ADA, ciphertext: (0..=u8::MAX).collect() };
    let pending = Totp { state: TotpState::Pending, last_step: STEP, secret, ..totp(ADA) };
    let since = at(9);
    let active = Totp { state: TotpState::Active { since }, created_at: at(8), ..pending.clone() };
    for app in [totp(ADA), pending, active] {
        put_totp(store, &app).await;
        assert_eq!(find(store, ADA).await, Some(app));
    }
    assert_eq!(find(store, EVE).await, Some(totp(EVE)));
}

/// Nor one of before the last. Each app has steps of its own, and without an app there is none.
pub async fn a_step_is_accepted_once_and_never_an_older_one(store: &dyn Store) {
    assert!(!accept_step(store, STEP).await.expect("accept"));
    put_totp(store, &totp(ADA)).await;
    put_totp(store, &totp(EVE)).await;
    for (step, expected) in
        [(STEP, true), (STEP, false), (STEP - 1, false), (STEP + 1, true), (STEP, false)]
    {
        assert_eq!(accept_step(store, step).await.expect("accept"), expected, "{step}");
    }
    assert_eq!(find(store, ADA).await, Some(Totp { last_step: STEP + 1, ..totp(ADA) }));
    assert_eq!(find(store, EVE).await, Some(totp(EVE)));
}

/// The test and the note are one statement.
pub async fn of_eight_who_show_one_code_one_is_let_in(store: &dyn Store) {
    put_totp(store, &totp(ADA)).await;
    let show = || retried(async || accept_step(store, STEP).await);
    assert_eq!(successes(&join_all((0..8).map(|_| show())).await), 1);
}

/// The new ones are good and the old ones are not, however many there are of either.
pub async fn recovery_codes_are_replaced_as_a_set(store: &dyn Store) {
    put_codes(store, EVE, &[[1; 32]]).await;
    let first = [[1; 32], [2; 32], [3; 32]];
    for (codes, left) in [(&first[..], 3), (&first[1..], 2), (&[], 0), (&[[4; 32]], 1)] {
        put_codes(store, ADA, codes).await;
        assert_eq!(codes_left(store, ADA).await, left);
    }
    assert!(!use_code(store, ADA, [2; 32]).await.expect("use"), "it was replaced");
    assert!(use_code(store, ADA, [4; 32]).await.expect("use"));
    assert_eq!((codes_left(store, ADA).await, codes_left(store, EVE).await), (0, 1));
}

/// The same code of somebody else is another code.
pub async fn a_recovery_code_is_used_once_and_by_its_user(store: &dyn Store) {
    put_codes(store, ADA, &[[1; 32], [2; 32]]).await;
    put_codes(store, EVE, &[[1; 32], [3; 32]]).await;
    for (code, expected) in [([1; 32], true), ([1; 32], false), ([3; 32], false)] {
        assert_eq!(use_code(store, ADA, code).await.expect("use"), expected, "{code:?}");
    }
    assert_eq!((codes_left(store, ADA).await, codes_left(store, EVE).await), (1, 2));
}

/// The test and the deletion are one statement.
pub async fn of_eight_who_use_one_recovery_code_one_succeeds(store: &dyn Store) {
    put_codes(store, ADA, &[[1; 32], [2; 32]]).await;
    let spend = || retried(async || use_code(store, ADA, [1; 32]).await);
    assert_eq!(successes(&join_all((0..8).map(|_| spend())).await), 1);
    assert_eq!(codes_left(store, ADA).await, 1);
}

/// The app and the codes go together.
pub async fn clearing_a_second_factor_leaves_other_users_alone(store: &dyn Store) {
    for user in [ADA, EVE] {
        put_totp(store, &totp(user)).await;
        put_codes(store, user, &[[1; 32]]).await;
    }
    for _ in 0..2 {
        let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
        work.mfa().clear(ADA).await.expect("clear");
        work.commit().await.expect("commit");
        assert_eq!((find(store, ADA).await, codes_left(store, ADA).await), (None, 0));
        assert_eq!((find(store, EVE).await, codes_left(store, EVE).await), (Some(totp(EVE)), 1));
    }
}

fn successes(outcomes: &[Result<bool, StoreError>]) -> usize {
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    outcomes.iter().filter(|outcome| matches!(outcome, Ok(true))).count()
}

async fn put_totp(store: &dyn Store, totp: &Totp) {
    let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    work.mfa().put_totp(totp).await.expect("put");
    work.commit().await.expect("commit");
}

async fn accept_step(store: &dyn Store, step: u64) -> Result<bool, StoreError> {
    let mut work = store.begin(Scope::Platform, Durability::Power).await?;
    let accepted = work.mfa().accept_step(ADA, step).await?;
    work.commit().await?;
    Ok(accepted)
}

async fn put_codes(store: &dyn Store, user: UserId, hashes: &[[u8; 32]]) {
    let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    work.mfa().put_recovery_codes(user, hashes).await.expect("put");
    work.commit().await.expect("commit");
}

async fn use_code(store: &dyn Store, user: UserId, hash: [u8; 32]) -> Result<bool, StoreError> {
    let mut work = store.begin(Scope::Platform, Durability::Power).await?;
    let was_there = work.mfa().use_recovery_code(user, hash).await?;
    work.commit().await?;
    Ok(was_there)
}

async fn find(store: &dyn Store, user: UserId) -> Option<Totp> {
    let mut read = store.read(Scope::Platform).await.expect("read");
    read.mfa().totp(user).await.expect("totp")
}

async fn codes_left(store: &dyn Store, user: UserId) -> u32 {
    let mut read = store.read(Scope::Platform).await.expect("read");
    read.mfa().recovery_codes_left(user).await.expect("left")
}
