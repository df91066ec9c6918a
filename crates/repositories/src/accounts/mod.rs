//! Accounts, as rows: one file per repository. Not here: API keys, which are `access`'.
use cape_domain::accounts::{
    AccountsReads, AccountsRepositories, EmailChangeReads, EmailChangeRepository, InvitationReads,
    InvitationRepository, MailReads, MailRepository, MfaReads, MfaRepository, OneTimeReads,
    OneTimeRepository, SessionReads, SessionRepository, UserReads, UserRepository, WorkspaceReads,
    WorkspaceRepository,
};

use crate::store::SqlWork;

mod email_changes;
mod invitations;
mod mails;
mod mfa;
mod one_time;
mod sessions;
mod users;
mod workspaces;

impl AccountsReads for SqlWork {
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

impl AccountsRepositories for SqlWork {
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
