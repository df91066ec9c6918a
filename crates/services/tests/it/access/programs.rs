//! Recognising programs by their API keys.
use cape_domain::{
    access::{Grants, KeyScope, ManageBilling, PresentedKey, Principal, UseAi},
    ids::ApiKeyId,
    secret::Secret,
    store::{Durability, Scope, Store as _, StoreError},
    time::Clock as _,
};
use cape_services::access::Refused;
use cape_testkit::fixtures::{ACME, ADA, id, permit};
use chrono::TimeDelta;

use super::api_keys::create;
use crate::world::{World, origin};

async fn refused(world: &World, key: &str) {
    let refused = world.authenticator.program(key, origin()).await;
    assert!(matches!(refused, Err(Refused::Key)), "{key}: {refused:?}");
}

#[tokio::test]
async fn a_program_may_spend_and_nothing_else() {
    let world = World::new().await;
    let new = create(&world, "robot").await;
    let caller = world.authenticator.program(new.secret.expose(), origin()).await.expect("good");
    let program = Principal::ApiKey { id: new.key.id, owner: ADA };
    assert_eq!((caller.actor.principal, caller.actor.workspace), (program, ACME));
    assert_eq!(caller.grants, Grants::of_api_key(&KeyScope::ALL.into()));
    assert!(caller.grants.permit::<UseAi>(caller.actor.clone(), world.clock.now()).is_ok());
    assert!(caller.grants.permit::<ManageBilling>(caller.actor, world.clock.now()).is_err());
}

#[tokio::test]
async fn an_unknown_forged_or_mistyped_key_is_refused() {
    let world = World::new().await;
    let new = create(&world, "robot").await;
    let good = new.secret.expose();
    let mistyped = good.replace("cape_sk_0", "cape_sk_1");
    let shortened = &good[..good.len() - 1];
    let with = |id| PresentedKey { id, secret: Secret::new("7".repeat(44)) }.reveal();
    let [forged, unknown] = [with(new.key.id), with(ApiKeyId::new(id(99)))];
    assert_ne!(mistyped, good);
    for wrong in ["", "sk-abc", &mistyped, shortened, forged.expose(), unknown.expose()] {
        refused(&world, wrong).await;
    }
    assert!(world.authenticator.program(good, origin()).await.is_ok());
    refused(&world, forged.expose()).await;
}

#[tokio::test]
async fn an_access_token_is_no_key_and_a_key_no_access_token() {
    let world = World::new().await;
    let (pair, new) = (world.ada_signs_in().await, create(&world, "robot").await);
    refused(&world, pair.access_token.expose()).await;
    let token = world.authenticator.person(new.secret.expose(), origin()).await;
    assert!(matches!(token, Err(Refused::Token(_))), "{token:?}");
}

#[tokio::test]
async fn a_key_that_was_taken_back_is_refused_after_the_next_poll() {
    let world = World::new().await;
    let new = create(&world, "robot").await;
    world.authenticator.program(new.secret.expose(), origin()).await.expect("good");
    world.keys.revoke(permit(ACME), new.key.id).await.expect("taken back");
    world.pass(TimeDelta::milliseconds(500)).await;
    refused(&world, new.secret.expose()).await;
}

#[tokio::test]
async fn a_key_that_was_taken_back_before_its_first_use_is_refused_at_once() {
    let world = World::new().await;
    let new = create(&world, "robot").await;
    world.keys.revoke(permit(ACME), new.key.id).await.expect("taken back");
    refused(&world, new.secret.expose()).await;
}

#[tokio::test]
async fn a_known_key_is_not_looked_up_again() {
    let world = World::new().await;
    let new = create(&world, "robot").await;
    world.authenticator.program(new.secret.expose(), origin()).await.expect("good");
    world.unsteady.set_down(true);
    let caller = world.authenticator.program(new.secret.expose(), origin()).await;
    assert!(caller.is_ok(), "{caller:?}");
}

#[tokio::test]
async fn only_the_feed_makes_a_known_key_be_forgotten() {
    let world = World::new().await;
    let new = create(&world, "robot").await;
    world.authenticator.program(new.secret.expose(), origin()).await.expect("good");
    let mut work = world.store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    work.api_keys().revoke(new.key.id, world.clock.now()).await.expect("revoked in silence");
    work.commit().await.expect("commit");
    world.feed.poll().await.expect("polled");
    assert!(world.authenticator.program(new.secret.expose(), origin()).await.is_ok());
}

#[tokio::test]
async fn while_the_store_is_away_an_unknown_key_is_neither_good_nor_bad() {
    let world = World::new().await;
    let new = create(&world, "robot").await;
    world.unsteady.set_down(true);
    let unknown = world.authenticator.program(new.secret.expose(), origin()).await;
    assert!(matches!(unknown, Err(Refused::Store(StoreError::Unavailable(_)))), "{unknown:?}");
}
