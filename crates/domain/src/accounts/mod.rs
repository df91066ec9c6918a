//! Users, workspaces, passwords and sessions.
//!
//! Not here: what a role or a plan allows.
mod email;
mod password;
mod ports;
mod session;
mod user;
mod workspace;

pub use email::{Email, InvalidEmail};
pub use password::{Password, PasswordHash, WeakPassword};
pub use ports::{
    AccountsReads, AccountsRepositories, PasswordHasher, RefreshSecrets, SessionReads,
    SessionRepository, UserReads, UserRepository, WorkspaceReads, WorkspaceRepository,
};
pub use session::{
    EndReason, InvalidRefreshToken, RefreshToken, RefreshVerdict, Session, SessionState,
};
pub use user::{Profile, UnknownUserType, User, UserType, Verification};
pub use workspace::{Membership, Workspace};
