//! Accounts, as rows: users, workspaces, sessions. Not here: API keys, which are `access`'.
use cape_domain::accounts::{
    AccountsReads, AccountsRepositories, SessionReads, SessionRepository, UserReads,
    UserRepository, WorkspaceReads, WorkspaceRepository,
};

use crate::store::SqlWork;

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

    fn sessions(&mut self) -> &mut dyn SessionReads {
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

    fn sessions(&mut self) -> &mut dyn SessionRepository {
        self
    }
}
