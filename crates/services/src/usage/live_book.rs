//! The price book as it is now: the one that the program came with, and what operators say over it.
//!
//! It is read without waiting and swapped whole. What cannot be put together closes paid routes, as
//! everything does that is not known.
use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use cape_domain::{
    access::{ControlChange, ControlEntry},
    store::{ReadWork, StoreError},
    time::Timestamp,
    usage::PriceBook,
};

use crate::access::ObeysControl;

/// The price book as it is now.
pub struct LiveBook {
    base: Arc<PriceBook>,
    current: RwLock<Arc<PriceBook>>,
    /// Whether it has to be put together anew.
    news: AtomicBool,
}

impl LiveBook {
    /// The book that the program came with, until it is known what operators say.
    #[must_use]
    pub fn over(base: Arc<PriceBook>) -> Arc<Self> {
        let current = RwLock::new(base.clone());
        Arc::new(Self { base, current, news: AtomicBool::new(true) })
    }

    /// The book that the program came with.
    pub(super) const fn base(&self) -> &Arc<PriceBook> {
        &self.base
    }

    /// The book as it is now. Whoever holds it keeps it as it is.
    #[must_use]
    pub fn current(&self) -> Arc<PriceBook> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn swap(&self, book: PriceBook) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(book);
    }

    async fn load(&self, work: &mut dyn ReadWork) -> Result<(), StoreError> {
        let entries = work.model_entries().all().await?;
        let book = self.base.overlaid(&entries);
        let book =
            book.map_err(|error| StoreError::Corrupt { what: "price book", source: error.into() });
        self.swap(book?);
        Ok(())
    }
}

#[async_trait]
impl ObeysControl for LiveBook {
    fn apply(&self, entry: &ControlEntry) {
        match entry.change {
            ControlChange::CatalogueChanged => self.news.store(true, Ordering::Relaxed),
            ControlChange::SessionEpoch { .. }
            | ControlChange::ApiKeyChanged(_)
            | ControlChange::PlanChanged(_)
            | ControlChange::PlansChanged
            | ControlChange::CredentialsChanged(_)
            | ControlChange::LimitsChanged
            | ControlChange::SwitchesChanged => {}
        }
    }

    async fn catch_up(&self, work: &mut dyn ReadWork) -> Result<(), StoreError> {
        if !self.news.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        let outcome = self.load(work).await;
        if outcome.is_err() {
            self.news.store(true, Ordering::Relaxed);
        }
        outcome
    }

    fn forget(&self, _: Timestamp) {}
}
