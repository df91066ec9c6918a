use std::collections::BTreeMap;

use async_trait::async_trait;
use cape_domain::{
    billing::{Credits, OutOfRange},
    ids::{CallId, HoldId, WorkspaceId},
    page::{Cursor, Page, PageRequest},
    store::StoreError,
    usage::{
        Call, CallReads, CallRepository, CallState, Metered, ModelUsage, Provider, QuotaPeriod,
        TokenCounts, UsdAmount,
    },
};

use super::{MemoryRead, MemoryUnitOfWork, insert_new, newest_first};

const WHAT: &str = "call";

#[async_trait]
impl CallReads for MemoryRead {
    async fn find(&mut self, id: CallId) -> Result<Option<Call>, StoreError> {
        let call = self.tables.usage.calls.get(&id);
        Ok(call.filter(|call| self.admits(call.workspace)).cloned())
    }

    async fn find_by_hold(&mut self, hold: HoldId) -> Result<Option<Call>, StoreError> {
        let mut calls = self.tables.usage.calls.values();
        let call = calls.find(|call| call.hold == Some(hold));
        Ok(call.filter(|call| self.admits(call.workspace)).cloned())
    }

    async fn list(
        &mut self,
        workspace: WorkspaceId,
        page: PageRequest,
    ) -> Result<Page<Call>, StoreError> {
        let calls = self.tables.usage.calls.values();
        let own = calls.filter(|call| call.workspace == workspace && self.admits(workspace));
        let cursor = |call: &Call| Cursor { at: call.started_at, id: call.id.raw() };
        Ok(newest_first(page, own.cloned(), cursor))
    }

    async fn usage(
        &mut self,
        workspace: WorkspaceId,
        period: QuotaPeriod,
    ) -> Result<Vec<ModelUsage>, StoreError> {
        let mut models = BTreeMap::<(&str, Provider), ModelUsage>::new();
        let calls = self.tables.usage.calls.values();
        let own = calls.filter(|call| call.workspace == workspace && self.admits(workspace));
        for call in own.filter(|c| period.start <= c.started_at && c.started_at < period.end) {
            let usage = models.entry((&call.model, call.provider)).or_insert_with(|| unused(call));
            count(usage, &call.state)
                .map_err(|source| StoreError::Corrupt { what: WHAT, source: source.into() })?;
        }
        let mut found: Vec<_> = models.into_values().collect();
        found.sort_by(|a, b| b.charge.cmp(&a.charge).then_with(|| a.model.cmp(&b.model)));
        Ok(found)
    }
}

#[async_trait]
impl CallReads for MemoryUnitOfWork {
    async fn find(&mut self, id: CallId) -> Result<Option<Call>, StoreError> {
        CallReads::find(&mut self.copy, id).await
    }

    async fn find_by_hold(&mut self, hold: HoldId) -> Result<Option<Call>, StoreError> {
        self.copy.find_by_hold(hold).await
    }

    async fn list(
        &mut self,
        workspace: WorkspaceId,
        page: PageRequest,
    ) -> Result<Page<Call>, StoreError> {
        CallReads::list(&mut self.copy, workspace, page).await
    }

    async fn usage(
        &mut self,
        workspace: WorkspaceId,
        period: QuotaPeriod,
    ) -> Result<Vec<ModelUsage>, StoreError> {
        self.copy.usage(workspace, period).await
    }
}

#[async_trait]
impl CallRepository for MemoryUnitOfWork {
    async fn insert(&mut self, call: &Call) -> Result<(), StoreError> {
        self.copy.admit(WHAT, call.workspace)?;
        insert_new(&mut self.copy.tables.usage.calls, WHAT, call.id, call.clone())
    }

    async fn checkpoint(&mut self, id: CallId, so_far: &Metered) -> Result<(), StoreError> {
        if let Some(call) = self.running(id) {
            call.state = CallState::Running { so_far: *so_far };
        }
        Ok(())
    }

    async fn end(&mut self, call: &Call) -> Result<(), StoreError> {
        self.copy.admit(WHAT, call.workspace)?;
        let stored = self.running(call.id).ok_or(StoreError::Conflict { what: WHAT })?;
        stored.state = call.state.clone();
        Ok(())
    }
}

impl MemoryUnitOfWork {
    fn running(&mut self, id: CallId) -> Option<&mut Call> {
        let scope = self.copy.scope;
        let call = self.copy.tables.usage.calls.get_mut(&id)?;
        let within = scope.admit(call.workspace).is_ok();
        match call.state {
            CallState::Running { .. } if within => Some(call),
            CallState::Running { .. } | CallState::Settled { .. } | CallState::Failed { .. } => {
                None
            }
        }
    }
}

fn unused(call: &Call) -> ModelUsage {
    ModelUsage {
        model: call.model.clone(),
        provider: call.provider,
        settled: 0,
        failed: 0,
        running: 0,
        tokens: TokenCounts::default(),
        cost: UsdAmount::ZERO,
        charge: Credits::ZERO,
    }
}

fn count(usage: &mut ModelUsage, state: &CallState) -> Result<(), OutOfRange> {
    match state {
        CallState::Running { .. } => usage.running += 1,
        CallState::Failed { .. } => usage.failed += 1,
        CallState::Settled { metered, .. } => {
            usage.settled += 1;
            usage.tokens = sum(usage.tokens, metered.tokens)?;
            let cost = usage.cost.pico().checked_add(metered.cost.pico()).ok_or(OutOfRange)?;
            usage.cost = UsdAmount::from_pico(cost).map_err(|_| OutOfRange)?;
            usage.charge = usage.charge.plus(metered.charge)?;
        }
    }
    Ok(())
}

fn sum(left: TokenCounts, right: TokenCounts) -> Result<TokenCounts, OutOfRange> {
    let plus = |left: u64, right| left.checked_add(right).ok_or(OutOfRange);
    Ok(TokenCounts {
        input: plus(left.input, right.input)?,
        cached_input: plus(left.cached_input, right.cached_input)?,
        cache_write: plus(left.cache_write, right.cache_write)?,
        output: plus(left.output, right.output)?,
        reasoning: plus(left.reasoning, right.reasoning)?,
    })
}
