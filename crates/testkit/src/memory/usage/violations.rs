use async_trait::async_trait;
use cape_domain::{
    ids::WorkspaceId,
    page::{Cursor, Page, PageRequest},
    store::StoreError,
    time::Timestamp,
    usage::{Violation, ViolationReads, ViolationRepository},
};

use super::{MemoryRead, MemoryUnitOfWork, newest_first};

#[async_trait]
impl ViolationReads for MemoryRead {
    async fn list(
        &mut self,
        workspace: WorkspaceId,
        page: PageRequest,
    ) -> Result<Page<Violation>, StoreError> {
        let visible = self.admits(workspace);
        let all = self.tables.usage.violations.values();
        let own = all.filter(|one| visible && one.refused.workspace == workspace).cloned();
        let cursor = |one: &Violation| Cursor { at: one.refused.minute, id: one.id.raw() };
        Ok(newest_first(page, own, cursor))
    }
}

#[async_trait]
impl ViolationReads for MemoryUnitOfWork {
    async fn list(
        &mut self,
        workspace: WorkspaceId,
        page: PageRequest,
    ) -> Result<Page<Violation>, StoreError> {
        ViolationReads::list(&mut self.copy, workspace, page).await
    }
}

#[async_trait]
impl ViolationRepository for MemoryUnitOfWork {
    async fn count(&mut self, violations: &[Violation]) -> Result<(), StoreError> {
        let all = &mut self.copy.tables.usage.violations;
        for new in violations {
            let known = all.entry(new.refused.clone());
            let known = known.or_insert_with(|| Violation { calls: 0, ..new.clone() });
            known.calls = known.calls.saturating_add(new.calls);
        }
        Ok(())
    }

    async fn forget(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let all = &mut self.copy.tables.usage.violations;
        let kept = all.len();
        all.retain(|refused, _| refused.minute >= before);
        Ok((kept - all.len()) as u64)
    }
}
