//! Proving the ledger.
use std::sync::Arc;

use cape_domain::{
    billing::Violation,
    store::{Scope, StoreError},
};

use crate::Base;

/// Proves the ledger, or says where it is broken.
pub struct LedgerCheck {
    base: Base,
}

impl LedgerCheck {
    /// A check over this base.
    #[must_use]
    pub fn new(base: Base) -> Arc<Self> {
        Arc::new(Self { base })
    }

    /// Every broken invariant, of all workspaces, at one instant.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn run(&self) -> Result<Vec<Violation>, StoreError> {
        let mut work = self.base.store.read(Scope::Platform).await?;
        work.ledger_audit().violations().await
    }
}
