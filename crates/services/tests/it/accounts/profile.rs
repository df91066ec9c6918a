//! What a user sees of itself.
use cape_domain::{
    access::{Actor, Principal, ViewProfile},
    ids::UserId,
};
use cape_services::accounts::ProfileError;
use cape_testkit::fixtures::{ACME, ADA, EVE, RIVAL, at, id, owner, permit, person, profile, user};

use crate::world::World;

#[tokio::test]
async fn everybody_sees_its_own_profile() {
    let world = World::new().await;
    for (workspace, own) in [(ACME, ADA), (RIVAL, EVE)] {
        let shown = world.accounts.profiles.own(permit(workspace)).await.expect("shown");
        assert_eq!((shown.user, shown.profile), (user(own), profile(own)));
    }
}

#[tokio::test]
async fn who_is_no_person_or_is_no_more_has_no_profile() {
    let world = World::new().await;
    let Principal::User { session, .. } = person(ACME).principal else { panic!("a person") };
    let gone = Principal::User { id: UserId::new(id(99)), session, impersonated_by: None };
    for principal in [Principal::System, gone] {
        let actor = Actor { principal, ..person(ACME) };
        let permit = owner().permit::<ViewProfile>(actor, at(0)).expect("permitted");
        let refused = world.accounts.profiles.own(permit).await;
        assert!(matches!(refused, Err(ProfileError::NotFound)), "{refused:?}");
    }
}
