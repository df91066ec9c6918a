//! Workspaces and memberships.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    access::Role,
    accounts::{Membership, Workspace},
    ids::{UserId, WorkspaceId},
    store::{Durability, Scope, Store, StoreError},
};

use super::super::{
    FOREIGN, OWN,
    conflicts::{is_conflict, retried},
};
use crate::fixtures::{ACME, ADA, EVE, RIVAL, at, id, membership, profile, user, workspace};

/// A tenant is seen from within, and by the platform.
pub async fn a_workspace_is_seen_within_its_scope_alone(store: &dyn Store) {
    for (scope, expected) in
        [(OWN, Some(workspace(ACME))), (FOREIGN, None), (Scope::Platform, Some(workspace(ACME)))]
    {
        let mut read = store.read(scope).await.expect("read");
        assert_eq!(read.workspaces().find(ACME).await.expect("find"), expected);
        let place = read.workspaces().membership(ACME, ADA).await.expect("membership");
        assert_eq!(place, expected.map(|_| membership(ACME, ADA)));
    }
}

/// A tenant is made once, and within its own scope.
pub async fn a_workspace_is_stored_once_and_within_its_scope(store: &dyn Store) {
    let third =
        Workspace { name: "Third".parse().expect("a name"), ..workspace(WorkspaceId::new(id(10))) };
    let refused = insert_workspace(store, OWN, &third).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    insert_workspace(store, Scope::Workspace(third.id), &third).await.expect("insert");
    let again = insert_workspace(store, Scope::Platform, &third).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
    let mut read = store.read(Scope::Platform).await.expect("read");
    assert_eq!(read.workspaces().find(third.id).await.expect("find"), Some(third));
}

/// A member is a member once, and is made one within the workspace's scope.
pub async fn a_membership_is_given_once_and_within_its_scope(store: &dyn Store) {
    let guest = Membership { role: Role::Viewer, created_at: at(3), ..membership(ACME, EVE) };
    let refused = add(store, FOREIGN, &guest).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    add(store, OWN, &guest).await.expect("add");
    let again = add(store, OWN, &Membership { role: Role::Owner, ..guest }).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
    let mut read = store.read(OWN).await.expect("read");
    assert_eq!(read.workspaces().membership(ACME, EVE).await.expect("find"), Some(guest));
}

/// The oldest place is the user's own workspace.
pub async fn memberships_are_listed_oldest_first_within_scope(store: &dyn Store) {
    let place = |workspace, role, second| Membership {
        role,
        created_at: at(second),
        ..membership(workspace, EVE)
    };
    let own = membership(RIVAL, EVE);
    let third = WorkspaceId::new(id(10));
    insert_workspace(store, Scope::Platform, &workspace(third)).await.expect("insert");
    let guest = place(ACME, Role::Viewer, 2);
    let member = place(third, Role::Member, 1);
    for added in [&guest, &member] {
        add(store, Scope::Platform, added).await.expect("add");
    }
    for (scope, expected) in
        [(Scope::Platform, &[own, member, guest][..]), (OWN, &[guest]), (FOREIGN, &[own])]
    {
        let mut read = store.read(scope).await.expect("read");
        assert_eq!(read.workspaces().memberships(EVE).await.expect("memberships"), expected);
    }
}

/// Of two who came in the same instant, the one with the lower id comes first.
pub async fn members_are_listed_oldest_first_within_scope(store: &dyn Store) {
    let place = |number, second| Membership {
        created_at: at(second),
        role: Role::Member,
        ..membership(ACME, UserId::new(id(number)))
    };
    let newcomers = [place(10, 2), place(11, 1), place(12, 2)];
    for newcomer in &newcomers {
        register(store, newcomer.user).await;
        add(store, OWN, newcomer).await.expect("add");
    }
    let [second, first, third] = newcomers;
    let all = [membership(ACME, ADA), first, second, third];
    for (scope, expected) in [(OWN, &all[..]), (Scope::Platform, &all), (FOREIGN, &[])] {
        let mut read = store.read(scope).await.expect("read");
        assert_eq!(read.workspaces().members(ACME).await.expect("members"), expected);
        let mut work = store.begin(scope, Durability::Power).await.expect("begin");
        assert_eq!(work.workspaces().lock_members(ACME).await.expect("lock"), expected);
    }
}

/// What a member is changes, and nothing else about its place. Who is no member, as far as the
/// scope goes, becomes none.
pub async fn what_a_member_is_is_changed(store: &dyn Store) {
    let guest = Membership { role: Role::Viewer, created_at: at(3), ..membership(ACME, EVE) };
    let absent = change_role(store, OWN, EVE, Role::Member).await;
    assert!(is_conflict(&absent), "{absent:?}");
    add(store, OWN, &guest).await.expect("add");
    for role in Role::ALL {
        change_role(store, OWN, EVE, role).await.expect("change");
        let changed = Membership { role, ..guest };
        assert_eq!(members(store).await, [membership(ACME, ADA), changed]);
    }
    let foreign = change_role(store, FOREIGN, EVE, Role::Owner).await;
    assert!(is_conflict(&foreign), "{foreign:?}");
}

/// Who was removed is no member, stays what it is elsewhere, and may come again.
pub async fn a_member_is_removed_once_and_may_come_again(store: &dyn Store) {
    let guest = Membership { role: Role::Viewer, ..membership(ACME, EVE) };
    add(store, OWN, &guest).await.expect("add");
    let foreign = remove(store, FOREIGN, EVE).await;
    assert!(is_conflict(&foreign), "{foreign:?}");
    remove(store, OWN, EVE).await.expect("remove");
    let again = remove(store, OWN, EVE).await;
    assert!(is_conflict(&again), "{again:?}");
    assert_eq!(members(store).await, [membership(ACME, ADA)]);
    let mut read = store.read(Scope::Platform).await.expect("read");
    let places = read.workspaces().memberships(EVE).await.expect("memberships");
    assert_eq!(places, [membership(RIVAL, EVE)]);
    drop(read);
    add(store, OWN, &guest).await.expect("add again");
}

/// Whoever locks the members sees who is still there, so that one owner always is.
pub async fn of_two_owners_who_leave_at_once_one_stays(store: &dyn Store) {
    add(store, OWN, &membership(ACME, EVE)).await.expect("add");
    let leave = async |user| {
        let mut work = store.begin(OWN, Durability::Power).await?;
        let members = work.workspaces().lock_members(ACME).await?;
        if members.iter().filter(|member| member.role == Role::Owner).count() < 2 {
            return Ok(false);
        }
        work.workspaces().remove(ACME, user).await?;
        work.commit().await?;
        Ok(true)
    };
    let (one, other) =
        tokio::join!(retried(async || leave(ADA).await), retried(async || leave(EVE).await));
    assert!(one.expect("an answer") ^ other.expect("an answer"));
    assert_eq!(members(store).await.len(), 1);
}

async fn register(store: &dyn Store, newcomer: UserId) {
    let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    work.users().insert(&user(newcomer), &profile(newcomer)).await.expect("insert");
    work.commit().await.expect("commit");
}

async fn change_role(
    store: &dyn Store,
    scope: Scope,
    user: UserId,
    role: Role,
) -> Result<(), StoreError> {
    let mut work = store.begin(scope, Durability::Power).await?;
    work.workspaces().change_role(ACME, user, role).await?;
    work.commit().await
}

async fn remove(store: &dyn Store, scope: Scope, user: UserId) -> Result<(), StoreError> {
    let mut work = store.begin(scope, Durability::Power).await?;
    work.workspaces().remove(ACME, user).await?;
    work.commit().await
}

async fn members(store: &dyn Store) -> Vec<Membership> {
    let mut read = store.read(OWN).await.expect("read");
    read.workspaces().members(ACME).await.expect("members")
}

async fn insert_workspace(
    store: &dyn Store,
    scope: Scope,
    workspace: &Workspace,
) -> Result<(), StoreError> {
    let mut work = store.begin(scope, Durability::Power).await?;
    work.workspaces().insert(workspace).await?;
    work.commit().await
}

async fn add(store: &dyn Store, scope: Scope, membership: &Membership) -> Result<(), StoreError> {
    let mut work = store.begin(scope, Durability::Power).await?;
    work.workspaces().add(membership).await?;
    work.commit().await
}
