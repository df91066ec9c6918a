//! Tenants and their members.
use crate::{
    access::Role,
    ids::{UserId, WorkspaceId},
    text::Name,
    time::Timestamp,
};

/// A tenant: credits, keys, orders and usage belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Its identity.
    pub id: WorkspaceId,
    /// What its members call it.
    pub name: Name,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Somebody's place in a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The member.
    pub user: UserId,
    /// What the member is there.
    pub role: Role,
    /// Since when.
    pub created_at: Timestamp,
}
