//! What accounts keep in the store.
use async_trait::async_trait;

use super::{
    Device, Email, EmailChange, Invitation, Mail, Membership, OneTimeToken, Profile, Purpose,
    Session, Totp, User, Workspace,
};
use crate::{
    access::{Network, Role},
    ids::{InvitationId, MailId, OneTimeId, SessionId, UserId, WorkspaceId},
    page::{Page, PageRequest},
    store::StoreError,
    time::Timestamp,
};

/// Users and their profiles, to look at.
#[async_trait]
pub trait UserReads: Send {
    /// The user with this id.
    async fn find(&mut self, id: UserId) -> Result<Option<User>, StoreError>;

    /// The user who signs in with this address.
    async fn find_by_email(&mut self, email: &Email) -> Result<Option<User>, StoreError>;

    /// The user with this id and its profile, as of one instant.
    async fn with_profile(&mut self, id: UserId) -> Result<Option<(User, Profile)>, StoreError>;

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
    /// [`StoreError::Conflict`] when `version` is no longer the stored one, or the address is
    /// taken.
    async fn update(&mut self, user: &User) -> Result<(), StoreError>;

    /// The user with this id, for whoever is about to change what it signs in with. Until the
    /// unit of work ends, everybody else who asks this way waits, so that nobody signs in with
    /// what is just being taken back.
    async fn lock(&mut self, id: UserId) -> Result<Option<User>, StoreError>;

    /// Replaces the stored profile.
    async fn update_profile(&mut self, profile: &Profile) -> Result<(), StoreError>;
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

    /// Everybody who is in a workspace, the oldest first.
    async fn members(&mut self, workspace: WorkspaceId) -> Result<Vec<Membership>, StoreError>;
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

    /// The user's place in a workspace, for whoever is about to change who is in it. Until the
    /// unit of work ends, everybody else who asks this way about any place in it waits.
    async fn lock_members(&mut self, workspace: WorkspaceId)
    -> Result<Vec<Membership>, StoreError>;

    /// Stores what a member is.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when the user is no member.
    async fn change_role(
        &mut self,
        workspace: WorkspaceId,
        user: UserId,
        role: Role,
    ) -> Result<(), StoreError>;

    /// Removes a member.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when the user is no member.
    async fn remove(&mut self, workspace: WorkspaceId, user: UserId) -> Result<(), StoreError>;
}

/// Sessions, to look at.
#[async_trait]
pub trait SessionReads: Send {
    /// The session with this id, live or not.
    async fn find(&mut self, id: SessionId) -> Result<Option<Session>, StoreError>;

    /// The user's sessions that live at `now`, the newest first; there are at most 200.
    async fn live(&mut self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError>;

    /// Whether the user ever signed in from a network.
    async fn came_from(&mut self, user: UserId, network: Network) -> Result<bool, StoreError>;

    /// Whether the user ever signed in with a device, and whether it ever signed in at all.
    async fn knows(
        &mut self,
        user: UserId,
        device: Option<&Device>,
    ) -> Result<KnownDevices, StoreError>;
}

/// What is known of the devices of a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownDevices {
    /// Whether it ever signed in.
    pub any: bool,
    /// Whether it ever signed in with the device in question.
    pub this: bool,
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

    /// Takes note that a token of this generation was used, and when the session was last seen.
    /// Neither ever moves back, and it is no change in the sense of `version`.
    async fn note_use(
        &mut self,
        id: SessionId,
        generation: u32,
        at: Timestamp,
    ) -> Result<(), StoreError>;
}

/// What is good once, to look at.
#[async_trait]
pub trait OneTimeReads: Send {
    /// The one with this id, good or not.
    async fn find(&mut self, id: OneTimeId) -> Result<Option<OneTimeToken>, StoreError>;

    /// The one that a user has for a purpose, good or not.
    async fn current(
        &mut self,
        user: UserId,
        purpose: Purpose,
    ) -> Result<Option<OneTimeToken>, StoreError>;
}

/// What is good once, to change.
#[async_trait]
pub trait OneTimeRepository: OneTimeReads {
    /// Stores one in place of the one that the user had for the same purpose.
    async fn put(&mut self, token: &OneTimeToken) -> Result<(), StoreError>;

    /// Counts that a code is about to be compared, in one statement, and says whether it may be:
    /// not when `most` were tried, or when the token is gone.
    async fn count_attempt(&mut self, id: OneTimeId, most: u32) -> Result<bool, StoreError>;

    /// Deletes one, in one statement, and says whether it was there: of many who use it at the
    /// same time, one gets a yes.
    async fn consume(&mut self, id: OneTimeId) -> Result<bool, StoreError>;

    /// Deletes all that a user has, for any purpose.
    async fn clear(&mut self, user: UserId) -> Result<(), StoreError>;
}

/// Second factors, to look at.
#[async_trait]
pub trait MfaReads: Send {
    /// The user's app, set up or in use.
    async fn totp(&mut self, user: UserId) -> Result<Option<Totp>, StoreError>;

    /// How many recovery codes the user has left.
    async fn recovery_codes_left(&mut self, user: UserId) -> Result<u32, StoreError>;
}

/// Second factors, to change.
#[async_trait]
pub trait MfaRepository: MfaReads {
    /// Stores an app in place of the one that the user had, if it had one.
    async fn put_totp(&mut self, totp: &Totp) -> Result<(), StoreError>;

    /// Takes note, in one statement, that a code of a time step was accepted, and says whether
    /// it may be: not when one of the same step or a later one was, or when there is no app.
    async fn accept_step(&mut self, user: UserId, step: u64) -> Result<bool, StoreError>;

    /// Replaces all recovery codes of a user.
    async fn put_recovery_codes(
        &mut self,
        user: UserId,
        hashes: &[[u8; 32]],
    ) -> Result<(), StoreError>;

    /// Deletes a recovery code, in one statement, and says whether it was there.
    async fn use_recovery_code(&mut self, user: UserId, hash: [u8; 32])
    -> Result<bool, StoreError>;

    /// Deletes the app and all recovery codes of a user.
    async fn clear(&mut self, user: UserId) -> Result<(), StoreError>;
}

/// Moves to other addresses, to look at.
#[async_trait]
pub trait EmailChangeReads: Send {
    /// The move that a user has under way.
    async fn find(&mut self, user: UserId) -> Result<Option<EmailChange>, StoreError>;
}

/// Moves to other addresses, to change.
#[async_trait]
pub trait EmailChangeRepository: EmailChangeReads {
    /// Stores a move in place of the one that the user had under way.
    async fn put(&mut self, change: &EmailChange) -> Result<(), StoreError>;

    /// Deletes the user's move, if there is one.
    async fn remove(&mut self, user: UserId) -> Result<(), StoreError>;
}

/// Mails that are to be sent, to look at.
#[async_trait]
pub trait MailReads: Send {
    /// The mail with this id.
    async fn find(&mut self, id: MailId) -> Result<Option<Mail>, StoreError>;
}

/// Mails that are to be sent, to change.
#[async_trait]
pub trait MailRepository: MailReads {
    /// Stores a mail.
    async fn insert(&mut self, mail: &Mail) -> Result<(), StoreError>;

    /// Deletes a mail that was sent, or that will not be.
    async fn remove(&mut self, id: MailId) -> Result<(), StoreError>;
}

/// Invitations within the scope of the work, to look at.
#[async_trait]
pub trait InvitationReads: Send {
    /// The invitation with this id, good or not.
    async fn find(&mut self, id: InvitationId) -> Result<Option<Invitation>, StoreError>;

    /// The invitations of a workspace, newest first.
    async fn list(
        &mut self,
        workspace: WorkspaceId,
        page: PageRequest,
    ) -> Result<Page<Invitation>, StoreError>;
}

/// Invitations within the scope of the work, to change.
#[async_trait]
pub trait InvitationRepository: InvitationReads {
    /// Stores an invitation in place of an earlier one of the same address to the same workspace.
    async fn put(&mut self, invitation: &Invitation) -> Result<(), StoreError>;

    /// Deletes one, in one statement, and says whether it was there.
    async fn consume(&mut self, id: InvitationId) -> Result<bool, StoreError>;
}

/// What accounts read.
pub trait AccountsReads: Send {
    /// Users and profiles.
    fn users(&mut self) -> &mut dyn UserReads;

    /// Workspaces and memberships.
    fn workspaces(&mut self) -> &mut dyn WorkspaceReads;

    /// Invitations.
    fn invitations(&mut self) -> &mut dyn InvitationReads;

    /// Sessions.
    fn sessions(&mut self) -> &mut dyn SessionReads;

    /// What is good once.
    fn one_time(&mut self) -> &mut dyn OneTimeReads;

    /// Second factors.
    fn mfa(&mut self) -> &mut dyn MfaReads;

    /// Moves to other addresses.
    fn email_changes(&mut self) -> &mut dyn EmailChangeReads;

    /// Mails that are to be sent.
    fn mails(&mut self) -> &mut dyn MailReads;
}

/// The repositories accounts work with, all in the same unit of work.
pub trait AccountsRepositories: Send {
    /// Users and profiles.
    fn users(&mut self) -> &mut dyn UserRepository;

    /// Workspaces and memberships.
    fn workspaces(&mut self) -> &mut dyn WorkspaceRepository;

    /// Invitations.
    fn invitations(&mut self) -> &mut dyn InvitationRepository;

    /// Sessions.
    fn sessions(&mut self) -> &mut dyn SessionRepository;

    /// What is good once.
    fn one_time(&mut self) -> &mut dyn OneTimeRepository;

    /// Second factors.
    fn mfa(&mut self) -> &mut dyn MfaRepository;

    /// Moves to other addresses.
    fn email_changes(&mut self) -> &mut dyn EmailChangeRepository;

    /// Mails that are to be sent.
    fn mails(&mut self) -> &mut dyn MailRepository;
}
