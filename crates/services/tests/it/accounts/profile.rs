//! What a user sees of itself.
use cape_domain::{
    access::{Actor, Principal, ViewProfile},
    accounts::Profile,
    audit::Action,
    ids::UserId,
};
use cape_services::accounts::{NewProfile, ProfileError};
use cape_testkit::fixtures::{ACME, ADA, EVE, RIVAL, at, id, owner, permit, person, profile, user};
use chrono::TimeDelta;

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

#[tokio::test]
async fn a_profile_is_replaced_whole_and_that_is_entered_without_what_is_in_it() {
    let world = World::new().await;
    let new = NewProfile { full_name: None, company: Some("Analytical".parse().expect("a name")) };
    world.clock.advance(TimeDelta::seconds(5));
    let changed = world.accounts.profiles.change(permit(ACME), new).await.expect("changed");
    let expected = Profile {
        full_name: None,
        company: changed.profile.company.clone(),
        updated_at: at(5),
        ..profile(ADA)
    };
    assert_eq!((&changed.profile, changed.user.id), (&expected, ADA));
    let shown = world.accounts.profiles.own(permit(ACME)).await.expect("shown");
    assert_eq!(shown.profile, expected);
    assert_eq!(world.actions().await, [Action::ProfileChanged]);
    let entries = format!("{:?}", world.entries().await);
    assert!(!entries.contains("Analytical"), "{entries}");
    let eves = world.accounts.profiles.own(permit(RIVAL)).await.expect("shown");
    assert_eq!(eves.profile, profile(EVE));
}
