use async_trait::async_trait;
use cape_domain::{
    ids::{CallId, HoldId},
    store::StoreError,
    usage::{Call, CallReads, CallRepository, CallState, Metered},
};

use super::{MemoryRead, MemoryUnitOfWork, insert_new};

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
}

#[async_trait]
impl CallReads for MemoryUnitOfWork {
    async fn find(&mut self, id: CallId) -> Result<Option<Call>, StoreError> {
        CallReads::find(&mut self.copy, id).await
    }

    async fn find_by_hold(&mut self, hold: HoldId) -> Result<Option<Call>, StoreError> {
        self.copy.find_by_hold(hold).await
    }
}

#[async_trait]
impl CallRepository for MemoryUnitOfWork {
    async fn insert_all(&mut self, calls: &[Call]) -> Result<(), StoreError> {
        for call in calls {
            self.copy.admit(WHAT, call.workspace)?;
            insert_new(&mut self.copy.tables.usage.calls, WHAT, call.id, call.clone())?;
        }
        Ok(())
    }

    async fn checkpoint(&mut self, id: CallId, so_far: &Metered) -> Result<(), StoreError> {
        if let Some(call) = self.running(id) {
            call.state = CallState::Running { so_far: *so_far };
        }
        Ok(())
    }

    async fn correct(&mut self, call: &Call) -> Result<(), StoreError> {
        self.copy.admit(WHAT, call.workspace)?;
        let stored = self.copy.tables.usage.calls.get_mut(&call.id);
        let stored = stored.filter(|stored| stored.workspace == call.workspace);
        let stored = stored.filter(|stored| stored.correctable().is_some());
        let stored = stored.ok_or(StoreError::Conflict { what: WHAT })?;
        stored.model.clone_from(&call.model);
        stored.provider = call.provider;
        stored.credential = call.credential;
        stored.price_version.clone_from(&call.price_version);
        stored.state = call.state.clone();
        Ok(())
    }

    async fn end_all(&mut self, calls: &[Call]) -> Result<(), StoreError> {
        for call in calls {
            self.copy.admit(WHAT, call.workspace)?;
            self.running(call.id).ok_or(StoreError::Conflict { what: WHAT })?;
        }
        for call in calls {
            let stored = self.running(call.id).ok_or(StoreError::Conflict { what: WHAT })?;
            stored.model.clone_from(&call.model);
            stored.provider = call.provider;
            stored.credential = call.credential;
            stored.price_version.clone_from(&call.price_version);
            stored.state = call.state.clone();
        }
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
