//! What a workspace has.
use std::sync::Arc;

use cape_domain::{
    access::{Permit, ViewBilling},
    billing::{Balance, Transaction, TransactionKind},
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
    /// What was gained and paid last, newest first. What was only set aside, or given back, is
    /// left out.
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
        let page = PageRequest::new(None, PageRequest::MOST).unwrap_or(PageRequest::first());
        let mut recent = work.ledger().transactions(workspace, page).await?.rows;
        recent.retain(changes_what_there_is);
        recent.truncate(PageRequest::USUAL as usize);
        Ok(CreditAccount { balance, recent })
    }
}

fn changes_what_there_is(transaction: &Transaction) -> bool {
    match transaction.kind {
        TransactionKind::Purchase
        | TransactionKind::Bonus
        | TransactionKind::Promotion
        | TransactionKind::Settlement
        | TransactionKind::Expiry
        | TransactionKind::Refund
        | TransactionKind::Correction => true,
        TransactionKind::Hold
        | TransactionKind::Release
        | TransactionKind::DebtRepaid
        | TransactionKind::ProviderCost => false,
    }
}
