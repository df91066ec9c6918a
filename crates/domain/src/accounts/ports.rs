//! What accounts need from the outside.
use async_trait::async_trait;

use super::{Email, Membership, Password, PasswordHash, Profile, Session, User, Workspace};
use crate::{
    ids::{SessionId, UserId, WorkspaceId},
    secret::Secret,
    store::{BoxError, StoreError},
};

/// Hashes passwords, a bounded number at a time: more wait, and memory stays bounded.
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// The hash to store.
    ///
    /// # Errors
    ///
    /// When hashing is not possible at all.
    async fn hash(&self, password: &Password) -> Result<PasswordHash, BoxError>;

    /// Whether the password is the one that was hashed. Without a hash the same work is done
    /// and the answer is no: the time tells nobody whether an account exists.
    ///
    /// # Errors
    ///
    /// When hashing is not possible at all.
    async fn verify(
        &self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, BoxError>;
}

/// Derives the secrets of refresh tokens from a server key.
pub trait RefreshSecrets: Send + Sync {
    /// The secret of one generation of a session, in hex: HKDF over the server key, the
    /// session's salt, its id and the generation.
    fn derive(&self, session: &Session, generation: u32) -> Secret;

    /// Compares in constant time.
    fn matches(&self, derived: &Secret, presented: &Secret) -> bool;
}

/// Users and their profiles, to look at.
#[async_trait]
pub trait UserReads: Send {
    /// The user with this id.
    async fn find(&mut self, id: UserId) -> Result<Option<User>, StoreError>;

    /// The user who signs in with this address.
    async fn find_by_email(&mut self, email: &Email) -> Result<Option<User>, StoreError>;

    /// The user's profile.
    async fn profile(&mut self, id: UserId) -> Result<Option<Profile>, StoreError>;
}

/// Users and their profiles, to change.
#[async_trait]
pub trait UserRepository: UserReads {
    /// Stores a new user with its profile.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when the address is taken.
    async fn insert(&mut self, user: &User, profile: &Profile) -> Result<(), StoreError>;

    /// Replaces the stored user, if nobody changed it since it was read.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when `version` is no longer the stored one.
    async fn update(&mut self, user: &User) -> Result<(), StoreError>;
}

/// Workspaces and memberships, to look at.
#[async_trait]
pub trait WorkspaceReads: Send {
    /// The workspace with this id, if it is within scope.
    async fn find(&mut self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError>;

    /// The user's place in a workspace.
    async fn membership(
        &mut self,
        workspace: WorkspaceId,
        user: UserId,
    ) -> Result<Option<Membership>, StoreError>;

    /// All places the user has within scope, the oldest first: that one is its own workspace.
    async fn memberships(&mut self, user: UserId) -> Result<Vec<Membership>, StoreError>;
}

/// Workspaces and memberships, to change.
#[async_trait]
pub trait WorkspaceRepository: WorkspaceReads {
    /// Stores a new workspace.
    async fn insert(&mut self, workspace: &Workspace) -> Result<(), StoreError>;

    /// Stores a new membership.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when the user is a member already.
    async fn add(&mut self, membership: &Membership) -> Result<(), StoreError>;
}

/// Sessions, to look at.
#[async_trait]
pub trait SessionReads: Send {
    /// The session with this id, live or not.
    async fn find(&mut self, id: SessionId) -> Result<Option<Session>, StoreError>;
}

/// Sessions, to change.
#[async_trait]
pub trait SessionRepository: SessionReads {
    /// Stores a new session.
    async fn insert(&mut self, session: &Session) -> Result<(), StoreError>;

    /// Replaces the stored session, if nobody changed it since it was read.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when `version` is no longer the stored one.
    async fn update(&mut self, session: &Session) -> Result<(), StoreError>;

    /// Takes note that a token of this generation was used. The note never moves back, and it
    /// is no change in the sense of `version`.
    async fn note_use(&mut self, id: SessionId, generation: u32) -> Result<(), StoreError>;
}

/// What accounts read.
pub trait AccountsReads: Send {
    /// Users and profiles.
    fn users(&mut self) -> &mut dyn UserReads;

    /// Workspaces and memberships.
    fn workspaces(&mut self) -> &mut dyn WorkspaceReads;

    /// Sessions.
    fn sessions(&mut self) -> &mut dyn SessionReads;
}

/// The repositories accounts work with, all in the same unit of work.
pub trait AccountsRepositories: Send {
    /// Users and profiles.
    fn users(&mut self) -> &mut dyn UserRepository;

    /// Workspaces and memberships.
    fn workspaces(&mut self) -> &mut dyn WorkspaceRepository;

    /// Sessions.
    fn sessions(&mut self) -> &mut dyn SessionRepository;
}
