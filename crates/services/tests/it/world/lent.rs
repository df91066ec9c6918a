//! Providers that are asked under keys of workspaces, and say under which.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use cape_domain::{
    secret::Secret,
    usage::{
        ChatCompletion, ChatProvider, ChatRequest, ChatStream, ModelProviderError, Provider,
        UnsupportedParameter,
    },
};
use cape_services::usage::{Lender, UnusableKey, Upstream};
use cape_testkit::fakes::ScriptedChat;

/// What is answered under keys of workspaces, and under which it was asked.
#[derive(Clone, Default)]
pub struct Lent {
    pub models: Arc<ScriptedChat>,
    asked: Arc<Mutex<Vec<(Provider, String)>>>,
    opened: Arc<Mutex<usize>>,
}

impl Lent {
    /// A key that cannot be sent.
    pub const UNUSABLE: &str = "unusable";

    /// Lends for these providers.
    pub fn lenders(&self, providers: &[Provider]) -> BTreeMap<Provider, Lender> {
        providers.iter().map(|provider| (*provider, self.lender(*provider))).collect()
    }

    /// Whom was asked under which key, the oldest first.
    pub fn asked(&self) -> Vec<(Provider, String)> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often a key was opened.
    pub fn opened(&self) -> usize {
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lender(&self, provider: Provider) -> Lender {
        let lent = self.clone();
        Arc::new(move |key: &Secret| {
            if key.expose() == Self::UNUSABLE {
                return Err(UnusableKey);
            }
            *lent.opened.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            let key = key.expose().to_owned();
            Ok(Upstream::of_chats(Keyed { lent: lent.clone(), provider, key }))
        })
    }
}

struct Keyed {
    lent: Lent,
    provider: Provider,
    key: String,
}

impl Keyed {
    fn ask(&self) -> &ScriptedChat {
        let mut asked = self.lent.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.push((self.provider, self.key.clone()));
        &self.lent.models
    }
}

#[async_trait]
impl ChatProvider for Keyed {
    fn check(&self, request: &ChatRequest) -> Result<(), UnsupportedParameter> {
        self.lent.models.check(request)
    }

    async fn complete(&self, request: &ChatRequest) -> Result<ChatCompletion, ModelProviderError> {
        self.ask().complete(request).await
    }

    async fn stream(
        &self,
        request: &ChatRequest,
    ) -> Result<Box<dyn ChatStream>, ModelProviderError> {
        self.ask().stream(request).await
    }

    async fn count_tokens(&self, request: &ChatRequest) -> Result<u64, ModelProviderError> {
        self.ask().count_tokens(request).await
    }
}
