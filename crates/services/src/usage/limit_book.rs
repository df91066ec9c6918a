//! The limits that operators set, remembered under the control feed.
//!
//! Not here: who may set them, which is the [`LimitRuleService`](super::LimitRuleService)'s.
use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use cape_domain::{
    access::{ControlChange, ControlEntry},
    store::{ReadWork, StoreError},
    time::Timestamp,
    usage::LimitRule,
};

use crate::access::ObeysControl;

/// Knows all limits that operators set. Until the first poll of the feed nothing is known.
#[derive(Default)]
pub struct LimitBook {
    rules: RwLock<Option<Arc<[LimitRule]>>>,
    /// Whether the feed told that they are others now.
    changed: AtomicBool,
}

impl LimitBook {
    /// Nothing is known yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// All of them. Nothing, while nothing is known.
    pub(super) fn rules(&self) -> Option<Arc<[LimitRule]>> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl ObeysControl for LimitBook {
    fn apply(&self, entry: &ControlEntry) {
        match entry.change {
            ControlChange::LimitsChanged => self.changed.store(true, Ordering::Relaxed),
            ControlChange::SessionEpoch { .. }
            | ControlChange::ApiKeyChanged(_)
            | ControlChange::PlanChanged(_)
            | ControlChange::PlansChanged
            | ControlChange::SwitchesChanged
            | ControlChange::CatalogueChanged
            | ControlChange::CredentialsChanged(_) => {}
        }
    }

    async fn catch_up(&self, work: &mut dyn ReadWork) -> Result<(), StoreError> {
        if !self.changed.swap(false, Ordering::Relaxed) && self.rules().is_some() {
            return Ok(());
        }
        match work.limit_rules().all().await {
            Ok(all) => {
                let mut rules = self.rules.write().unwrap_or_else(PoisonError::into_inner);
                *rules = Some(all.into());
                Ok(())
            }
            Err(error) => {
                self.changed.store(true, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    fn forget(&self, _: Timestamp) {}
}
