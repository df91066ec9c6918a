//! The trail and the keys of persons, as rows. Not here: encryption.
use cape_domain::audit::{
    AuditReads, AuditRepositories, PersonalKeyReads, PersonalKeyRepository, TrailReads,
    TrailRepository,
};

use crate::store::SqlWork;

mod personal_keys;
mod trail;

impl AuditReads for SqlWork {
    fn trail(&mut self) -> &mut dyn TrailReads {
        self
    }

    fn personal_keys(&mut self) -> &mut dyn PersonalKeyReads {
        self
    }
}

impl AuditRepositories for SqlWork {
    fn trail(&mut self) -> &mut dyn TrailRepository {
        self
    }

    fn personal_keys(&mut self) -> &mut dyn PersonalKeyRepository {
        self
    }
}
