//! Who operates the platform: said by the command line, felt by every token.
use cape_domain::{
    access::{
        AccessTokens as _, ControlChange, ManageBilling, OperatePlatform, Principal, TokenRefused,
        ViewPlatform,
    },
    audit::Action,
    time::Clock as _,
};
use cape_services::{
    access::{Caller, Refused},
    accounts::{OperatorError, SignedIn},
};
use cape_testkit::fixtures::{EVE, user};

use super::{
    ada, address, given_an_unverified_user, permit_of,
    refresh::{refresh, token},
    sign_in,
};
use crate::world::{World, origin};

async fn recognise(world: &World, pair: &SignedIn) -> Result<Caller, Refused> {
    world.feed.poll().await.expect("polled");
    world.authenticator.person(pair.access_token.expose(), origin()).await
}

async fn outdated(world: &World, pair: &SignedIn) -> bool {
    matches!(recognise(world, pair).await, Err(Refused::Token(TokenRefused::Revoked)))
}

fn says(world: &World, pair: &SignedIn) -> bool {
    let claims = world.tokens.verify(pair.access_token.expose(), world.clock.now());
    claims.expect("a good token").operator
}

#[tokio::test]
async fn nobody_operates_the_platform_unless_somebody_says_so() {
    let world = World::new().await;
    let pair = world.ada_signs_in().await;
    let caller = recognise(&world, &pair).await.expect("recognised");
    assert!(!caller.grants.allows::<ViewPlatform>());
    let refused = world.authenticator.permit::<OperatePlatform>(caller);
    assert!(matches!(refused, Err(Refused::Forbidden(_))), "{refused:?}");
}

#[tokio::test]
async fn who_is_promoted_needs_new_tokens_which_say_so() {
    let world = World::new().await;
    let [here, elsewhere] = [world.ada_signs_in().await, world.ada_signs_in().await];
    let eves = sign_in(&world, &user(EVE).email).await;
    world.accounts.operators.promote(&ada()).await.expect("promoted");
    for pair in [&here, &elsewhere] {
        assert!(outdated(&world, pair).await);
        let next = refresh(&world, &token(pair)).await;
        assert!(says(&world, &next));
        let _ = permit_of::<ViewPlatform>(&world, &next).await;
        let _ = permit_of::<OperatePlatform>(&world, &next).await;
        let _ = permit_of::<ManageBilling>(&world, &next).await;
    }
    assert!(says(&world, &world.ada_signs_in().await));
    let caller = recognise(&world, &eves).await.expect("nothing happened to it");
    assert!(!caller.grants.allows::<ViewPlatform>());
}

#[tokio::test]
async fn a_demotion_is_felt_at_the_next_poll_in_every_session() {
    let world = World::new().await;
    world.accounts.operators.promote(&ada()).await.expect("promoted");
    let pairs = [world.ada_signs_in().await, world.ada_signs_in().await];
    world.accounts.operators.demote(&ada()).await.expect("demoted");
    let told = world.control().await;
    let epochs = told.iter().filter(|entry| match entry.change {
        ControlChange::SessionEpoch { epoch, .. } => epoch == 1,
        _ => false,
    });
    assert_eq!(epochs.count(), pairs.len());
    for pair in &pairs {
        assert!(outdated(&world, pair).await);
        let next = refresh(&world, &token(pair)).await;
        let caller = recognise(&world, &next).await.expect("recognised");
        let refused = world.authenticator.permit::<ViewPlatform>(caller);
        assert!(matches!(refused, Err(Refused::Forbidden(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn twice_is_once_and_both_are_in_the_trail() {
    let world = World::new().await;
    for _ in 0..2 {
        world.accounts.operators.promote(&ada()).await.expect("promoted");
    }
    for _ in 0..2 {
        world.accounts.operators.demote(&ada()).await.expect("demoted");
    }
    let entries = world.entries().await;
    assert!(entries.iter().all(|entry| entry.principal == Principal::System));
    let actions: Vec<_> = entries.iter().map(|entry| entry.action).collect();
    assert_eq!(actions, [Action::OperatorPromoted, Action::OperatorDemoted]);
}

#[tokio::test]
async fn who_is_not_known_not_verified_or_closed_becomes_no_operator() {
    let world = World::new().await;
    let stranger = given_an_unverified_user(&world, 20).await;
    world.accounts.closing.deactivate(&ada()).await.expect("closed");
    let promote = async |email| world.accounts.operators.promote(&email).await;
    let refused = promote(address("nobody@example.com")).await;
    assert!(matches!(refused, Err(OperatorError::NotFound(_))), "{refused:?}");
    let refused = promote(stranger.email.clone()).await;
    assert!(matches!(refused, Err(OperatorError::Unverified(_))), "{refused:?}");
    let refused = promote(ada()).await;
    assert!(matches!(refused, Err(OperatorError::Closed(_))), "{refused:?}");
    for email in [stranger.email, ada()] {
        assert!(!world.user(email.as_str()).await.expect("somebody").operator);
        world.accounts.operators.demote(&email).await.expect("it is none");
    }
}

#[tokio::test]
async fn who_closes_its_account_comes_back_as_anybody() {
    let world = World::new().await;
    world.accounts.operators.promote(&ada()).await.expect("promoted");
    world.accounts.closing.deactivate(&ada()).await.expect("closed");
    world.accounts.closing.reactivate(&ada()).await.expect("opened");
    assert!(!says(&world, &sign_in(&world, &ada()).await));
}

#[tokio::test]
async fn a_race_that_was_lost_is_run_again() {
    let world = World::new().await;
    world.unsteady.conflict(2);
    world.accounts.operators.promote(&ada()).await.expect("promoted");
    assert!(says(&world, &world.ada_signs_in().await));
}
