use async_trait::async_trait;
use cape_domain::{
    ids::WorkspaceId,
    store::StoreError,
    usage::{QuotaPeriod, QuotaReads, QuotaRepository},
};

use super::{MemoryRead, MemoryUnitOfWork};

const WHAT: &str = "quota";

impl MemoryUnitOfWork {
    fn counted(&mut self, workspace: WorkspaceId, period: QuotaPeriod) -> &mut u64 {
        let QuotaPeriod { start, end } = period;
        self.copy.tables.usage.quotas.entry((workspace, start, end)).or_default()
    }
}

#[async_trait]
impl QuotaReads for MemoryRead {
    async fn used(
        &mut self,
        workspace: WorkspaceId,
        period: QuotaPeriod,
    ) -> Result<u64, StoreError> {
        let used = self.tables.usage.quotas.get(&(workspace, period.start, period.end));
        Ok(used.filter(|_| self.admits(workspace)).copied().unwrap_or_default())
    }
}

#[async_trait]
impl QuotaReads for MemoryUnitOfWork {
    async fn used(
        &mut self,
        workspace: WorkspaceId,
        period: QuotaPeriod,
    ) -> Result<u64, StoreError> {
        self.copy.used(workspace, period).await
    }
}

#[async_trait]
impl QuotaRepository for MemoryUnitOfWork {
    async fn take(
        &mut self,
        workspace: WorkspaceId,
        period: QuotaPeriod,
        calls: u64,
        limit: u64,
    ) -> Result<bool, StoreError> {
        self.copy.admit(WHAT, workspace)?;
        let counted = self.counted(workspace, period);
        let fits = counted.checked_add(calls).is_some_and(|sum| sum <= limit);
        if fits {
            *counted += calls;
        }
        Ok(fits)
    }

    async fn give_back(
        &mut self,
        workspace: WorkspaceId,
        period: QuotaPeriod,
        calls: u64,
    ) -> Result<(), StoreError> {
        self.copy.admit(WHAT, workspace)?;
        let counted = self.counted(workspace, period);
        *counted = counted.saturating_sub(calls);
        Ok(())
    }
}
