//! Users, workspaces, sessions and what is sent to people, in memory.
//!
//! There is one writer at a time, so to lock is to look.
mod email_changes;
mod invitations;
mod mails;
mod mfa;
mod one_time;
mod sessions;
mod users;
mod workspaces;

use std::collections::{BTreeMap, BTreeSet};

use cape_domain::{
    accounts::{
        AccountsReads, AccountsRepositories, EmailChange, EmailChangeReads, EmailChangeRepository,
        Invitation, InvitationReads, InvitationRepository, Mail, MailReads, MailRepository,
        Membership, MfaReads, MfaRepository, OneTimeReads, OneTimeRepository, OneTimeToken,
        Profile, Purpose, Session, SessionReads, SessionRepository, Totp, User, UserReads,
        UserRepository, Workspace, WorkspaceReads, WorkspaceRepository,
    },
    ids::{InvitationId, MailId, SessionId, UserId, WorkspaceId},
};

use super::{MemoryRead, MemoryUnitOfWork, insert_new, newest_first};

/// The rows of accounts.
#[derive(Clone, Default)]
pub(crate) struct Tables {
    users: BTreeMap<UserId, User>,
    profiles: BTreeMap<UserId, Profile>,
    workspaces: BTreeMap<WorkspaceId, Workspace>,
    memberships: BTreeMap<(WorkspaceId, UserId), Membership>,
    invitations: BTreeMap<InvitationId, Invitation>,
    sessions: BTreeMap<SessionId, Session>,
    one_time: BTreeMap<(UserId, Purpose), OneTimeToken>,
    totps: BTreeMap<UserId, Totp>,
    recovery_codes: BTreeSet<(UserId, [u8; 32])>,
    email_changes: BTreeMap<UserId, EmailChange>,
    mails: BTreeMap<MailId, Mail>,
}

impl AccountsReads for MemoryRead {
    fn users(&mut self) -> &mut dyn UserReads {
        self
    }

    fn workspaces(&mut self) -> &mut dyn WorkspaceReads {
        self
    }

    fn invitations(&mut self) -> &mut dyn InvitationReads {
        self
    }

    fn sessions(&mut self) -> &mut dyn SessionReads {
        self
    }

    fn one_time(&mut self) -> &mut dyn OneTimeReads {
        self
    }

    fn mfa(&mut self) -> &mut dyn MfaReads {
        self
    }

    fn email_changes(&mut self) -> &mut dyn EmailChangeReads {
        self
    }

    fn mails(&mut self) -> &mut dyn MailReads {
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

    fn invitations(&mut self) -> &mut dyn InvitationRepository {
        self
    }

    fn sessions(&mut self) -> &mut dyn SessionRepository {
        self
    }

    fn one_time(&mut self) -> &mut dyn OneTimeRepository {
        self
    }

    fn mfa(&mut self) -> &mut dyn MfaRepository {
        self
    }

    fn email_changes(&mut self) -> &mut dyn EmailChangeRepository {
        self
    }

    fn mails(&mut self) -> &mut dyn MailRepository {
        self
    }
}
