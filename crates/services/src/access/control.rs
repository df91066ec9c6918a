//! Polling the control feed, so that what is taken back anywhere is refused everywhere.
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use cape_domain::{
    access::{AccessClaims, ControlEntry, FEED_OVERLAP, FEED_STALE_AFTER},
    store::{Durability, ReadWork, Scope, StoreError},
    time::Timestamp,
};

use chrono::TimeDelta;

use crate::Base;

/// A cache that has to know what changed.
#[async_trait]
pub trait ObeysControl: Send + Sync {
    /// Takes note of a change. The same one may come many times.
    fn apply(&self, entry: &ControlEntry);

    /// Looks up what it has to know of what it was told, at the instant of which it was told. A
    /// cache that looks up what it is asked for has nothing to do here.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: the poll has failed, and the next one tries again.
    async fn catch_up(&self, _: &mut dyn ReadWork) -> Result<(), StoreError> {
        Ok(())
    }

    /// Forgets what is of no use any more.
    fn forget(&self, now: Timestamp);
}

/// How much longer than a token lives changes are kept.
const KEPT: TimeDelta = TimeDelta::hours(1);

/// Tells caches what changed.
pub struct ControlFeed {
    base: Base,
    caches: Vec<Arc<dyn ObeysControl>>,
    polled_at: Mutex<Option<Timestamp>>,
}

impl ControlFeed {
    /// A feed for these caches. Until the first poll it is not fresh.
    #[must_use]
    pub fn new(base: Base, caches: Vec<Arc<dyn ObeysControl>>) -> Arc<Self> {
        Arc::new(Self { base, caches, polled_at: Mutex::default() })
    }

    /// Reads what is new, and the last ten seconds again; the first time, all that a living
    /// access token can depend upon.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: nothing is concluded, and the feed goes stale.
    pub async fn poll(&self) -> Result<(), StoreError> {
        let now = self.base.now();
        let since = self.polled_at().unwrap_or(now - AccessClaims::LIFE) - FEED_OVERLAP;
        let mut work = self.base.store.read(Scope::Platform).await?;
        let entries = work.control().since(since).await?;
        for cache in &self.caches {
            for entry in &entries {
                cache.apply(entry);
            }
            cache.catch_up(&mut *work).await?;
            cache.forget(now);
        }
        *self.polled_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        Ok(())
    }

    /// Deletes what no living token and no poll can depend upon any more.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn prune(&self) -> Result<(), StoreError> {
        let before = self.base.now() - AccessClaims::LIFE - KEPT;
        let mut work = self.base.store.begin(Scope::Platform, Durability::Process).await?;
        work.control().prune(before).await?;
        work.commit().await
    }

    /// Whether the last poll is recent enough to let anybody spend.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        let now = self.base.now();
        self.polled_at().is_some_and(|polled| now <= polled + FEED_STALE_AFTER)
    }

    fn polled_at(&self) -> Option<Timestamp> {
        *self.polled_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
