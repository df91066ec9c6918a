//! Calls and quotas, in memory.
mod calls;
mod quotas;

use std::collections::BTreeMap;

use cape_domain::{
    ids::{CallId, WorkspaceId},
    time::Timestamp,
    usage::{
        Call, CallReads, CallRepository, QuotaReads, QuotaRepository, UsageReads, UsageRepositories,
    },
};

use super::{MemoryRead, MemoryUnitOfWork, insert_new, newest_first};

/// The rows of usage.
#[derive(Clone, Default)]
pub(crate) struct Tables {
    calls: BTreeMap<CallId, Call>,
    quotas: BTreeMap<(WorkspaceId, Timestamp, Timestamp), u64>,
}

impl UsageReads for MemoryRead {
    fn calls(&mut self) -> &mut dyn CallReads {
        self
    }

    fn quotas(&mut self) -> &mut dyn QuotaReads {
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
}
