//! Making a key in place of another one.
use cape_domain::{
    access::{CreateKeys, KeyRules},
    audit::Action,
    ids::ApiKeyId,
    secret::Secret,
    time::Clock as _,
};
use cape_services::access::{ApiKeyError, InvalidOverlap, NewApiKey, Overlap, Refused};
use cape_testkit::fixtures::{ACME, RIVAL, at, id, owner, permit, program};
use chrono::TimeDelta;

use super::api_keys::create;
use crate::world::{World, origin};

async fn rotate(world: &World, id: ApiKeyId, overlap: Overlap) -> Result<NewApiKey, ApiKeyError> {
    world.keys.rotate(permit::<CreateKeys>(ACME), id, overlap).await
}

async fn is_good(world: &World, key: &Secret) -> bool {
    world.feed.poll().await.expect("polled");
    match world.authenticator.program(key.expose(), origin()).await {
        Ok(_) => true,
        Err(Refused::Key) => false,
        Err(other) => panic!("{other:?}"),
    }
}

fn not_found(outcome: Result<NewApiKey, ApiKeyError>) -> bool {
    matches!(outcome, Err(ApiKeyError::NotFound(_)))
}

#[tokio::test]
async fn the_successor_is_for_the_same_and_both_are_good_for_a_day() {
    let world = World::new().await;
    let rules = KeyRules { ends_with_password: true, ..KeyRules::unlimited() };
    let name = "robot".parse().expect("a name");
    let old = world.keys.create(permit(ACME), name, rules.clone()).await.expect("made");
    assert!(is_good(&world, &old.secret).await);
    let new = rotate(&world, old.key.id, Overlap::default()).await.expect("rotated");
    assert_ne!(new.key.id, old.key.id);
    assert_eq!((new.key.name, new.key.rules), (old.key.name, rules));
    for key in [&old.secret, &new.secret] {
        assert!(is_good(&world, key).await);
    }
    world.pass(TimeDelta::hours(24)).await;
    assert!(!is_good(&world, &old.secret).await);
    assert!(is_good(&world, &new.secret).await);
    assert_eq!(world.actions().await, [Action::ApiKeyCreated, Action::ApiKeyRotated]);
}

#[tokio::test]
async fn without_an_overlap_the_old_one_is_refused_after_the_next_poll() {
    let world = World::new().await;
    let old = create(&world, "robot").await;
    assert!(is_good(&world, &old.secret).await, "it is known now");
    let new = rotate(&world, old.key.id, Overlap::hours(0).expect("none")).await.expect("rotated");
    assert!(!is_good(&world, &old.secret).await);
    assert!(is_good(&world, &new.secret).await);
}

#[tokio::test]
async fn a_key_never_lives_longer_for_it() {
    let world = World::new().await;
    let expires_at = Some(world.clock.now() + TimeDelta::hours(1));
    let rules = KeyRules { expires_at, ..KeyRules::unlimited() };
    let name = "robot".parse().expect("a name");
    let old = world.keys.create(permit(ACME), name, rules).await.expect("made");
    let week = Overlap::hours(Overlap::MOST_HOURS).expect("a week");
    rotate(&world, old.key.id, week).await.expect("rotated");
    world.pass(TimeDelta::hours(1)).await;
    assert!(!is_good(&world, &old.secret).await);
}

#[tokio::test]
async fn one_that_is_gone_expired_or_foreign_has_no_successor() {
    let world = World::new().await;
    let [revoked, expired, foreign] =
        [create(&world, "a").await, create(&world, "b").await, create(&world, "c").await];
    world.keys.revoke(permit(ACME), revoked.key.id).await.expect("taken back");
    let at_once = Overlap::hours(0).expect("none");
    rotate(&world, expired.key.id, at_once).await.expect("rotated");
    for gone in [revoked.key.id, expired.key.id, ApiKeyId::new(id(99))] {
        assert!(not_found(rotate(&world, gone, at_once).await), "{gone}");
    }
    let permit = permit::<CreateKeys>(RIVAL);
    assert!(not_found(world.keys.rotate(permit, foreign.key.id, at_once).await));
    assert!(is_good(&world, &foreign.secret).await);
}

#[tokio::test]
async fn a_program_rotates_no_keys() {
    let world = World::new().await;
    let old = create(&world, "robot").await;
    let permit = owner().permit::<CreateKeys>(program(10), at(0)).expect("permitted");
    let refused = world.keys.rotate(permit, old.key.id, Overlap::default()).await.err();
    assert!(matches!(refused, Some(ApiKeyError::NotAPerson)));
}

#[test]
fn an_overlap_is_a_week_at_most() {
    assert!(Overlap::hours(168).is_ok());
    assert_eq!(Overlap::hours(169), Err(InvalidOverlap));
}
