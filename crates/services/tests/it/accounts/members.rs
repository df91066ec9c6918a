//! Who is in a workspace, and what it is there.
use cape_domain::{
    access::{ManageMembers, ManageSessions, Role, ViewMembers},
    audit::Action,
    ids::{UserId, WorkspaceId},
    json::RawJson,
    store::{Durability, Scope, Store as _},
};
use cape_services::accounts::MemberError;
use cape_testkit::fixtures::{ACME, ADA, EVE, RIVAL, id, permit, user};

use super::{given_a_member, permit_of, sign_in};
use crate::world::World;

async fn change(world: &World, user: UserId, role: Role) -> Result<(), MemberError> {
    world.accounts.members.change_role(permit(ACME), user, role).await
}

async fn remove(world: &World, user: UserId) -> Result<(), MemberError> {
    world.accounts.members.remove(permit(ACME), user).await
}

async fn listed(world: &World, workspace: WorkspaceId) -> Vec<(UserId, Role)> {
    let members = world.accounts.members.list(permit::<ViewMembers>(workspace)).await;
    let members = members.expect("listed").into_iter();
    members.map(|member| (member.user.id, member.membership.role)).collect()
}

#[tokio::test]
async fn members_are_listed_the_oldest_first_within_their_workspace_alone() {
    let world = World::new().await;
    let bob = given_a_member(&world, 20, Role::Viewer).await.id;
    assert_eq!(listed(&world, ACME).await, [(ADA, Role::Owner), (bob, Role::Viewer)]);
    assert_eq!(listed(&world, RIVAL).await, [(EVE, Role::Owner)]);
}

#[tokio::test]
async fn what_a_member_is_can_be_changed_and_is_entered() {
    let world = World::new().await;
    let bob = given_a_member(&world, 20, Role::Viewer).await.id;
    change(&world, bob, Role::Member).await.expect("changed");
    assert_eq!(listed(&world, ACME).await[1], (bob, Role::Member));
    let entry = world.entries().await.pop().expect("an entry");
    assert_eq!((entry.action, entry.subject), (Action::MemberRoleChanged, bob.to_string()));
    let snapshots = [entry.before, entry.after].map(|s| s.expect("a snapshot"));
    assert_eq!(
        snapshots.each_ref().map(RawJson::as_str),
        [r#"{"role":"viewer"}"#, r#"{"role":"member"}"#]
    );
    change(&world, bob, Role::Member).await.expect("it is that already");
    assert_eq!(world.entries().await.len(), 1);
}

#[tokio::test]
async fn the_last_owner_stays_one_and_stays() {
    let world = World::new().await;
    let bob = given_a_member(&world, 20, Role::Member).await.id;
    for role in [Role::Member, Role::Viewer] {
        let refused = change(&world, ADA, role).await;
        assert!(matches!(refused, Err(MemberError::LastOwner)), "{refused:?}");
    }
    let refused = remove(&world, ADA).await;
    assert!(matches!(refused, Err(MemberError::LastOwner)), "{refused:?}");
    change(&world, bob, Role::Owner).await.expect("changed");
    change(&world, ADA, Role::Viewer).await.expect("there is another owner");
    let refused = remove(&world, bob).await;
    assert!(matches!(refused, Err(MemberError::LastOwner)), "{refused:?}");
}

#[tokio::test]
async fn of_two_owners_who_remove_each_other_at_once_one_stays() {
    let world = World::new().await;
    let bob = given_a_member(&world, 20, Role::Owner).await.id;
    let busy = world.store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    let (one, other, ()) =
        tokio::join!(remove(&world, bob), remove(&world, ADA), async { drop(busy) });
    one.expect("removed");
    assert!(matches!(other, Err(MemberError::LastOwner)), "{other:?}");
    assert_eq!(listed(&world, ACME).await, [(ADA, Role::Owner)]);
}

#[tokio::test]
async fn who_is_no_member_can_neither_be_changed_nor_removed() {
    let world = World::new().await;
    for stranger in [EVE, UserId::new(id(99))] {
        let changed = change(&world, stranger, Role::Viewer).await;
        assert!(matches!(changed, Err(MemberError::NotAMember(_))), "{changed:?}");
        let removed = remove(&world, stranger).await;
        assert!(matches!(removed, Err(MemberError::NotAMember(_))), "{removed:?}");
    }
    assert_eq!(listed(&world, RIVAL).await, [(EVE, Role::Owner)]);
    assert_eq!(world.entries().await, []);
}

#[tokio::test]
async fn a_member_that_was_removed_is_gone_and_that_is_entered() {
    let world = World::new().await;
    let bob = given_a_member(&world, 20, Role::Member).await.id;
    remove(&world, bob).await.expect("removed");
    assert_eq!(listed(&world, ACME).await, [(ADA, Role::Owner)]);
    assert_eq!(world.actions().await, [Action::MemberRemoved]);
    let again = remove(&world, bob).await;
    assert!(matches!(again, Err(MemberError::NotAMember(_))), "{again:?}");
}

#[tokio::test]
async fn nobody_switches_to_a_workspace_that_it_is_not_in() {
    let world = World::new().await;
    let pair = sign_in(&world, &user(ADA).email).await;
    for foreign in [RIVAL, WorkspaceId::new(id(99))] {
        let permit = permit_of::<ManageSessions>(&world, &pair).await;
        let refused = world.accounts.members.switch(permit, foreign).await;
        assert!(matches!(refused, Err(MemberError::NoPlace(w)) if w == foreign), "{refused:?}");
    }
    let _ = permit_of::<ManageMembers>(&world, &pair).await;
}
