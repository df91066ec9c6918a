//! When a key was used last.
use cape_domain::{
    ids::ApiKeyId,
    time::{Clock as _, Timestamp},
};
use chrono::TimeDelta;

use super::api_keys::create;
use crate::world::{World, origin};

async fn last_used(world: &World, id: ApiKeyId) -> Option<Timestamp> {
    let key = world.look().await.api_keys().find(id).await.expect("found").expect("a key");
    key.last_used_at
}

/// A world with a key, and what calls with it and then has it written down.
async fn given_a_key() -> (World, ApiKeyId, String) {
    let world = World::new().await;
    let new = create(&world, "robot").await;
    (world, new.key.id, new.secret.expose().to_owned())
}

async fn call(world: &World, key: &str) {
    world.authenticator.program(key, origin()).await.expect("a good key");
}

async fn write(world: &World) -> usize {
    world.ring.write_uses().await.expect("written")
}

#[tokio::test]
async fn a_use_is_written_later_and_not_with_the_call() {
    let (world, id, key) = given_a_key().await;
    call(&world, &key).await;
    assert_eq!(last_used(&world, id).await, None);
    assert_eq!(write(&world).await, 1);
    assert_eq!(last_used(&world, id).await, Some(world.clock.now()));
}

#[tokio::test]
async fn a_key_in_steady_use_is_written_once_a_minute() {
    let (world, id, key) = given_a_key().await;
    let begun = world.clock.now();
    let mut written = Vec::new();
    for second in 0..=180 {
        call(&world, &key).await;
        if write(&world).await > 0 {
            written.push(second);
            assert_eq!(last_used(&world, id).await, Some(begun + TimeDelta::seconds(second)));
        }
        world.clock.advance(TimeDelta::seconds(1));
    }
    assert_eq!(written, [0, 60, 120, 180]);
}

#[tokio::test]
async fn a_key_that_was_never_used_is_never_written() {
    let (world, id, _) = given_a_key().await;
    assert_eq!(write(&world).await, 0);
    assert_eq!(last_used(&world, id).await, None);
}

#[tokio::test]
async fn a_refused_call_is_no_use() {
    let (world, id, key) = given_a_key().await;
    let forged = key.replace("cape_sk_0", "cape_sk_1");
    assert!(world.authenticator.program(&forged, origin()).await.is_err());
    assert_eq!((write(&world).await, last_used(&world, id).await), (0, None));
}

#[tokio::test]
async fn a_last_use_within_the_minute_does_not_keep_the_next_one_from_being_written() {
    let (world, id, key) = given_a_key().await;
    call(&world, &key).await;
    assert_eq!(write(&world).await, 1);
    world.clock.advance(TimeDelta::seconds(30));
    call(&world, &key).await;
    world.clock.advance(TimeDelta::hours(1));
    assert_eq!(write(&world).await, 0, "it is known to the minute");
    call(&world, &key).await;
    assert_eq!(write(&world).await, 1);
    assert_eq!(last_used(&world, id).await, Some(world.clock.now()));
}

#[tokio::test]
async fn what_could_not_be_written_is_written_the_next_time() {
    let (world, id, key) = given_a_key().await;
    call(&world, &key).await;
    world.unsteady.set_down(true);
    assert!(world.ring.write_uses().await.is_err());
    world.unsteady.set_down(false);
    assert_eq!(write(&world).await, 1);
    assert!(last_used(&world, id).await.is_some());
}

#[tokio::test]
async fn many_keys_are_written_together() {
    let (world, _, key) = given_a_key().await;
    call(&world, &key).await;
    for number in 0..4 {
        let other = create(&world, &format!("robot {number}")).await;
        call(&world, other.secret.expose()).await;
    }
    assert_eq!((write(&world).await, write(&world).await), (5, 0));
}
