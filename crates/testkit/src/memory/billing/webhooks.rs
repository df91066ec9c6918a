use async_trait::async_trait;
use cape_domain::{
    billing::{Webhook, WebhookOutcome, WebhookReads, WebhookRepository, WebhookState},
    ids::WebhookId,
    store::StoreError,
    time::Timestamp,
};

use super::{MemoryRead, MemoryUnitOfWork, insert_new};

const WHAT: &str = "webhook";

#[async_trait]
impl WebhookReads for MemoryRead {
    async fn find(&mut self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        Ok(self.tables.billing.webhooks.get(&id).cloned())
    }
}

#[async_trait]
impl WebhookReads for MemoryUnitOfWork {
    async fn find(&mut self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        WebhookReads::find(&mut self.copy, id).await
    }
}

#[async_trait]
impl WebhookRepository for MemoryUnitOfWork {
    async fn receive(&mut self, webhook: &Webhook) -> Result<bool, StoreError> {
        let webhooks = &mut self.copy.tables.billing.webhooks;
        let known = |other: &Webhook| {
            other.event.provider == webhook.event.provider
                && other.event.event == webhook.event.event
        };
        if webhooks.values().any(known) {
            return Ok(false);
        }
        insert_new(webhooks, WHAT, webhook.id, webhook.clone())?;
        Ok(true)
    }

    async fn handle(
        &mut self,
        id: WebhookId,
        outcome: WebhookOutcome,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let stored = self.copy.tables.billing.webhooks.get_mut(&id);
        let Some(stored) = stored.filter(|stored| stored.state == WebhookState::Received) else {
            return Err(StoreError::Conflict { what: WHAT });
        };
        stored.state = WebhookState::Handled { at, outcome };
        Ok(())
    }
}
