use std::collections::BTreeMap;

use async_trait::async_trait;
use cape_domain::{
    accounts::{
        AccountsReads, AccountsRepositories, Email, Membership, Profile, Session, SessionReads,
        SessionRepository, User, UserReads, UserRepository, Workspace, WorkspaceReads,
        WorkspaceRepository,
    },
    ids::{SessionId, UserId, WorkspaceId},
    store::StoreError,
};

use super::{MemoryRead, MemoryUnitOfWork, insert_new};

const USER: &str = "user";
const WORKSPACE: &str = "workspace";
const MEMBERSHIP: &str = "membership";
const SESSION: &str = "session";

#[derive(Clone, Default)]
pub(crate) struct Tables {
    users: BTreeMap<UserId, User>,
    profiles: BTreeMap<UserId, Profile>,
    workspaces: BTreeMap<WorkspaceId, Workspace>,
    memberships: BTreeMap<(WorkspaceId, UserId), Membership>,
    sessions: BTreeMap<SessionId, Session>,
}

impl Tables {
    /// Fails if somebody else signs in with the user's address.
    fn claim_address(&self, user: &User) -> Result<(), StoreError> {
        let same = |other: &User| other.email == user.email && other.id != user.id;
        if self.users.values().any(same) {
            return Err(StoreError::Conflict { what: USER });
        }
        Ok(())
    }
}

impl AccountsReads for MemoryRead {
    fn users(&mut self) -> &mut dyn UserReads {
        self
    }

    fn workspaces(&mut self) -> &mut dyn WorkspaceReads {
        self
    }

    fn sessions(&mut self) -> &mut dyn SessionReads {
        self
    }
}

impl AccountsRepositories for MemoryUnitOfWork {
    fn users(&mut self) -> &mut dyn UserRepository {
        self
    }

    fn workspaces(&mut self) -> &mut dyn WorkspaceRepository {
        self
    }

    fn sessions(&mut self) -> &mut dyn SessionRepository {
        self
    }
}

#[async_trait]
impl UserReads for MemoryRead {
    async fn find(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.tables.accounts.users.get(&id).cloned())
    }

    async fn find_by_email(&mut self, email: &Email) -> Result<Option<User>, StoreError> {
        Ok(self.tables.accounts.users.values().find(|user| user.email == *email).cloned())
    }

    async fn profile(&mut self, id: UserId) -> Result<Option<Profile>, StoreError> {
        Ok(self.tables.accounts.profiles.get(&id).cloned())
    }
}

#[async_trait]
impl UserReads for MemoryUnitOfWork {
    async fn find(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        UserReads::find(&mut self.copy, id).await
    }

    async fn find_by_email(&mut self, email: &Email) -> Result<Option<User>, StoreError> {
        self.copy.find_by_email(email).await
    }

    async fn profile(&mut self, id: UserId) -> Result<Option<Profile>, StoreError> {
        self.copy.profile(id).await
    }
}

#[async_trait]
impl UserRepository for MemoryUnitOfWork {
    async fn insert(&mut self, user: &User, profile: &Profile) -> Result<(), StoreError> {
        let tables = &mut self.copy.tables.accounts;
        tables.claim_address(user)?;
        insert_new(&mut tables.users, USER, user.id, user.clone())?;
        insert_new(&mut tables.profiles, "profile", profile.user, profile.clone())
    }

    async fn update(&mut self, user: &User) -> Result<(), StoreError> {
        let tables = &mut self.copy.tables.accounts;
        tables.claim_address(user)?;
        let stored = tables.users.get_mut(&user.id);
        let Some(stored) = stored.filter(|stored| stored.version == user.version) else {
            return Err(StoreError::Conflict { what: USER });
        };
        *stored = User { version: user.version + 1, ..user.clone() };
        Ok(())
    }
}

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
}

#[async_trait]
impl SessionReads for MemoryRead {
    async fn find(&mut self, id: SessionId) -> Result<Option<Session>, StoreError> {
        Ok(self.tables.accounts.sessions.get(&id).cloned())
    }
}

#[async_trait]
impl SessionReads for MemoryUnitOfWork {
    async fn find(&mut self, id: SessionId) -> Result<Option<Session>, StoreError> {
        SessionReads::find(&mut self.copy, id).await
    }
}

#[async_trait]
impl SessionRepository for MemoryUnitOfWork {
    async fn insert(&mut self, session: &Session) -> Result<(), StoreError> {
        let sessions = &mut self.copy.tables.accounts.sessions;
        insert_new(sessions, SESSION, session.id, session.clone())
    }

    /// A use that was noted meanwhile is not in `session`, and must not be forgotten.
    async fn update(&mut self, session: &Session) -> Result<(), StoreError> {
        let stored = self.copy.tables.accounts.sessions.get_mut(&session.id);
        let Some(stored) = stored.filter(|stored| stored.version == session.version) else {
            return Err(StoreError::Conflict { what: SESSION });
        };
        *stored = Session {
            used_generation: session.used_generation.max(stored.used_generation),
            version: session.version + 1,
            ..session.clone()
        };
        Ok(())
    }

    async fn note_use(&mut self, id: SessionId, generation: u32) -> Result<(), StoreError> {
        if let Some(stored) = self.copy.tables.accounts.sessions.get_mut(&id) {
            stored.used_generation = stored.used_generation.max(generation);
        }
        Ok(())
    }
}
