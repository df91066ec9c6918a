//! Who is behind a request.
use std::net::IpAddr;

use crate::{
    ids::{ApiKeyId, RequestId, SessionId, UserId, WorkspaceId},
    store::Scope,
    time::Timestamp,
};

/// Who is behind a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal {
    /// A person.
    User {
        /// The account that is used.
        id: UserId,
        /// The sign-in it is used through.
        session: SessionId,
        /// The operator who is using it, if that is somebody else.
        impersonated_by: Option<UserId>,
    },
    /// A program of the customer's.
    ApiKey {
        /// The key it signs in with.
        id: ApiKeyId,
        /// Who made the key.
        owner: UserId,
    },
    /// Somebody who has not signed in.
    Visitor,
    /// A job or a command of our own.
    System,
}

/// An authenticated caller, inside one workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Who it is.
    pub principal: Principal,
    /// The tenant it acts in.
    pub workspace: WorkspaceId,
    /// When it last proved who it is; old proof is not enough for everything.
    pub authenticated_at: Timestamp,
    /// The request it acts through.
    pub request: RequestId,
    /// Where it calls from; jobs call from nowhere.
    pub address: Option<IpAddr>,
}

impl Actor {
    /// Somebody who has not signed in, and does something that belongs to a workspace.
    #[must_use]
    pub const fn visitor(
        workspace: WorkspaceId,
        now: Timestamp,
        request: RequestId,
        address: Option<IpAddr>,
    ) -> Self {
        Self { principal: Principal::Visitor, workspace, authenticated_at: now, request, address }
    }

    /// The person who acts, and the sign-in it acts through. Nobody, for a program or a job.
    #[must_use]
    pub const fn person(&self) -> Option<(UserId, SessionId)> {
        match self.principal {
            Principal::User { id, session, .. } => Some((id, session)),
            Principal::ApiKey { .. } | Principal::Visitor | Principal::System => None,
        }
    }

    /// The rows this actor may see.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        Scope::Workspace(self.workspace)
    }

    /// The person who acts, or who made the key that acts. Nobody, for a visitor or a job.
    #[must_use]
    pub const fn user(&self) -> Option<UserId> {
        match self.principal {
            Principal::User { id, .. } => Some(id),
            Principal::ApiKey { owner, .. } => Some(owner),
            Principal::Visitor | Principal::System => None,
        }
    }
}
