//! What becomes of the tokens of who is changed, removed, or moves to another workspace.
use cape_domain::{
    access::{AccessTokens as _, ManageMembers, ManageSessions, Role, TokenRefused},
    accounts::User,
    ids::WorkspaceId,
    time::Clock as _,
};
use cape_services::{
    access::{Caller, Refused},
    accounts::SignedIn,
};
use cape_testkit::fixtures::{ACME, permit};
use chrono::TimeDelta;

use super::{
    given_a_member, permit_of,
    refresh::{refresh, token},
    sign_in,
};
use crate::world::{World, origin};

/// BOB, who acts in ACME.
async fn given_bob(world: &World, role: Role) -> (User, SignedIn) {
    let bob = given_a_member(world, 20, role).await;
    let pair = sign_in(world, &bob.email).await;
    let permit = permit_of::<ManageSessions>(world, &pair).await;
    let pair = world.accounts.members.switch(permit, ACME).await.expect("switched");
    (bob, pair)
}

async fn recognise(world: &World, pair: &SignedIn) -> Result<Caller, Refused> {
    world.feed.poll().await.expect("polled");
    world.authenticator.person(pair.access_token.expose(), origin()).await
}

async fn outdated(world: &World, pair: &SignedIn) -> bool {
    matches!(recognise(world, pair).await, Err(Refused::Token(TokenRefused::Revoked)))
}

fn own(user: &User) -> WorkspaceId {
    WorkspaceId::new(cape_testkit::fixtures::id(user.id.raw().as_u128() + 1_000))
}

#[tokio::test]
async fn a_demotion_is_felt_at_the_next_poll_and_the_next_pair_says_what_is_true() {
    let world = World::new().await;
    let (bob, pair) = given_bob(&world, Role::Owner).await;
    let _ = permit_of::<ManageMembers>(&world, &pair).await;
    world.accounts.members.change_role(permit(ACME), bob.id, Role::Viewer).await.expect("changed");
    assert!(outdated(&world, &pair).await);
    let next = refresh(&world, &token(&pair)).await;
    let caller = recognise(&world, &next).await.expect("recognised");
    assert_eq!(caller.grants, Role::Viewer.grants());
    let refused = world.authenticator.permit::<ManageMembers>(caller);
    assert!(matches!(refused, Err(Refused::Forbidden(_))), "{refused:?}");
}

#[tokio::test]
async fn so_does_the_pair_that_is_given_again_to_who_lost_it() {
    let world = World::new().await;
    let (bob, pair) = given_bob(&world, Role::Owner).await;
    let lost = refresh(&world, &token(&pair)).await;
    world.accounts.members.change_role(permit(ACME), bob.id, Role::Viewer).await.expect("changed");
    let again = refresh(&world, &token(&pair)).await;
    assert_eq!(again.refresh_token, lost.refresh_token);
    let caller = recognise(&world, &again).await.expect("recognised");
    assert_eq!(caller.grants, Role::Viewer.grants());
}

#[tokio::test]
async fn sessions_in_other_workspaces_notice_nothing() {
    let world = World::new().await;
    let (bob, _) = given_bob(&world, Role::Owner).await;
    let at_home = sign_in(&world, &bob.email).await;
    world.accounts.members.change_role(permit(ACME), bob.id, Role::Viewer).await.expect("changed");
    recognise(&world, &at_home).await.expect("recognised");
}

#[tokio::test]
async fn who_was_removed_is_refused_at_the_next_poll_and_goes_on_at_home() {
    let world = World::new().await;
    let (bob, pair) = given_bob(&world, Role::Member).await;
    world.accounts.members.remove(permit(ACME), bob.id).await.expect("removed");
    assert!(outdated(&world, &pair).await);
    let next = refresh(&world, &token(&pair)).await;
    assert_eq!(next.workspace.id, own(&bob));
    let caller = recognise(&world, &next).await.expect("recognised");
    assert_eq!((caller.actor.workspace, caller.grants), (own(&bob), Role::Owner.grants()));
}

#[tokio::test]
async fn who_was_removed_and_lost_its_last_pair_goes_on_at_home_too() {
    let world = World::new().await;
    let (bob, pair) = given_bob(&world, Role::Member).await;
    let lost = refresh(&world, &token(&pair)).await;
    world.accounts.members.remove(permit(ACME), bob.id).await.expect("removed");
    let again = refresh(&world, &token(&pair)).await;
    assert_eq!((again.workspace.id, &again.refresh_token), (own(&bob), &lost.refresh_token));
    recognise(&world, &again).await.expect("recognised");
    let next = refresh(&world, &token(&again)).await;
    assert_eq!(next.workspace.id, own(&bob));
}

#[tokio::test]
async fn after_switching_only_the_new_access_token_is_good_and_the_refresh_token_stays() {
    let world = World::new().await;
    let bob = given_a_member(&world, 20, Role::Member).await;
    let first = sign_in(&world, &bob.email).await;
    let permit = permit_of::<ManageSessions>(&world, &first).await;
    world.pass(TimeDelta::seconds(5)).await;
    let second = world.accounts.members.switch(permit, ACME).await.expect("switched");
    assert_eq!(second.refresh_token, first.refresh_token);
    assert!(outdated(&world, &first).await);
    let claims = world.tokens.verify(second.access_token.expose(), world.clock.now());
    let claims = claims.expect("good");
    assert_eq!((claims.workspace, claims.role), (ACME, Role::Member));
    let third = refresh(&world, &token(&second)).await;
    assert_eq!(third.workspace.id, ACME, "it stays there");
}
