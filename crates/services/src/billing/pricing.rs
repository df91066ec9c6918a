//! What is sold, for everybody to see.
use std::sync::Arc;

use cape_domain::{
    billing::{Pack, Plan},
    store::{Scope, StoreError},
};

use crate::Base;

/// Shows what is sold.
pub struct PricingService {
    base: Base,
}

/// Everything that is sold.
#[derive(Clone, Debug)]
pub struct Sold {
    /// Plans, the cheapest first.
    pub plans: Vec<Plan>,
    /// Packs of credits, the smallest first.
    pub packs: Vec<Pack>,
}

impl PricingService {
    /// A service over this base.
    #[must_use]
    pub fn new(base: Base) -> Arc<Self> {
        Arc::new(Self { base })
    }

    /// Everything that is sold.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn sold(&self) -> Result<Sold, StoreError> {
        let mut work = self.base.store.read(Scope::Platform).await?;
        let plans = work.catalogue().plans().await?;
        let packs = work.catalogue().packs().await?;
        Ok(Sold { plans, packs })
    }
}
