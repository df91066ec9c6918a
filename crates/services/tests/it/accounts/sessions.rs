//! Seeing where one is signed in, and ending that.
use cape_domain::{
    access::{ManageSessions, SignOut, TokenRefused},
    accounts::{EndReason, Password, SessionState},
    audit::Action,
    ids::SessionId,
    time::Clock as _,
};
use cape_services::{
    access::Refused,
    accounts::{Client, SessionError, SignedIn},
};
use cape_testkit::fixtures::{EVE, PASSWORD, at, id, owner, program, user};
use chrono::TimeDelta;

use super::{
    ada, permit_of,
    refresh::{call, refresh, refused, token},
    sign_in,
};
use crate::world::{World, client, origin, signed_in};

async fn sign_in_with(world: &World, device: &str) -> SignedIn {
    let client = Client { device: Some(device.parse().expect("a device")), ..client() };
    let password = Password::given(PASSWORD);
    let login = world.accounts.login.with_password(&client, &ada(), &password).await;
    signed_in(login.expect("the right password"))
}

fn id_of(pair: &SignedIn) -> SessionId {
    token(pair).session
}

/// What ADA sees from one of her sessions.
async fn listed(world: &World, pair: &SignedIn) -> Vec<SessionId> {
    let permit = permit_of::<ManageSessions>(world, pair).await;
    let own = world.accounts.sessions.list(permit).await.expect("listed");
    assert_eq!(own.current, id_of(pair));
    own.sessions.iter().map(|session| session.id).collect()
}

/// Neither token of a pair is good.
async fn is_out(world: &World, pair: &SignedIn) {
    world.feed.poll().await.expect("polled");
    let out = world.authenticator.person(pair.access_token.expose(), origin()).await;
    assert!(matches!(out, Err(Refused::Token(TokenRefused::Revoked))), "{out:?}");
    refused(world, &token(pair)).await;
}

#[tokio::test]
async fn sessions_are_listed_with_device_and_place_the_newest_first() {
    let world = World::new().await;
    let first = sign_in_with(&world, "Firefox").await;
    world.pass(TimeDelta::seconds(1)).await;
    let second = sign_in_with(&world, "curl").await;
    sign_in(&world, &user(EVE).email).await;
    assert_eq!(listed(&world, &first).await, [id_of(&second), id_of(&first)]);
    let session = world.session(id_of(&first)).await;
    assert_eq!(session.device.map(|device| device.to_string()).as_deref(), Some("Firefox"));
    assert_eq!(session.address, origin().address);
}

#[tokio::test]
async fn a_session_was_last_seen_when_its_tokens_were_first_used() {
    let world = World::new().await;
    let pair = sign_in_with(&world, "Firefox").await;
    world.pass(TimeDelta::minutes(3)).await;
    call(&world, &pair).await;
    assert_eq!(world.session(id_of(&pair)).await.last_seen_at, world.clock.now());
    world.pass(TimeDelta::minutes(3)).await;
    refresh(&world, &token(&pair)).await;
    assert_eq!(world.session(id_of(&pair)).await.last_seen_at, world.clock.now());
}

#[tokio::test]
async fn those_that_are_over_are_not_listed() {
    let world = World::new().await;
    let [first, second] =
        [sign_in_with(&world, "Firefox").await, sign_in_with(&world, "curl").await];
    let permit = permit_of(&world, &second).await;
    world.accounts.sessions.log_out(permit).await.expect("signed out");
    assert_eq!(listed(&world, &first).await, [id_of(&first)]);
}

#[tokio::test]
async fn one_that_was_taken_back_is_out_at_once() {
    let world = World::new().await;
    let [own, lost] = [sign_in_with(&world, "Firefox").await, sign_in_with(&world, "phone").await];
    let permit = permit_of::<ManageSessions>(&world, &own).await;
    world.accounts.sessions.revoke(permit.clone(), id_of(&lost)).await.expect("taken back");
    let (at, reason) = (world.clock.now(), EndReason::Revoked);
    assert_eq!(world.session(id_of(&lost)).await.state, SessionState::Ended { at, reason });
    is_out(&world, &lost).await;
    call(&world, &own).await;
    let again = world.accounts.sessions.revoke(permit, id_of(&lost)).await;
    assert!(matches!(again, Err(SessionError::NotFound(_))), "{again:?}");
    assert_eq!(world.actions().await.last(), Some(&Action::SessionEnded));
}

#[tokio::test]
async fn nobody_takes_back_the_session_of_somebody_else() {
    let world = World::new().await;
    let [own, eves] = [world.ada_signs_in().await, sign_in(&world, &user(EVE).email).await];
    let permit = permit_of::<ManageSessions>(&world, &own).await;
    for foreign in [id_of(&eves), SessionId::new(id(99))] {
        let refused = world.accounts.sessions.revoke(permit.clone(), foreign).await;
        assert!(matches!(refused, Err(SessionError::NotFound(id)) if id == foreign), "{refused:?}");
    }
    call(&world, &eves).await;
}

#[tokio::test]
async fn all_others_end_and_the_one_that_asks_goes_on() {
    let world = World::new().await;
    let eves = sign_in(&world, &user(EVE).email).await;
    let [one, own, other] =
        [world.ada_signs_in().await, world.ada_signs_in().await, world.ada_signs_in().await];
    let permit = permit_of::<ManageSessions>(&world, &own).await;
    world.accounts.sessions.revoke_others(permit).await.expect("taken back");
    for out in [one, other] {
        is_out(&world, &out).await;
    }
    for going_on in [&own, &eves] {
        call(&world, going_on).await;
        refresh(&world, &token(going_on)).await;
    }
}

#[tokio::test]
async fn signing_out_everywhere_ends_all() {
    let world = World::new().await;
    let [one, own] = [world.ada_signs_in().await, world.ada_signs_in().await];
    let permit = permit_of::<SignOut>(&world, &own).await;
    world.accounts.sessions.log_out_everywhere(permit).await.expect("signed out");
    for out in [one, own] {
        is_out(&world, &out).await;
    }
    world.ada_signs_in().await;
}

#[tokio::test]
async fn more_sessions_than_are_listed_at_once_all_end() {
    let world = World::new().await;
    let mut pairs = Vec::new();
    for _ in 0..205 {
        pairs.push(world.ada_signs_in().await);
    }
    let permit = permit_of::<ManageSessions>(&world, &pairs[0]).await;
    world.accounts.sessions.revoke_others(permit).await.expect("taken back");
    for pair in &pairs[1..] {
        let session = world.session(id_of(pair)).await;
        assert!(!session.is_live(world.clock.now()), "{session:?}");
    }
    call(&world, &pairs[0]).await;
}

#[tokio::test]
async fn a_program_has_no_sessions() {
    let world = World::new().await;
    let permit = || owner().permit::<ManageSessions>(program(10), at(0)).expect("permitted");
    let list = world.accounts.sessions.list(permit()).await;
    assert!(matches!(list, Err(SessionError::NotAPerson)), "{list:?}");
    let revoke = world.accounts.sessions.revoke_others(permit()).await;
    assert!(matches!(revoke, Err(SessionError::NotAPerson)), "{revoke:?}");
}
