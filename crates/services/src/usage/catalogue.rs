//! The models there are, as a plan sees them, and who runs them.
use std::{collections::BTreeSet, sync::Arc};

use cape_domain::{
    access::{Permit, ViewUsage},
    billing::BasisPoints,
    store::StoreError,
    usage::{Model, PricedVersion, Provider, Switches},
};

use super::{CredentialRing, Entitlements, LiveBook};
use crate::Base;

/// Shows the models there are.
pub struct ModelCatalogue {
    base: Base,
    entitlements: Arc<Entitlements>,
    book: Arc<LiveBook>,
    configured: BTreeSet<Provider>,
    credentials: Arc<CredentialRing>,
    markup: BasisPoints,
}

/// Who runs models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderStanding {
    /// The provider.
    pub provider: Provider,
    /// Whether the workspace can ask it: under the platform's key, or under its own.
    pub configured: bool,
    /// How many of its models there are.
    pub models: usize,
    /// How many of them the plan reaches.
    pub in_plan: usize,
    /// How many of these can be called now.
    pub callable: usize,
}

/// A model, as a plan sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelStanding {
    /// The model.
    pub model: Model,
    /// What it costs now. None, if that is not known: it is refused then.
    pub price: Option<PricedVersion>,
    /// What is added to its cost.
    pub markup: BasisPoints,
    /// Whether the plan reaches it.
    pub in_plan: bool,
    /// Whether the workspace can ask who runs it: under the platform's key, or under its own.
    pub configured: bool,
    /// Whether an operator has stopped it, or all models of who runs it.
    pub stopped: bool,
}

impl ModelStanding {
    /// Whether it can be called now, by a key that may call any model.
    #[must_use]
    pub const fn is_callable(&self) -> bool {
        self.in_plan && self.configured && !self.stopped && self.price.is_some()
    }
}

impl ModelCatalogue {
    /// The models of this book, of which those can be called whose providers are configured.
    #[must_use]
    pub fn new(
        base: Base,
        entitlements: Arc<Entitlements>,
        book: Arc<LiveBook>,
        configured: BTreeSet<Provider>,
        credentials: Arc<CredentialRing>,
        markup: BasisPoints,
    ) -> Arc<Self> {
        Arc::new(Self { base, entitlements, book, configured, credentials, markup })
    }

    /// Every model, in the order of the book, as the plan of the actor's workspace sees it.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn models(
        &self,
        permit: Permit<ViewUsage>,
    ) -> Result<Vec<ModelStanding>, StoreError> {
        let now = self.base.now();
        let plan = self.entitlements.plan(permit.actor().workspace).await?;
        let own = self.credentials.of(permit.actor().workspace).await?;
        let mut work = self.base.store.look(permit.scope()).await?;
        let switches: Switches = work.switches().all().await?.into_iter().collect();
        let standing = |model: &Model| ModelStanding {
            price: model.price_at(now).cloned(),
            markup: self.markup,
            in_plan: plan.allows(model.class),
            configured: self.configured.contains(&model.provider) || own.has(model.provider),
            stopped: switches.against_model(&model.id, model.provider).is_some(),
            model: model.clone(),
        };
        Ok(self.book.current().models().iter().map(standing).collect())
    }

    /// Everybody who runs a model of the book or is configured, in the order of their names.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn providers(
        &self,
        permit: Permit<ViewUsage>,
    ) -> Result<Vec<ProviderStanding>, StoreError> {
        let lent = self.credentials.of(permit.actor().workspace).await?;
        let models = self.models(permit).await?;
        let mut known = self.configured.clone();
        known.extend(models.iter().map(|standing| standing.model.provider));
        let standing = |provider: Provider| {
            let own = || models.iter().filter(|standing| standing.model.provider == provider);
            ProviderStanding {
                provider,
                configured: self.configured.contains(&provider) || lent.has(provider),
                models: own().count(),
                in_plan: own().filter(|standing| standing.in_plan).count(),
                callable: own().filter(|standing| standing.is_callable()).count(),
            }
        };
        Ok(known.into_iter().map(standing).collect())
    }
}
