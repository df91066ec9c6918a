//! Calls, quotas and what keys have spent, as rows: one file per repository.
mod calls;
mod key_spending;
mod quotas;
mod report;

use cape_domain::usage::{
    CallReads, CallRepository, KeySpendingReads, KeySpendingRepository, QuotaReads,
    QuotaRepository, UsageReads, UsageRepositories,
};

use crate::store::SqlWork;

impl UsageReads for SqlWork {
    fn calls(&mut self) -> &mut dyn CallReads {
        self
    }

    fn quotas(&mut self) -> &mut dyn QuotaReads {
        self
    }

    fn key_spending(&mut self) -> &mut dyn KeySpendingReads {
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

    fn key_spending(&mut self) -> &mut dyn KeySpendingRepository {
        self
    }
}
