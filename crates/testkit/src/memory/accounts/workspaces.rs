use std::collections::btree_map::{Entry, OccupiedEntry};

use async_trait::async_trait;
use cape_domain::{
    access::Role,
    accounts::{Membership, Workspace, WorkspaceReads, WorkspaceRepository},
    ids::{UserId, WorkspaceId},
    store::StoreError,
};

use super::{MemoryRead, MemoryUnitOfWork, insert_new};

const WORKSPACE: &str = "workspace";
const MEMBERSHIP: &str = "membership";

#[async_trait]
impl WorkspaceReads for MemoryRead {
    async fn find(&mut self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        Ok(self.tables.accounts.workspaces.get(&id).filter(|_| self.admits(id)).cloned())
    }

    async fn membership(
        &mut self,
        workspace: WorkspaceId,
        user: UserId,
    ) -> Result<Option<Membership>, StoreError> {
        let membership = self.tables.accounts.memberships.get(&(workspace, user));
        Ok(membership.filter(|_| self.admits(workspace)).copied())
    }

    async fn memberships(&mut self, user: UserId) -> Result<Vec<Membership>, StoreError> {
        let all = self.tables.accounts.memberships.values().copied();
        let mut own: Vec<_> =
            all.filter(|place| place.user == user && self.admits(place.workspace)).collect();
        own.sort_by_key(|place| (place.created_at, place.workspace));
        Ok(own)
    }

    async fn members(&mut self, workspace: WorkspaceId) -> Result<Vec<Membership>, StoreError> {
        let all = self.tables.accounts.memberships.values().copied();
        let mut members: Vec<_> =
            all.filter(|place| place.workspace == workspace && self.admits(workspace)).collect();
        members.sort_by_key(|place| (place.created_at, place.user));
        Ok(members)
    }
}

#[async_trait]
impl WorkspaceReads for MemoryUnitOfWork {
    async fn find(&mut self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        WorkspaceReads::find(&mut self.copy, id).await
    }

    async fn membership(
        &mut self,
        workspace: WorkspaceId,
        user: UserId,
    ) -> Result<Option<Membership>, StoreError> {
        self.copy.membership(workspace, user).await
    }

    async fn memberships(&mut self, user: UserId) -> Result<Vec<Membership>, StoreError> {
        self.copy.memberships(user).await
    }

    async fn members(&mut self, workspace: WorkspaceId) -> Result<Vec<Membership>, StoreError> {
        self.copy.members(workspace).await
    }
}

impl MemoryUnitOfWork {
    /// The place of somebody who is a member, as far as the scope goes.
    fn place(
        &mut self,
        workspace: WorkspaceId,
        user: UserId,
    ) -> Result<OccupiedEntry<'_, (WorkspaceId, UserId), Membership>, StoreError> {
        let within = self.copy.admits(workspace);
        match self.copy.tables.accounts.memberships.entry((workspace, user)) {
            Entry::Occupied(place) if within => Ok(place),
            Entry::Occupied(_) | Entry::Vacant(_) => Err(StoreError::Conflict { what: MEMBERSHIP }),
        }
    }
}

#[async_trait]
impl WorkspaceRepository for MemoryUnitOfWork {
    async fn insert(&mut self, workspace: &Workspace) -> Result<(), StoreError> {
        self.copy.admit(WORKSPACE, workspace.id)?;
        let workspaces = &mut self.copy.tables.accounts.workspaces;
        insert_new(workspaces, WORKSPACE, workspace.id, workspace.clone())
    }

    async fn add(&mut self, membership: &Membership) -> Result<(), StoreError> {
        self.copy.admit(MEMBERSHIP, membership.workspace)?;
        let place = (membership.workspace, membership.user);
        insert_new(&mut self.copy.tables.accounts.memberships, MEMBERSHIP, place, *membership)
    }

    async fn lock_members(
        &mut self,
        workspace: WorkspaceId,
    ) -> Result<Vec<Membership>, StoreError> {
        self.copy.members(workspace).await
    }

    async fn change_role(
        &mut self,
        workspace: WorkspaceId,
        user: UserId,
        role: Role,
    ) -> Result<(), StoreError> {
        self.place(workspace, user)?.get_mut().role = role;
        Ok(())
    }

    async fn remove(&mut self, workspace: WorkspaceId, user: UserId) -> Result<(), StoreError> {
        self.place(workspace, user)?.remove();
        Ok(())
    }
}
