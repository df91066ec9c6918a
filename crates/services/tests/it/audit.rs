//! Writing entries of the trail.
use cape_domain::{
    access::{Actor, Principal},
    audit::{Action, Vault as _},
    store::{Durability, Scope, Store as _, StoreError},
    time::Clock as _,
};
use cape_services::audit::Fact;
use cape_testkit::fixtures::{ACME, ADA, EVE, RIVAL, person};

use crate::world::World;

fn fact(subject: &str) -> Fact<'_> {
    let subject = subject.to_owned();
    Fact { action: Action::ApiKeyCreated, subject, before: &[], after: &[("name", "a \"b\"")] }
}

async fn enter(world: &World, scope: Scope, actor: &Actor) -> Result<(), StoreError> {
    let mut work = world.store.begin(scope, Durability::Power).await?;
    world.trail.enter(&mut *work, actor, None, fact("key_1")).await?;
    work.commit().await
}

#[tokio::test]
async fn an_entry_tells_who_did_what_to_what_and_when() {
    let world = World::new().await;
    let actor = person(ACME);
    enter(&world, Scope::Platform, &actor).await.expect("entered");
    let entry = world.entries().await.remove(0);
    assert_eq!((entry.workspace, entry.at), (ACME, world.clock.now()));
    assert_eq!((entry.principal, entry.request), (actor.principal, actor.request));
    assert_eq!((entry.action, entry.subject.as_str()), (Action::ApiKeyCreated, "key_1"));
    assert_eq!(entry.before, None);
    assert_eq!(entry.after.expect("a snapshot").as_str(), r#"{"name":"a \"b\""}"#);
}

#[tokio::test]
async fn everybody_has_one_key_of_its_own() {
    let world = World::new().await;
    for workspace in [ACME, ACME, RIVAL] {
        enter(&world, Scope::Platform, &person(workspace)).await.expect("entered");
    }
    let mut look = world.look().await;
    let mut keys = Vec::new();
    for who in [ADA, EVE] {
        keys.push(look.personal_keys().find(who).await.expect("found").expect("a key"));
    }
    let sealed: Vec<_> =
        world.entries().await.into_iter().map(|entry| entry.personal.expect("sealed")).collect();
    let opened = |key: usize, entry: usize| world.vault.open(&keys[key], &sealed[entry]).ok();
    let address = Some(r#"{"address":"127.0.0.1"}"#.to_owned());
    assert_eq!([opened(0, 0), opened(0, 1), opened(1, 2)], [(); 3].map(|()| address.clone()));
    assert_eq!([opened(1, 0), opened(0, 2)], [None, None]);
    assert_ne!(sealed[0], sealed[1], "the same address never looks alike");
}

#[tokio::test]
async fn a_job_has_neither_person_nor_address() {
    let world = World::new().await;
    let visitor = Actor { principal: Principal::Visitor, ..person(ACME) };
    let job = Actor { principal: Principal::System, address: None, ..person(ACME) };
    for actor in [visitor, job] {
        enter(&world, Scope::Platform, &actor).await.expect("entered");
    }
    assert!(world.entries().await.iter().all(|entry| entry.personal.is_none()));
}

#[tokio::test]
async fn nobody_enters_anything_in_the_trail_of_another_workspace() {
    let world = World::new().await;
    let refused = enter(&world, Scope::Workspace(RIVAL), &person(ACME)).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    assert_eq!(world.entries().await, []);
}
