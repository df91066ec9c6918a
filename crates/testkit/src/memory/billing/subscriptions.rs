use async_trait::async_trait;
use cape_domain::{
    billing::{ProviderName, Quote, Subscription, SubscriptionReads, SubscriptionRepository},
    ids::{QuoteId, SubscriptionId, WorkspaceId},
    page::{Cursor, Page, PageRequest},
    store::StoreError,
};

use super::{MemoryRead, MemoryUnitOfWork, insert_new, newest_first};

const WHAT: &str = "subscription";

#[async_trait]
impl SubscriptionReads for MemoryRead {
    async fn find(&mut self, id: SubscriptionId) -> Result<Option<Subscription>, StoreError> {
        let found = self.tables.billing.subscriptions.get(&id);
        Ok(found.filter(|one| self.admits(one.workspace)).cloned())
    }

    async fn find_remote(
        &mut self,
        provider: ProviderName,
        remote: &str,
    ) -> Result<Option<Subscription>, StoreError> {
        let mut all = self.tables.billing.subscriptions.values();
        let found = all.find(|one| is_called(one, provider, remote));
        Ok(found.filter(|one| self.admits(one.workspace)).cloned())
    }

    async fn list(
        &mut self,
        workspace: WorkspaceId,
        page: PageRequest,
    ) -> Result<Page<Subscription>, StoreError> {
        let all = self.tables.billing.subscriptions.values();
        let own = all.filter(|one| one.workspace == workspace && self.admits(workspace)).cloned();
        Ok(newest_first(page, own, |one| Cursor { at: one.created_at, id: one.id.raw() }))
    }

    async fn quote(&mut self, id: QuoteId) -> Result<Option<Quote>, StoreError> {
        let found = self.tables.billing.quotes.get(&id);
        Ok(found.filter(|quote| self.admits(quote.workspace)).cloned())
    }

    async fn current(
        &mut self,
        workspace: WorkspaceId,
    ) -> Result<Option<Subscription>, StoreError> {
        let mut own = self.tables.billing.subscriptions.values();
        let current = own.find(|one| one.workspace == workspace && !one.state.has_ended());
        Ok(current.filter(|_| self.admits(workspace)).cloned())
    }
}

#[async_trait]
impl SubscriptionReads for MemoryUnitOfWork {
    async fn find(&mut self, id: SubscriptionId) -> Result<Option<Subscription>, StoreError> {
        SubscriptionReads::find(&mut self.copy, id).await
    }

    async fn find_remote(
        &mut self,
        provider: ProviderName,
        remote: &str,
    ) -> Result<Option<Subscription>, StoreError> {
        self.copy.find_remote(provider, remote).await
    }

    async fn list(
        &mut self,
        workspace: WorkspaceId,
        page: PageRequest,
    ) -> Result<Page<Subscription>, StoreError> {
        SubscriptionReads::list(&mut self.copy, workspace, page).await
    }

    async fn quote(&mut self, id: QuoteId) -> Result<Option<Quote>, StoreError> {
        self.copy.quote(id).await
    }

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
        self.admit_beside_others(subscription)?;
        let rows = &mut self.copy.tables.billing.subscriptions;
        insert_new(rows, WHAT, subscription.id, subscription.clone())
    }

    async fn insert_quote(&mut self, quote: &Quote) -> Result<(), StoreError> {
        self.copy.admit(WHAT, quote.workspace)?;
        insert_new(&mut self.copy.tables.billing.quotes, WHAT, quote.id, quote.clone())
    }

    async fn update(&mut self, subscription: &Subscription) -> Result<(), StoreError> {
        self.copy.admit(WHAT, subscription.workspace)?;
        self.admit_beside_others(subscription)?;
        let stored = self.copy.tables.billing.subscriptions.get_mut(&subscription.id);
        let Some(stored) = stored.filter(|stored| stored.version == subscription.version) else {
            return Err(StoreError::Conflict { what: WHAT });
        };
        *stored = Subscription { version: subscription.version + 1, ..subscription.clone() };
        Ok(())
    }
}

impl MemoryUnitOfWork {
    /// A workspace has one that goes on, and a provider calls one by each name.
    fn admit_beside_others(&self, new: &Subscription) -> Result<(), StoreError> {
        let beside = |other: &&Subscription| {
            let both_go_on = other.workspace == new.workspace
                && !other.state.has_ended()
                && !new.state.has_ended();
            let remote = new.remote.as_deref();
            let same_name = remote.is_some_and(|remote| is_called(other, new.provider, remote));
            other.id != new.id && (both_go_on || same_name)
        };
        let mut all = self.copy.tables.billing.subscriptions.values();
        match all.find(beside) {
            Some(_) => Err(StoreError::Conflict { what: WHAT }),
            None => Ok(()),
        }
    }
}

fn is_called(one: &Subscription, provider: ProviderName, remote: &str) -> bool {
    one.provider == provider && one.remote.as_deref() == Some(remote)
}
