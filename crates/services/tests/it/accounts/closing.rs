//! Closing accounts, and opening them again.
use cape_domain::{
    access::{CloseAccount, Principal, TokenRefused},
    accounts::{EndReason, SessionState},
    audit::Action,
    secret::Secret,
    time::Clock as _,
};
use cape_services::{
    access::Refused,
    accounts::{SignInError, VouchError},
};
use cape_testkit::fixtures::{ACME, EVE, PASSWORD, RIVAL, credits, permit, user};

use super::{
    ada, address, permit_of,
    refresh::{call, refused, token},
    resets::given_a_key,
    show, sign_in,
};
use crate::world::{World, origin};

async fn key_works(world: &World, key: &Secret) -> bool {
    world.feed.poll().await.expect("polled");
    match world.authenticator.program(key.expose(), origin()).await {
        Ok(_) => true,
        Err(Refused::Key) => false,
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn who_closes_its_account_is_out_everywhere_with_its_keys() {
    let world = World::new().await;
    let [own, other] = [world.ada_signs_in().await, world.ada_signs_in().await];
    let key = given_a_key(&world, false).await;
    assert!(key_works(&world, &key).await);
    let permit = permit_of::<CloseAccount>(&world, &own).await;
    world.accounts.closing.close_own(permit).await.expect("closed");
    assert!(!key_works(&world, &key).await);
    let (at, reason) = (world.clock.now(), EndReason::Deactivated);
    for pair in [own, other] {
        let session = world.session(token(&pair).session).await;
        assert_eq!(session.state, SessionState::Ended { at, reason });
        refused(&world, &token(&pair)).await;
        let out = world.authenticator.person(pair.access_token.expose(), origin()).await;
        assert!(matches!(out, Err(Refused::Token(TokenRefused::Revoked))), "{out:?}");
    }
    let login = show(&world, &ada(), PASSWORD).await;
    assert!(matches!(login, Err(SignInError::Deactivated)), "{login:?}");
    assert_eq!(world.actions().await.last(), Some(&Action::UserDeactivated));
}

#[tokio::test]
async fn what_belongs_to_the_workspace_stays_where_it_is() {
    let world = World::new().await;
    world.give(1, credits(5).micros()).await;
    let eves = sign_in(&world, &user(EVE).email).await;
    world.accounts.closing.close_own(permit(ACME)).await.expect("closed");
    assert_eq!(world.balance(ACME).await.available, credits(5));
    call(&world, &eves).await;
}

#[tokio::test]
async fn an_operator_closes_and_opens_accounts() {
    let world = World::new().await;
    let key = given_a_key(&world, false).await;
    world.accounts.closing.deactivate(&ada()).await.expect("closed");
    assert!(!key_works(&world, &key).await);
    world.accounts.closing.reactivate(&ada()).await.expect("opened");
    assert!(key_works(&world, &key).await);
    sign_in(&world, &ada()).await;
    let entries = world.entries().await;
    let by_operator = entries.iter().filter(|entry| entry.principal == Principal::System);
    let actions: Vec<_> = by_operator.map(|entry| entry.action).collect();
    assert_eq!(actions, [Action::UserDeactivated, Action::UserReactivated]);
}

#[tokio::test]
async fn a_session_that_ended_does_not_come_back_with_the_account() {
    let world = World::new().await;
    let pair = world.ada_signs_in().await;
    world.accounts.closing.deactivate(&ada()).await.expect("closed");
    world.accounts.closing.reactivate(&ada()).await.expect("opened");
    refused(&world, &token(&pair)).await;
}

#[tokio::test]
async fn twice_is_once() {
    let world = World::new().await;
    for _ in 0..2 {
        world.accounts.closing.deactivate(&ada()).await.expect("closed");
    }
    for _ in 0..2 {
        world.accounts.closing.reactivate(&ada()).await.expect("opened");
    }
    for _ in 0..2 {
        world.accounts.closing.close_own(permit(RIVAL)).await.expect("closed");
    }
    let actions = world.actions().await;
    let expected = [Action::UserDeactivated, Action::UserReactivated, Action::UserDeactivated];
    assert_eq!(actions, expected);
}

#[tokio::test]
async fn nobody_closes_or_opens_an_account_that_is_not_there() {
    let world = World::new().await;
    let nobody = address("nobody@example.com");
    for refused in [
        world.accounts.closing.deactivate(&nobody).await,
        world.accounts.closing.reactivate(&nobody).await,
    ] {
        assert!(matches!(refused, Err(VouchError::NotFound(_))), "{refused:?}");
    }
}
