//! Calls, quotas, what keys have spent and what is stopped, as rows: one file per repository.
mod calls;
mod key_spending;
mod quotas;
mod report;
mod switches;

use cape_domain::usage::{
    CallReads, CallReports, CallRepository, KeySpendingReads, KeySpendingRepository, QuotaReads,
    QuotaRepository, SwitchReads, SwitchRepository, UsageReads, UsageRepositories,
};

use crate::store::SqlWork;

pub(crate) use self::calls::row as call;

impl UsageReads for SqlWork {
    fn calls(&mut self) -> &mut dyn CallReads {
        self
    }

    fn reports(&mut self) -> &mut dyn CallReports {
        self
    }

    fn quotas(&mut self) -> &mut dyn QuotaReads {
        self
    }

    fn key_spending(&mut self) -> &mut dyn KeySpendingReads {
        self
    }

    fn switches(&mut self) -> &mut dyn SwitchReads {
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

    fn switches(&mut self) -> &mut dyn SwitchRepository {
        self
    }
}
