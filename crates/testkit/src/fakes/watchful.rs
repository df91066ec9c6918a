//! A provider that notices when it is asked in the middle of a unit of work.
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use cape_domain::{
    accounts::{DeliveryError, Email, Letter, Mailer},
    billing::{
        ChangeRequest, CheckoutRequest, Money, Order, PaymentProvider, PaymentProviderError,
        PriceRequest, ProductRequest, ProviderEvent, ProviderName, RemoteCheckout,
        RemoteSubscription, SubscriptionCheckout, SubscriptionProvider, SubscriptionRequest,
        WebhookRefused,
    },
    ids::WorkspaceId,
    store::{Durability, Scope, Store as _},
    time::Timestamp,
    usage::{
        ChatCompletion, ChatProvider, ChatRequest, ChatStream, EmbeddingProvider, EmbeddingRequest,
        Embeddings, ModelProviderError, ModerationProvider, ModerationRequest, Moderations,
        UnsupportedParameter,
    },
};

use crate::memory::MemoryStore;

/// How long a unit of work may hold up a provider before it is taken for open around the call.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks another provider, after making sure that nobody holds the store's only writer while
/// waiting for the answer.
pub struct Watchful<P> {
    provider: Arc<P>,
    store: MemoryStore,
    orders: Mutex<Vec<Option<Order>>>,
}

impl<P> Watchful<P> {
    /// Watches what is asked of `provider` by those who work on `store`.
    #[must_use]
    pub fn over(provider: Arc<P>, store: MemoryStore) -> Self {
        Self { provider, store, orders: Mutex::default() }
    }

    /// The orders as they were committed when their checkouts were to be opened.
    #[must_use]
    pub fn orders(&self) -> Vec<Option<Order>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn watch(&self) {
        let begin = self.store.begin(Scope::Platform, Durability::Process);
        let work = tokio::time::timeout(PATIENCE, begin).await;
        drop(work.expect("no vendor is awaited inside a unit of work").expect("a unit of work"));
    }
}

#[async_trait]
impl<P: PaymentProvider> PaymentProvider for Watchful<P> {
    fn name(&self) -> ProviderName {
        self.provider.name()
    }

    async fn create_customer(
        &self,
        workspace: WorkspaceId,
        email: &Email,
        instead_of: Option<&str>,
    ) -> Result<String, PaymentProviderError> {
        self.watch().await;
        self.provider.create_customer(workspace, email, instead_of).await
    }

    async fn open_checkout(
        &self,
        request: &CheckoutRequest,
    ) -> Result<RemoteCheckout, PaymentProviderError> {
        self.watch().await;
        let mut work = self.store.read(Scope::Platform).await.expect("a read");
        let order = work.orders().find(request.order).await.expect("a look");
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).push(order);
        self.provider.open_checkout(request).await
    }

    async fn find_checkout(
        &self,
        object: &str,
    ) -> Result<Option<RemoteCheckout>, PaymentProviderError> {
        self.watch().await;
        self.provider.find_checkout(object).await
    }

    fn read_webhook(
        &self,
        body: &[u8],
        signature: &str,
        now: Timestamp,
    ) -> Result<ProviderEvent, WebhookRefused> {
        self.provider.read_webhook(body, signature, now)
    }
}

#[async_trait]
impl<P: PaymentProvider> SubscriptionProvider for Watchful<P> {
    async fn put_product(&self, product: &ProductRequest) -> Result<String, PaymentProviderError> {
        self.watch().await;
        self.provider.put_product(product).await
    }

    async fn create_price(&self, price: &PriceRequest) -> Result<String, PaymentProviderError> {
        self.watch().await;
        self.provider.create_price(price).await
    }

    async fn open_subscription(
        &self,
        request: &SubscriptionRequest,
    ) -> Result<SubscriptionCheckout, PaymentProviderError> {
        self.watch().await;
        self.provider.open_subscription(request).await
    }

    async fn find_subscription_checkout(
        &self,
        checkout: &str,
    ) -> Result<Option<SubscriptionCheckout>, PaymentProviderError> {
        self.watch().await;
        self.provider.find_subscription_checkout(checkout).await
    }

    async fn close_subscription_checkout(
        &self,
        checkout: &str,
    ) -> Result<Option<SubscriptionCheckout>, PaymentProviderError> {
        self.watch().await;
        self.provider.close_subscription_checkout(checkout).await
    }

    async fn find_subscription(
        &self,
        remote: &str,
    ) -> Result<Option<RemoteSubscription>, PaymentProviderError> {
        self.watch().await;
        self.provider.find_subscription(remote).await
    }

    async fn subscription_of_invoice(
        &self,
        invoice: &str,
    ) -> Result<Option<String>, PaymentProviderError> {
        self.watch().await;
        self.provider.subscription_of_invoice(invoice).await
    }

    async fn let_end(
        &self,
        remote: &str,
        ends: bool,
        number: u32,
    ) -> Result<(), PaymentProviderError> {
        self.watch().await;
        self.provider.let_end(remote, ends, number).await
    }

    async fn preview_change(&self, change: &ChangeRequest) -> Result<Money, PaymentProviderError> {
        self.watch().await;
        self.provider.preview_change(change).await
    }

    async fn change_price(&self, change: &ChangeRequest) -> Result<(), PaymentProviderError> {
        self.watch().await;
        self.provider.change_price(change).await
    }

    async fn end_now(&self, remote: &str, unpaid: bool) -> Result<(), PaymentProviderError> {
        self.watch().await;
        self.provider.end_now(remote, unpaid).await
    }
}

#[async_trait]
impl<P: ChatProvider> ChatProvider for Watchful<P> {
    fn check(&self, request: &ChatRequest) -> Result<(), UnsupportedParameter> {
        self.provider.check(request)
    }

    async fn complete(&self, request: &ChatRequest) -> Result<ChatCompletion, ModelProviderError> {
        self.watch().await;
        self.provider.complete(request).await
    }

    async fn stream(
        &self,
        request: &ChatRequest,
    ) -> Result<Box<dyn ChatStream>, ModelProviderError> {
        self.watch().await;
        self.provider.stream(request).await
    }

    async fn count_tokens(&self, request: &ChatRequest) -> Result<u64, ModelProviderError> {
        self.watch().await;
        self.provider.count_tokens(request).await
    }
}

#[async_trait]
impl<P: EmbeddingProvider> EmbeddingProvider for Watchful<P> {
    fn check(&self, request: &EmbeddingRequest) -> Result<(), UnsupportedParameter> {
        self.provider.check(request)
    }

    async fn embed(&self, request: &EmbeddingRequest) -> Result<Embeddings, ModelProviderError> {
        self.watch().await;
        self.provider.embed(request).await
    }
}

#[async_trait]
impl<P: ModerationProvider> ModerationProvider for Watchful<P> {
    fn check(&self, request: &ModerationRequest) -> Result<(), UnsupportedParameter> {
        self.provider.check(request)
    }

    async fn moderate(
        &self,
        request: &ModerationRequest,
    ) -> Result<Moderations, ModelProviderError> {
        self.watch().await;
        self.provider.moderate(request).await
    }
}

#[async_trait]
impl<P: Mailer> Mailer for Watchful<P> {
    async fn deliver(&self, letter: &Letter) -> Result<(), DeliveryError> {
        self.watch().await;
        self.provider.deliver(letter).await
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::{
        fakes::ScriptedChat,
        fixtures::{chat_request, completion},
    };

    #[tokio::test]
    async fn nobody_is_answered_while_a_unit_of_work_is_open() {
        let store = MemoryStore::default();
        let chat = Arc::new(ScriptedChat::always(completion("hello", None)));
        let watchful = Watchful::over(chat.clone(), store.clone());
        let open = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
        assert!(watchful.complete(&chat_request("hello")).now_or_never().is_none());
        assert_eq!(chat.calls(), 0);
        drop(open);
        assert!(watchful.complete(&chat_request("hello")).await.is_ok());
    }
}
