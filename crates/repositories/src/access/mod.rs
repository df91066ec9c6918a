//! Access, as rows: API keys and the control feed. Not here: users and sessions, which are
//! `accounts`'.
use cape_domain::access::{
    AccessReads, AccessRepositories, ApiKeyReads, ApiKeyRepository, ControlReads, ControlRepository,
};

use crate::store::SqlWork;

mod api_keys;
mod control;

impl AccessReads for SqlWork {
    fn api_keys(&mut self) -> &mut dyn ApiKeyReads {
        self
    }

    fn control(&mut self) -> &mut dyn ControlReads {
        self
    }
}

impl AccessRepositories for SqlWork {
    fn api_keys(&mut self) -> &mut dyn ApiKeyRepository {
        self
    }

    fn control(&mut self) -> &mut dyn ControlRepository {
        self
    }
}
