//! Telling other services of the operator's whose a token is.
use cape_domain::{
    access::{AccessTokens as _, Grants, KeyRules, KeyScope, Network, Role},
    secret::Secret,
    store::StoreError,
    time::Clock as _,
};
use cape_services::access::{Introspection, IntrospectionError};
use cape_testkit::fixtures::{ACME, ADA, permit};
use chrono::TimeDelta;

use super::{api_keys::create, key_rules::key};
use crate::{
    accounts::permit_of,
    world::{SERVICE, Setup, World},
};

async fn inspect(world: &World, token: &str) -> Result<Introspection, IntrospectionError> {
    world.introspection.inspect(Some(SERVICE), token).await
}

async fn inactive(world: &World, token: &str) -> bool {
    matches!(inspect(world, token).await, Ok(Introspection::Inactive))
}

#[tokio::test]
async fn a_persons_token_is_told_with_what_it_says_and_may_do() {
    let world = World::new().await;
    let pair = world.ada_signs_in().await;
    let told = inspect(&world, pair.access_token.expose()).await;
    let Ok(Introspection::Person { claims, grants }) = told else { panic!("{told:?}") };
    assert_eq!((claims.user, claims.workspace, claims.role), (ADA, ACME, Role::Owner));
    assert_eq!(grants, Role::Owner.grants());
}

#[tokio::test]
async fn a_programs_key_is_told_wherever_it_may_be_used_from() {
    let world = World::new().await;
    let networks = vec!["10.0.0.0/8".parse::<Network>().expect("a network")];
    let scopes = [KeyScope::Chat].into();
    let key = key(&world, KeyRules { networks, scopes, ..KeyRules::unlimited() }).await;
    let told = inspect(&world, key.expose()).await;
    let Ok(Introspection::Program { key, grants }) = told else { panic!("{told:?}") };
    assert_eq!((key.owner, key.workspace), (ADA, ACME));
    assert_eq!(grants, Grants::of_api_key(&[KeyScope::Chat].into()));
}

#[tokio::test]
async fn looking_is_no_use() {
    let world = World::new().await;
    let (pair, new) = (world.ada_signs_in().await, create(&world, "robot").await);
    for token in [&pair.access_token, &new.secret] {
        inspect(&world, token.expose()).await.expect("told");
    }
    assert_eq!(world.ring.write_uses().await.expect("written"), 0);
    let id = world.tokens.verify(pair.access_token.expose(), world.clock.now()).expect("good");
    assert_eq!(world.session(id.session).await.used_generation, 0);
}

#[tokio::test]
async fn what_is_not_good_is_inactive_for_whatever_reason() {
    let world = World::new().await;
    let (pair, new) = (world.ada_signs_in().await, create(&world, "robot").await);
    let expires_at = Some(world.clock.now() + TimeDelta::seconds(1));
    let short = key(&world, KeyRules { expires_at, ..KeyRules::unlimited() }).await;
    let mistyped = new.secret.expose().replace("cape_sk_0", "cape_sk_1");
    for token in ["", "x", &mistyped, pair.refresh_token.expose(), pair.csrf_token.expose()] {
        assert!(inactive(&world, token).await, "{token}");
    }
    world.pass(TimeDelta::seconds(1)).await;
    assert!(inactive(&world, short.expose()).await);
    world.pass(TimeDelta::minutes(15)).await;
    assert!(inactive(&world, pair.access_token.expose()).await);
}

#[tokio::test]
async fn what_was_taken_back_is_inactive_after_the_next_poll() {
    let world = World::new().await;
    let (pair, new) = (world.ada_signs_in().await, create(&world, "robot").await);
    for token in [&pair.access_token, &new.secret] {
        assert!(!inactive(&world, token.expose()).await);
    }
    world.keys.revoke(permit(ACME), new.key.id).await.expect("taken back");
    let out = permit_of(&world, &pair).await;
    world.accounts.sessions.log_out(out).await.expect("signed out");
    world.pass(TimeDelta::milliseconds(500)).await;
    for token in [&pair.access_token, &new.secret] {
        assert!(inactive(&world, token.expose()).await);
    }
}

#[tokio::test]
async fn who_is_no_service_is_told_nothing() {
    let world = World::new().await;
    let pair = world.ada_signs_in().await;
    for secret in [None, Some(""), Some("guess"), Some(pair.access_token.expose())] {
        let told = world.introspection.inspect(secret, pair.access_token.expose()).await;
        assert!(matches!(told, Err(IntrospectionError::Unauthorized)), "{told:?}");
    }
}

#[tokio::test]
async fn each_of_several_secrets_is_good() {
    let services = ["one", "other"].map(Secret::new).into();
    let world = World::with(Setup { services, ..Setup::default() }).await;
    for (secret, known) in [("one", true), ("other", true), (SERVICE, false)] {
        let told = world.introspection.inspect(Some(secret), "x").await;
        assert_eq!(told.is_ok(), known, "{secret}");
    }
}

#[tokio::test]
async fn where_no_service_may_ask_none_is_answered() {
    let world = World::with(Setup { services: vec![], ..Setup::default() }).await;
    for secret in [None, Some(""), Some(SERVICE)] {
        let told = world.introspection.inspect(secret, "x").await;
        assert!(matches!(told, Err(IntrospectionError::Disabled)), "{told:?}");
    }
}

#[tokio::test]
async fn while_it_is_not_known_what_was_taken_back_nothing_is_told() {
    let world = World::new().await;
    let pair = world.ada_signs_in().await;
    world.clock.advance(TimeDelta::milliseconds(1_001));
    let told = inspect(&world, pair.access_token.expose()).await;
    assert!(matches!(told, Err(IntrospectionError::Stale)), "{told:?}");
    world.feed.poll().await.expect("polled");
    assert!(!inactive(&world, pair.access_token.expose()).await);
}

#[tokio::test]
async fn while_the_store_is_away_an_unknown_key_is_neither_active_nor_inactive() {
    let world = World::new().await;
    let new = create(&world, "robot").await;
    world.unsteady.set_down(true);
    let told = inspect(&world, new.secret.expose()).await;
    let unavailable = matches!(told, Err(IntrospectionError::Store(StoreError::Unavailable(_))));
    assert!(unavailable, "{told:?}");
}
