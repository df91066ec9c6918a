//! Workspaces and memberships.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    access::Role,
    accounts::{Membership, Workspace},
    ids::WorkspaceId,
    store::{Durability, Scope, Store, StoreError},
};

use super::super::{FOREIGN, OWN};
use crate::fixtures::{ACME, ADA, EVE, RIVAL, at, id, membership, workspace};

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
