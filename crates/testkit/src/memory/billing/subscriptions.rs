use async_trait::async_trait;
use cape_domain::{
    billing::{Subscription, SubscriptionReads, SubscriptionRepository, SubscriptionState},
    ids::WorkspaceId,
    store::StoreError,
};

use super::{MemoryRead, MemoryUnitOfWork, insert_new};

const WHAT: &str = "subscription";

#[async_trait]
impl SubscriptionReads for MemoryRead {
    async fn current(
        &mut self,
        workspace: WorkspaceId,
    ) -> Result<Option<Subscription>, StoreError> {
        let mut own = self.tables.billing.subscriptions.values();
        let current = own.find(|s| s.workspace == workspace && has_not_ended(s));
        Ok(current.filter(|_| self.admits(workspace)).cloned())
    }
}

#[async_trait]
impl SubscriptionReads for MemoryUnitOfWork {
    async fn current(
        &mut self,
        workspace: WorkspaceId,
    ) -> Result<Option<Subscription>, StoreError> {
        self.copy.current(workspace).await
    }
}

#[async_trait]
impl SubscriptionRepository for MemoryUnitOfWork {
    async fn insert(&mut self, subscription: &Subscription) -> Result<(), StoreError> {
        self.copy.admit(WHAT, subscription.workspace)?;
        let rows = &mut self.copy.tables.billing.subscriptions;
        let taken = |s: &Subscription| s.workspace == subscription.workspace && has_not_ended(s);
        if rows.values().any(taken) {
            return Err(StoreError::Conflict { what: WHAT });
        }
        insert_new(rows, WHAT, subscription.id, subscription.clone())
    }
}

fn has_not_ended(subscription: &Subscription) -> bool {
    match subscription.state {
        SubscriptionState::Active { .. } => true,
        SubscriptionState::Ended { .. } => false,
    }
}
