//! Calls and quotas, as rows: one file per repository.
mod calls;
mod quotas;
mod report;

use cape_domain::usage::{
    CallReads, CallRepository, QuotaReads, QuotaRepository, UsageReads, UsageRepositories,
};

use crate::store::SqlWork;

impl UsageReads for SqlWork {
    fn calls(&mut self) -> &mut dyn CallReads {
        self
    }

    fn quotas(&mut self) -> &mut dyn QuotaReads {
        self
    }
}

impl UsageRepositories for SqlWork {
    fn calls(&mut self) -> &mut dyn CallRepository {
        self
    }

    fn quotas(&mut self) -> &mut dyn QuotaRepository {
        self
    }
}
