//! Signing out.
use cape_domain::{
    access::{ControlChange, SignOut, TokenRefused},
    accounts::{EndReason, SessionState},
    audit::Action,
    time::Clock as _,
};
use cape_services::{access::Refused, accounts::SessionError};
use cape_testkit::fixtures::{ACME, at, owner, permit, program};

use super::refresh::{call, refused, token};
use crate::world::{World, origin};

/// Signs out the way a caller does: with its own access token.
async fn log_out(world: &World, access_token: &str) {
    let caller = world.authenticator.person(access_token, origin()).await.expect("recognised");
    let permit = world.authenticator.permit::<SignOut>(caller).expect("permitted");
    world.accounts.sessions.log_out(permit).await.expect("signed out");
}

#[tokio::test]
async fn signing_out_ends_the_session_and_tells_everybody() {
    let world = World::new().await;
    let pair = world.ada_signs_in().await;
    let id = token(&pair).session;
    log_out(&world, pair.access_token.expose()).await;
    let (at, reason) = (world.clock.now(), EndReason::LoggedOut);
    assert_eq!(world.session(id).await.state, SessionState::Ended { at, reason });
    let told: Vec<_> = world.control().await.into_iter().map(|entry| entry.change).collect();
    assert_eq!(told, [ControlChange::SessionEpoch { session: id, epoch: 1 }]);
    assert_eq!(world.actions().await, [Action::SessionBegun, Action::SessionEnded]);
}

#[tokio::test]
async fn after_signing_out_neither_token_is_good() {
    let world = World::new().await;
    let pair = world.ada_signs_in().await;
    log_out(&world, pair.access_token.expose()).await;
    world.feed.poll().await.expect("polled");
    refused(&world, &token(&pair)).await;
    let out = world.authenticator.person(pair.access_token.expose(), origin()).await;
    assert!(matches!(out, Err(Refused::Token(TokenRefused::Revoked))), "{out:?}");
}

#[tokio::test]
async fn signing_out_twice_changes_nothing_more() {
    let world = World::new().await;
    let pair = world.ada_signs_in().await;
    for _ in 0..2 {
        log_out(&world, pair.access_token.expose()).await;
    }
    assert_eq!(world.control().await.len(), 1);
    assert_eq!(world.actions().await.len(), 2);
}

#[tokio::test]
async fn one_session_ends_and_the_others_go_on() {
    let world = World::new().await;
    let [leaving, staying] = [world.ada_signs_in().await, world.ada_signs_in().await];
    log_out(&world, leaving.access_token.expose()).await;
    world.feed.poll().await.expect("polled");
    call(&world, &staying).await;
}

#[tokio::test]
async fn who_has_no_session_has_nothing_to_end() {
    let world = World::new().await;
    world.accounts.sessions.log_out(permit(ACME)).await.expect("no such session");
    let program = owner().permit::<SignOut>(program(10), at(0)).expect("permitted");
    let refused = world.accounts.sessions.log_out(program).await;
    assert!(matches!(refused, Err(SessionError::NotAPerson)), "{refused:?}");
    assert_eq!(world.entries().await, []);
}
