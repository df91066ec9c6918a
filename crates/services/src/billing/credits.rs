//! What a workspace has.
use std::sync::Arc;

use cape_domain::{
    access::{Permit, ViewBilling},
    billing::{Balance, Transaction},
    page::PageRequest,
    store::StoreError,
};

use crate::Base;

/// Shows what a workspace has.
pub struct CreditService {
    base: Base,
}

/// A workspace's credits.
#[derive(Clone, Debug)]
pub struct CreditAccount {
    /// What it has.
    pub balance: Balance,
    /// What moved last, newest first.
    pub recent: Vec<Transaction>,
}

impl CreditService {
    /// A service over this base.
    #[must_use]
    pub fn new(base: Base) -> Arc<Self> {
        Arc::new(Self { base })
    }

    /// The credits of the actor's workspace, and what moved last.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn account(&self, permit: Permit<ViewBilling>) -> Result<CreditAccount, StoreError> {
        let workspace = permit.actor().workspace;
        let mut work = self.base.store.read(permit.scope()).await?;
        let balance = work.ledger().balance(workspace).await?;
        let recent = work.ledger().transactions(workspace, PageRequest::first()).await?.rows;
        Ok(CreditAccount { balance, recent })
    }
}
