//! Tenants and their members.
use chrono::TimeDelta;

use crate::{
    access::Role,
    accounts::Email,
    ids::{InvitationId, UserId, WorkspaceId},
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

/// Somebody who was asked to join a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Its identity.
    pub id: InvitationId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Who was asked.
    pub email: Email,
    /// What it is to be there.
    pub role: Role,
    /// Who asked.
    pub invited_by: UserId,
    /// Random bytes that go into its link.
    pub salt: [u8; 32],
    /// When it was asked.
    pub created_at: Timestamp,
    /// When the link is no longer good.
    pub expires_at: Timestamp,
}

impl Invitation {
    /// How long one is good.
    pub const LIFE: TimeDelta = TimeDelta::days(7);

    /// Whether it is good at `now`.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}
