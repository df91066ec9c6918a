//! Telling payment providers what plans are called and what they cost.
//!
//! A provider that was told learns of a price once and of a plan with every version. What it calls
//! them is remembered; a price that it does not know yet is told when somebody wants to pay it.
use std::sync::Arc;

use cape_domain::{
    billing::{
        PaymentProvider, PaymentProviderError, Plan, PlanCode, PlanPrice, PriceRequest,
        ProductRequest,
    },
    ids::JobId,
    jobs::{Job, Task},
    store::{Durability, Scope, StoreError, UnitOfWork},
};

use crate::{Base, retry::retry};

/// Tells payment providers about plans.
pub struct PlanSync {
    base: Base,
    provider: Option<Arc<dyn PaymentProvider>>,
}

/// Why a provider was not told.
#[derive(Debug, thiserror::Error)]
pub enum PlanSyncError {
    /// Nobody takes money here.
    #[error("payments are not configured")]
    Disabled,
    /// The provider failed.
    #[error(transparent)]
    Provider(#[from] PaymentProviderError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PlanSync {
    /// Tells this provider, if there is one.
    #[must_use]
    pub fn new(base: Base, provider: Option<Arc<dyn PaymentProvider>>) -> Arc<Self> {
        Arc::new(Self { base, provider })
    }

    /// Sees to it that the provider is told of this version of a plan, once the work is committed.
    pub(super) async fn ask(
        &self,
        work: &mut dyn UnitOfWork,
        plan: &Plan,
    ) -> Result<(), StoreError> {
        if self.provider.is_none() || plan.code == PlanCode::free() {
            return Ok(());
        }
        let job = Job {
            id: JobId::next(&*self.base.ids),
            task: Task::SyncPlan(plan.code.clone()),
            unique_key: format!("{}:{}", plan.code, plan.version),
            subject: format!("plan:{}", plan.code),
            run_at: self.base.now(),
            attempt: 0,
        };
        work.jobs().enqueue(&job).await
    }

    /// Tells the provider of a plan and of all of its prices, as they are now.
    ///
    /// # Errors
    ///
    /// See [`PlanSyncError`]. What was told until then is remembered.
    pub async fn run(&self, job: &Job, code: &PlanCode) -> Result<(), PlanSyncError> {
        let provider = self.provider.as_deref().ok_or(PlanSyncError::Disabled)?;
        let plan = {
            let mut work = self.base.store.read(Scope::Platform).await?;
            work.catalogue().plan(code).await?
        };
        if let Some(plan) = plan {
            let product = self.tell(provider, &plan).await?;
            for price in &plan.prices {
                self.price_of(provider, &product, price).await?;
            }
        }
        let mut work = self.base.store.begin(Scope::Platform, Durability::Process).await?;
        work.jobs().complete(job).await?;
        Ok(work.commit().await?)
    }

    /// What the provider calls a price of a plan, which is told if it does not know it yet.
    pub(super) async fn name(
        &self,
        provider: &dyn PaymentProvider,
        code: &PlanCode,
        price: &PlanPrice,
    ) -> Result<String, PlanSyncError> {
        let (plan, product) = {
            let mut work = self.base.store.read(Scope::Platform).await?;
            if let Some(name) = work.catalogue().provider_price(price.id, provider.name()).await? {
                return Ok(name);
            }
            let plan = work.catalogue().plan(code).await?;
            (plan, work.catalogue().product(code, provider.name()).await?)
        };
        let missing = || PaymentProviderError::Refused { code: "plan".to_owned() };
        let plan = plan.ok_or_else(missing)?;
        let product = match product {
            Some(product) => product,
            None => self.tell(provider, &plan).await?,
        };
        self.price_of(provider, &product, price).await
    }

    /// Tells the provider what a plan is called, and gives the provider's word for it.
    async fn tell(
        &self,
        provider: &dyn PaymentProvider,
        plan: &Plan,
    ) -> Result<String, PlanSyncError> {
        let known = {
            let mut work = self.base.store.read(Scope::Platform).await?;
            work.catalogue().product(&plan.code, provider.name()).await?
        };
        let request = ProductRequest {
            plan: plan.code.clone(),
            version: plan.version,
            name: plan.name.to_string(),
            active: plan.retired_at.is_none(),
            known: known.clone(),
        };
        let told = provider.put_product(&request).await?;
        if known.is_some() {
            return Ok(told);
        }
        // Somebody may have told it at the same time: the first name stands.
        let stands: Option<String> = retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let catalogue = work.catalogue();
            catalogue.remember_product(&plan.code, provider.name(), &told).await?;
            let stands = catalogue.product(&plan.code, provider.name()).await?;
            work.commit().await?;
            Ok::<_, StoreError>(stands)
        })?;
        Ok(stands.unwrap_or(told))
    }

    async fn price_of(
        &self,
        provider: &dyn PaymentProvider,
        product: &str,
        price: &PlanPrice,
    ) -> Result<String, PlanSyncError> {
        let known = {
            let mut work = self.base.store.read(Scope::Platform).await?;
            work.catalogue().provider_price(price.id, provider.name()).await?
        };
        if let Some(name) = known {
            return Ok(name);
        }
        let request = PriceRequest {
            price: price.id,
            product: product.to_owned(),
            interval: price.interval,
            amount: price.amount,
        };
        let name = provider.create_price(&request).await?;
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            work.catalogue().remember_price(price.id, provider.name(), &name).await?;
            work.commit().await
        })?;
        Ok(name)
    }
}
