//! Staying signed in.
use cape_domain::{
    access::AccessTokens as _,
    accounts::{RefreshToken, SecretDeriver as _, Session, SessionState},
    secret::Secret,
    time::Clock as _,
};
use cape_services::accounts::{Carried, SignInError, SignedIn};
use cape_testkit::fakes::PlainSecrets;
use chrono::TimeDelta;
use tokio::task::JoinSet;

use crate::world::{World, origin};

pub fn token(signed_in: &SignedIn) -> RefreshToken {
    signed_in.refresh_token.expose().parse().expect("a refresh token")
}

pub async fn refresh(world: &World, token: &RefreshToken) -> SignedIn {
    world.accounts.sessions.refresh(origin(), token, &Carried::InBody).await.expect("refreshed")
}

pub async fn refused(world: &World, token: &RefreshToken) {
    let refused = world.accounts.sessions.refresh(origin(), token, &Carried::InBody).await;
    assert!(matches!(refused, Err(SignInError::InvalidRefreshToken)), "{refused:?}");
}

/// Somebody calls with the access token of a pair.
pub async fn call(world: &World, pair: &SignedIn) {
    let token = pair.access_token.expose();
    world.authenticator.person(token, origin()).await.expect("recognised");
}

pub fn same_pair(one: &SignedIn, other: &SignedIn) -> bool {
    one.refresh_token == other.refresh_token && one.access_token == other.access_token
}

#[tokio::test]
async fn refreshing_hands_out_the_next_pair() {
    let world = World::new().await;
    let first = world.ada_signs_in().await;
    world.pass(TimeDelta::minutes(14)).await;
    let second = refresh(&world, &token(&first)).await;
    assert_eq!((token(&first).generation, token(&second).generation), (1, 2));
    let now = world.clock.now();
    let claims = world.tokens.verify(second.access_token.expose(), now).expect("good");
    assert_eq!((claims.id.generation, claims.issued_at), (2, now));
    assert_eq!(claims.authenticated_at, first.access_issued_at, "no password was given again");
    let session = world.session(token(&first).session).await;
    assert_eq!(session.state, SessionState::Live { expires_at: now + Session::LIFE });
}

#[tokio::test]
async fn a_lost_answer_is_given_again_for_ten_seconds_even_when_somebody_used_it() {
    let world = World::new().await;
    let first = world.ada_signs_in().await;
    let second = refresh(&world, &token(&first)).await;
    call(&world, &second).await;
    world.pass(TimeDelta::seconds(10)).await;
    let again = refresh(&world, &token(&first)).await;
    assert!(same_pair(&again, &second));
}

#[tokio::test]
async fn a_lost_answer_that_nobody_used_is_given_again_a_day_later() {
    let world = World::new().await;
    let first = world.ada_signs_in().await;
    let second = refresh(&world, &token(&first)).await;
    world.pass(TimeDelta::days(1)).await;
    let again = refresh(&world, &token(&first)).await;
    assert_eq!(again.refresh_token, second.refresh_token);
    call(&world, &again).await;
    let old = world.authenticator.person(second.access_token.expose(), origin()).await;
    assert!(old.is_err(), "its own time is over");
}

#[tokio::test]
async fn a_quick_retry_is_given_the_same_access_token_too() {
    let world = World::new().await;
    let first = world.ada_signs_in().await;
    let second = refresh(&world, &token(&first)).await;
    world.pass(TimeDelta::seconds(3)).await;
    let again = refresh(&world, &token(&first)).await;
    assert!(same_pair(&again, &second));
    assert_eq!(again.access_expires_at, second.access_expires_at);
    assert_eq!(world.session(token(&first).session).await.generation, 2);
}

#[tokio::test]
async fn a_call_with_the_access_token_proves_that_the_pair_arrived() {
    let world = World::new().await;
    let first = world.ada_signs_in().await;
    let session = token(&first).session;
    assert_eq!(world.session(session).await.used_generation, 0);
    call(&world, &first).await;
    assert_eq!(world.session(session).await.used_generation, 1);
    let second = refresh(&world, &token(&first)).await;
    call(&world, &first).await;
    assert_eq!(world.session(session).await.used_generation, 1);
    call(&world, &second).await;
    assert_eq!(world.session(session).await.used_generation, 2);
}

#[tokio::test]
async fn a_forged_secret_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let first = token(&world.ada_signs_in().await);
    let second = token(&refresh(&world, &first).await);
    let before = (world.session(first.session).await, world.entries().await);
    for good in [&first, &second] {
        let forged = RefreshToken { secret: Secret::new("0123456789abcdef"), ..good.clone() };
        refused(&world, &forged).await;
    }
    let moved = RefreshToken { generation: 1, ..second.clone() };
    refused(&world, &moved).await;
    assert_eq!((world.session(first.session).await, world.entries().await), before);
    assert_eq!(world.control().await, []);
    refresh(&world, &second).await;
}

#[tokio::test]
async fn a_pair_that_was_never_handed_out_is_refused_without_an_alarm() {
    let world = World::new().await;
    let first = token(&world.ada_signs_in().await);
    let session = world.session(first.session).await;
    for generation in [0, 2, u32::MAX] {
        let secret = PlainSecrets.refresh(&session, generation);
        refused(&world, &RefreshToken { generation, secret, ..first.clone() }).await;
    }
    assert_eq!(world.session(first.session).await, session);
}

#[tokio::test]
async fn an_unknown_session_is_refused() {
    let world = World::new().await;
    let (here, elsewhere) = (World::new().await, token(&world.ada_signs_in().await));
    refused(&here, &elsewhere).await;
}

#[tokio::test]
async fn a_session_that_nobody_refreshed_for_a_month_is_over() {
    let world = World::new().await;
    let first = token(&world.ada_signs_in().await);
    world.pass(Session::LIFE).await;
    refused(&world, &first).await;
    assert_eq!(world.control().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_refreshes_with_one_token_at_once_leave_one_successor_and_no_revocation() {
    let world = World::new().await;
    let first = token(&world.ada_signs_in().await);
    let mut all = JoinSet::new();
    for _ in 0..100 {
        let (sessions, first) = (world.accounts.sessions.clone(), first.clone());
        all.spawn(async move { sessions.refresh(origin(), &first, &Carried::InBody).await });
    }
    let answers = all.join_all().await;
    let pairs: Vec<_> = answers.into_iter().map(|answer| answer.expect("a pair")).collect();
    assert_eq!(pairs.len(), 100);
    assert!(pairs.iter().all(|pair| same_pair(pair, &pairs[0])));
    let session = world.session(first.session).await;
    assert_eq!(session.generation, 2);
    assert!(session.is_live(world.clock.now()));
    assert_eq!(world.control().await, []);
    refresh(&world, &token(&pairs[0])).await;
}
