use async_trait::async_trait;
use cape_domain::{
    accounts::{Invitation, InvitationReads, InvitationRepository},
    ids::{InvitationId, WorkspaceId},
    page::{Cursor, Page, PageRequest},
    store::StoreError,
};

use super::{MemoryRead, MemoryUnitOfWork, insert_new, newest_first};

const WHAT: &str = "invitation";

#[async_trait]
impl InvitationReads for MemoryRead {
    async fn find(&mut self, id: InvitationId) -> Result<Option<Invitation>, StoreError> {
        let invitation = self.tables.accounts.invitations.get(&id);
        Ok(invitation.filter(|invitation| self.admits(invitation.workspace)).cloned())
    }

    async fn list(
        &mut self,
        workspace: WorkspaceId,
        page: PageRequest,
    ) -> Result<Page<Invitation>, StoreError> {
        let invitations = self.tables.accounts.invitations.values();
        let own = invitations.filter(|invitation| invitation.workspace == workspace);
        let seen = own.filter(|_| self.admits(workspace));
        let cursor = |row: &Invitation| Cursor { at: row.created_at, id: row.id.raw() };
        Ok(newest_first(page, seen.cloned(), cursor))
    }
}

#[async_trait]
impl InvitationReads for MemoryUnitOfWork {
    async fn find(&mut self, id: InvitationId) -> Result<Option<Invitation>, StoreError> {
        InvitationReads::find(&mut self.copy, id).await
    }

    async fn list(
        &mut self,
        workspace: WorkspaceId,
        page: PageRequest,
    ) -> Result<Page<Invitation>, StoreError> {
        InvitationReads::list(&mut self.copy, workspace, page).await
    }
}

#[async_trait]
impl InvitationRepository for MemoryUnitOfWork {
    async fn put(&mut self, invitation: &Invitation) -> Result<(), StoreError> {
        self.copy.admit(WHAT, invitation.workspace)?;
        let invitations = &mut self.copy.tables.accounts.invitations;
        invitations.retain(|_, earlier| {
            (earlier.workspace, &earlier.email) != (invitation.workspace, &invitation.email)
        });
        insert_new(invitations, WHAT, invitation.id, invitation.clone())
    }

    async fn consume(&mut self, id: InvitationId) -> Result<bool, StoreError> {
        let seen = InvitationReads::find(&mut self.copy, id).await?.is_some();
        Ok(seen && self.copy.tables.accounts.invitations.remove(&id).is_some())
    }
}
