//! Sixty-four at once, all of the same, on connections of their own: exactly as many get a yes as
//! there may be, and nobody is told to try again.
use std::ops::AsyncFn;

use cape_domain::{
    accounts::{OneTimeToken, Purpose},
    billing::Credits,
    store::{Durability, Scope, Store, StoreError, UnitOfWork},
};
use cape_testkit::{
    fixtures::{ADA, EVE, api_key, credits, one_time, totp},
    promises::inhabit,
};
use futures_util::future::join_all;

use crate::databases::{TestStore, postgres, sqlite};

const RIVALS: usize = 64;

async fn stores() -> impl Iterator<Item = TestStore> {
    let stores = [sqlite().await, postgres().await];
    for store in stores.iter().flatten() {
        inhabit(&**store).await.expect("inhabited");
    }
    stores.into_iter().flatten()
}

/// How many of all were told yes.
async fn yeses(
    store: &TestStore,
    ask: impl AsyncFn(&mut dyn UnitOfWork) -> Result<bool, StoreError>,
) -> usize {
    let outcomes = join_all((0..RIVALS).map(async |_| {
        let mut work = store.begin(Scope::Platform, Durability::Process).await?;
        let yes = ask(&mut *work).await?;
        work.commit().await?;
        Ok::<_, StoreError>(yes)
    }))
    .await;
    let sound: Result<Vec<bool>, StoreError> = outcomes.into_iter().collect();
    sound.expect("an answer for everybody").into_iter().filter(|yes| *yes).count()
}

async fn put(store: &TestStore, token: &OneTimeToken) {
    let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
    work.one_time().put(token).await.expect("put");
    work.commit().await.expect("commit");
}

#[tokio::test]
async fn of_sixty_four_who_consume_one_token_one_does() {
    for store in stores().await {
        let token = one_time(10, Purpose::ResetPassword);
        put(&store, &token).await;
        let one = yeses(&store, async |work| work.one_time().consume(token.id).await).await;
        assert_eq!(one, 1);
    }
}

#[tokio::test]
async fn of_sixty_four_codes_that_are_tried_five_are_compared() {
    for store in stores().await {
        let token = one_time(10, Purpose::SignIn);
        put(&store, &token).await;
        let count = async |work: &mut dyn UnitOfWork| {
            work.one_time().count_attempt(token.id, OneTimeToken::ATTEMPTS).await
        };
        assert_eq!(yeses(&store, count).await, 5);
        let mut read = store.read(Scope::Platform).await.expect("read");
        let stored = read.one_time().find(token.id).await.expect("find");
        assert_eq!(stored.map(|stored| stored.attempts), Some(5));
    }
}

#[tokio::test]
async fn of_sixty_four_who_ask_for_a_token_one_stands() {
    for store in stores().await {
        join_all((0..64).map(|number| {
            let store = &store;
            async move { put(store, &one_time(100 + number, Purpose::VerifyEmail)).await }
        }))
        .await;
        let mut read = store.read(Scope::Platform).await.expect("read");
        let mut standing = 0;
        for number in 0..64 {
            let id = one_time(100 + number, Purpose::VerifyEmail).id;
            standing += u32::from(read.one_time().find(id).await.expect("find").is_some());
        }
        assert_eq!(standing, 1);
    }
}

#[tokio::test]
async fn of_sixty_four_who_show_the_code_of_one_step_one_is_let_in() {
    for store in stores().await {
        let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
        for user in [ADA, EVE] {
            work.mfa().put_totp(&totp(user)).await.expect("put");
        }
        work.commit().await.expect("commit");
        let accept = async |work: &mut dyn UnitOfWork| work.mfa().accept_step(ADA, 7).await;
        assert_eq!(yeses(&store, accept).await, 1);
        assert_eq!(yeses(&store, accept).await, 0);
    }
}

#[tokio::test]
async fn of_sixty_four_who_use_one_recovery_code_one_is_let_in() {
    for store in stores().await {
        let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
        for user in [ADA, EVE] {
            work.mfa().put_recovery_codes(user, &[[1; 32], [2; 32]]).await.expect("put");
        }
        work.commit().await.expect("commit");
        let spend =
            async |work: &mut dyn UnitOfWork| work.mfa().use_recovery_code(ADA, [1; 32]).await;
        assert_eq!(yeses(&store, spend).await, 1);
        let mut read = store.read(Scope::Platform).await.expect("read");
        assert_eq!(read.mfa().recovery_codes_left(ADA).await.expect("a number"), 1);
        assert_eq!(read.mfa().recovery_codes_left(EVE).await.expect("a number"), 2);
    }
}

#[tokio::test]
async fn of_sixty_four_calls_of_a_key_as_many_are_let_in_as_its_cap_allows() {
    for store in stores().await {
        let (key, other) = (api_key(10).id, api_key(11).id);
        // Ten and no more: a millionth of a credit is missing for the eleventh.
        let (amount, cap) = (credits(3), Credits::from_micros(credits(33).micros() - 1));
        let take =
            async |work: &mut dyn UnitOfWork| work.key_spending().take(key, amount, cap).await;
        assert_eq!(yeses(&store, take).await, 10);
        let beyond = Credits::from_micros(cap.micros() + 1);
        let take =
            async |work: &mut dyn UnitOfWork| work.key_spending().take(other, beyond, cap).await;
        assert_eq!(yeses(&store, take).await, 0, "the first one is measured, too");
        let mut read = store.read(Scope::Platform).await.expect("read");
        assert_eq!(read.key_spending().spent(key).await.expect("spent"), credits(30));
        assert_eq!(read.key_spending().spent(other).await.expect("spent"), Credits::ZERO);
    }
}

#[tokio::test]
async fn a_correction_that_does_not_fit_is_not_stored_as_one_that_is_nearly_right() {
    for store in stores().await {
        let key = api_key(10).id;
        let most = Credits::from_micros(i64::MAX);
        let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
        assert!(work.key_spending().take(key, credits(2), most).await.expect("take"));
        for (counted, actual) in [(credits(3), Credits::ZERO), (Credits::ZERO, most)] {
            let refused = work.key_spending().correct(key, counted, actual).await;
            assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
        }
        assert!(!work.key_spending().take(key, most, most).await.expect("a no"));
        assert_eq!(work.key_spending().spent(key).await.expect("spent"), credits(2));
    }
}
