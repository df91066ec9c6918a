//! A refresh token that comes back when it should be gone.
use cape_domain::{
    access::{ControlChange, Principal, TokenRefused},
    accounts::{EndReason, MailKind, RefreshToken, SessionState},
    audit::Action,
    time::Clock as _,
};
use cape_services::access::Refused;
use cape_testkit::fixtures::ADA;
use chrono::TimeDelta;

use super::{
    ada,
    refresh::{call, refresh, refused, token},
    sent,
};
use crate::world::{World, origin};

async fn stolen(world: &World, token: &RefreshToken) {
    refused(world, token).await;
    let session = world.session(token.session).await;
    let (at, reason) = (world.clock.now(), EndReason::Theft);
    assert_eq!(session.state, SessionState::Ended { at, reason });
}

#[tokio::test]
async fn the_previous_token_after_its_successor_was_used_ends_the_session() {
    let world = World::new().await;
    let first = world.ada_signs_in().await;
    let second = refresh(&world, &token(&first)).await;
    call(&world, &second).await;
    world.pass(TimeDelta::microseconds(10_000_001)).await;
    stolen(&world, &token(&first)).await;
    refused(&world, &token(&second)).await;
}

#[tokio::test]
async fn everybody_is_told_and_the_trail_says_so() {
    let world = World::new().await;
    let first = world.ada_signs_in().await;
    let second = refresh(&world, &token(&first)).await;
    call(&world, &second).await;
    world.pass(TimeDelta::seconds(11)).await;
    let id = token(&first).session;
    stolen(&world, &token(&first)).await;
    let control = world.control().await;
    let [told] = &control[..] else { panic!("{control:?}") };
    assert_eq!(told.change, ControlChange::SessionEpoch { session: id, epoch: 1 });
    let entry = world.entries().await.pop().expect("an entry");
    assert_eq!((entry.action, entry.subject), (Action::SessionStolen, id.to_string()));
    let person = Principal::User { id: ADA, session: id, impersonated_by: None };
    assert_eq!(entry.principal, person);
    assert!(entry.personal.is_some(), "where the token came from");
}

#[tokio::test]
async fn the_owner_is_told_by_mail_once() {
    let world = World::new().await;
    let first = world.ada_signs_in().await;
    let second = refresh(&world, &token(&first)).await;
    refresh(&world, &token(&second)).await;
    stolen(&world, &token(&first)).await;
    refused(&world, &token(&first)).await;
    assert_eq!(sent(&world).await, [(ada(), MailKind::SessionTheft)]);
}

#[tokio::test]
async fn the_thief_and_the_owner_are_both_out_after_the_next_poll() {
    let world = World::new().await;
    let first = world.ada_signs_in().await;
    let second = refresh(&world, &token(&first)).await;
    call(&world, &second).await;
    world.pass(TimeDelta::seconds(11)).await;
    stolen(&world, &token(&first)).await;
    world.pass(TimeDelta::milliseconds(500)).await;
    for pair in [first, second] {
        let out = world.authenticator.person(pair.access_token.expose(), origin()).await;
        assert!(matches!(out, Err(Refused::Token(TokenRefused::Revoked))), "{out:?}");
    }
}

#[tokio::test]
async fn a_successor_that_was_refreshed_was_used() {
    let world = World::new().await;
    let first = world.ada_signs_in().await;
    let second = refresh(&world, &token(&first)).await;
    let third = refresh(&world, &token(&second)).await;
    stolen(&world, &token(&first)).await;
    refused(&world, &token(&third)).await;
}

#[tokio::test]
async fn a_token_two_generations_old_is_stolen_even_within_the_same_second() {
    let world = World::new().await;
    let mut pair = world.ada_signs_in().await;
    let first = token(&pair);
    for _ in 0..4 {
        pair = refresh(&world, &token(&pair)).await;
    }
    stolen(&world, &first).await;
}

#[tokio::test]
async fn a_theft_is_noticed_once() {
    let world = World::new().await;
    let first = world.ada_signs_in().await;
    let second = refresh(&world, &token(&first)).await;
    refresh(&world, &token(&second)).await;
    stolen(&world, &token(&first)).await;
    refused(&world, &token(&first)).await;
    refused(&world, &token(&second)).await;
    assert_eq!(world.control().await.len(), 1);
    let stolen = world.actions().await.into_iter().filter(|a| *a == Action::SessionStolen);
    assert_eq!(stolen.count(), 1);
}

#[tokio::test]
async fn other_sessions_of_the_same_person_go_on() {
    let world = World::new().await;
    let other = world.ada_signs_in().await;
    let first = world.ada_signs_in().await;
    let second = refresh(&world, &token(&first)).await;
    refresh(&world, &token(&second)).await;
    stolen(&world, &token(&first)).await;
    world.pass(TimeDelta::milliseconds(500)).await;
    call(&world, &other).await;
    refresh(&world, &token(&other)).await;
}
