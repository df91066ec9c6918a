//! Calls, quotas and what keys have spent, in memory.
mod calls;
mod key_spending;
mod quotas;

use std::collections::BTreeMap;

use cape_domain::{
    billing::Credits,
    ids::{ApiKeyId, CallId, WorkspaceId},
    time::Timestamp,
    usage::{
        Call, CallReads, CallRepository, KeySpendingReads, KeySpendingRepository, QuotaReads,
        QuotaRepository, UsageReads, UsageRepositories,
    },
};

use super::{MemoryRead, MemoryUnitOfWork, insert_new, newest_first};

/// The rows of usage.
#[derive(Clone, Default)]
pub(crate) struct Tables {
    calls: BTreeMap<CallId, Call>,
    quotas: BTreeMap<(WorkspaceId, Timestamp, Timestamp), u64>,
    key_spending: BTreeMap<ApiKeyId, Credits>,
}

impl UsageReads for MemoryRead {
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

impl UsageRepositories for MemoryUnitOfWork {
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
