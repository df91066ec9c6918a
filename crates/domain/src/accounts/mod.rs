//! Users, workspaces, passwords and sessions.
//!
//! Not here: what a role or a plan allows.
mod email;
mod email_change;
mod mail;
mod mfa;
mod one_time;
mod password;
mod ports;
mod repositories;
mod session;
mod user;
mod workspace;

pub use email::{Email, InvalidEmail};
pub use email_change::{EmailChange, Side};
pub use mail::{Letter, Mail, MailDetail, MailKind, UnknownMailKind};
pub use mfa::{InvalidRecoveryCode, RecoveryCode, Totp, TotpState};
pub use one_time::{InvalidToken, OneTimeToken, PresentedToken, Purpose, UnknownPurpose};
pub use password::{Appraisal, Chooser, Password, PasswordHash, Verified, WeakPassword};
pub use ports::{DeliveryError, Mailer, PasswordHasher, PasswordMeter, SecretDeriver, TotpCodes};
pub use repositories::{
    AccountsReads, AccountsRepositories, EmailChangeReads, EmailChangeRepository, InvitationReads,
    InvitationRepository, KnownDevices, MailReads, MailRepository, MfaReads, MfaRepository,
    OneTimeReads, OneTimeRepository, SessionReads, SessionRepository, UserReads, UserRepository,
    WorkspaceReads, WorkspaceRepository,
};
pub use session::{
    Beginning, Device, EndReason, InvalidRefreshToken, RefreshToken, RefreshVerdict, Session,
    SessionState,
};
pub use user::{Profile, UnknownUserType, User, UserState, UserType, Verification};
pub use workspace::{Invitation, Membership, Workspace};
