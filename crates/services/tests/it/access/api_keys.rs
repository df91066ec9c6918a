//! Making and taking back API keys.
use cape_domain::{
    access::{ApiKey, ControlChange, CreateKeys, KeyRules, KeyState, PresentedKey},
    audit::Action,
    ids::ApiKeyId,
    page::PageRequest,
    store::{Scope, Store as _},
    time::Clock as _,
};
use cape_services::access::{ApiKeyError, NewApiKey};
use cape_testkit::fixtures::{ACME, ADA, RIVAL, at, id, owner, permit, program};
use chrono::TimeDelta;

use crate::world::World;

pub async fn create(world: &World, name: &str) -> NewApiKey {
    let name = name.parse().expect("a name");
    world.keys.create(permit(ACME), name, KeyRules::unlimited()).await.expect("made")
}

async fn stored(world: &World, id: ApiKeyId) -> ApiKey {
    world.look().await.api_keys().find(id).await.expect("found").expect("a key")
}

fn not_found<T>(outcome: Result<T, ApiKeyError>) -> bool {
    matches!(outcome, Err(ApiKeyError::NotFound(_)))
}

#[tokio::test]
async fn a_person_makes_a_key_for_its_workspace() {
    let world = World::new().await;
    let NewApiKey { key, secret } = create(&world, "robot").await;
    assert_eq!((key.workspace, key.owner, key.name.as_str()), (ACME, ADA, "robot"));
    assert_eq!(stored(&world, key.id).await, key);
    let presented: PresentedKey = secret.expose().parse().expect("a key");
    assert!(key.accepts(&presented, world.clock.now()));
    assert!(secret.expose().starts_with(&key.prefix()));
    assert_eq!(world.actions().await, [Action::ApiKeyCreated]);
}

#[tokio::test]
async fn the_secret_is_stored_nowhere() {
    let world = World::new().await;
    let NewApiKey { key, secret } = create(&world, "robot").await;
    let presented: PresentedKey = secret.expose().parse().expect("a key");
    let shown = format!("{:?} {:?}", stored(&world, key.id).await, world.entries().await);
    assert!(!shown.contains(presented.secret.expose()));
    assert!(!shown.contains(secret.expose()));
    assert!(shown.contains(&key.prefix()), "the trail tells which key it was");
}

#[tokio::test]
async fn a_program_makes_no_keys() {
    let world = World::new().await;
    let permit = owner().permit::<CreateKeys>(program(10), at(0)).expect("permitted");
    let name = "another".parse().expect("a name");
    let refused = world.keys.create(permit, name, KeyRules::unlimited()).await;
    assert!(matches!(refused, Err(ApiKeyError::NotAPerson)));
    assert_eq!(world.entries().await, []);
}

#[tokio::test]
async fn a_key_is_taken_back_and_everybody_is_told() {
    let world = World::new().await;
    let id = create(&world, "robot").await.key.id;
    world.keys.revoke(permit(ACME), id).await.expect("taken back");
    let at = world.clock.now();
    assert_eq!(stored(&world, id).await.state, KeyState::Revoked { at });
    let told: Vec<_> = world.control().await.into_iter().map(|entry| entry.change).collect();
    assert_eq!(told, [ControlChange::ApiKeyChanged(id)]);
    assert_eq!(world.actions().await, [Action::ApiKeyCreated, Action::ApiKeyRevoked]);
}

#[tokio::test]
async fn a_key_is_taken_back_once() {
    let world = World::new().await;
    let id = create(&world, "robot").await.key.id;
    world.keys.revoke(permit(ACME), id).await.expect("taken back");
    assert!(not_found(world.keys.revoke(permit(ACME), id).await));
    assert_eq!(world.control().await.len(), 1);
}

#[tokio::test]
async fn nobody_takes_back_the_key_of_another_workspace() {
    let world = World::new().await;
    let key = create(&world, "robot").await.key;
    assert!(not_found(world.keys.revoke(permit(RIVAL), key.id).await));
    assert_eq!(stored(&world, key.id).await, key);
    assert_eq!(world.control().await, []);
    assert!(not_found(world.keys.revoke(permit(ACME), ApiKeyId::new(id(99))).await));
}

#[tokio::test]
async fn good_keys_of_the_own_workspace_are_listed_the_newest_first() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for name in ["one", "two", "three"] {
        ids.push(create(&world, name).await.key.id);
        world.pass(TimeDelta::seconds(1)).await;
    }
    world.keys.revoke(permit(ACME), ids[1]).await.expect("taken back");
    let listed = async |workspace| {
        let page = world.keys.list(permit(workspace), PageRequest::first()).await.expect("listed");
        page.rows.into_iter().map(|key| key.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(ACME).await, [ids[2], ids[0]]);
    assert_eq!(listed(RIVAL).await, []);
}

#[tokio::test]
async fn a_key_is_seen_within_its_workspace_alone() {
    let world = World::new().await;
    let id = create(&world, "robot").await.key.id;
    let mut work = world.store.read(Scope::Workspace(RIVAL)).await.expect("a look");
    assert_eq!(work.api_keys().find(id).await.expect("looked"), None);
}
