//! What a workspace may use, remembered under the control feed.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cape_domain::{
    access::{ControlChange, ControlEntry},
    billing::{Plan, PlanCode, Subscription},
    ids::WorkspaceId,
    store::{Scope, StoreError},
    time::Timestamp,
};

use crate::{Base, access::ObeysControl};

/// Knows every workspace's plan.
pub struct Entitlements {
    base: Base,
    plans: Mutex<HashMap<WorkspaceId, Remembered>>,
}

#[derive(Clone)]
struct Remembered {
    plan: Arc<Plan>,
    until: Timestamp,
}

/// How many workspaces are remembered; beyond that, all are looked up again.
const REMEMBERED: usize = 20_000;

impl Entitlements {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(base: Base) -> Arc<Self> {
        Arc::new(Self { base, plans: Mutex::default() })
    }

    /// The plan of a workspace: its subscription's, or the free one.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; also when there is no free plan.
    pub async fn plan(&self, workspace: WorkspaceId) -> Result<Arc<Plan>, StoreError> {
        let now = self.base.now();
        if let Some(known) = self.plans().get(&workspace).filter(|known| now < known.until) {
            return Ok(Arc::clone(&known.plan));
        }
        let mut work = self.base.store.read(Scope::Workspace(workspace)).await?;
        let subscription = work.subscriptions().current(workspace).await?;
        let code = subscription
            .as_ref()
            .filter(|subscription| subscription.grants_access(now))
            .map_or_else(PlanCode::free, |subscription| subscription.terms.plan.clone());
        let plan = work.catalogue().plan(&code).await?.map(Arc::new).ok_or_else(|| {
            StoreError::Corrupt { what: "plan", source: format!("no plan `{code}`").into() }
        })?;
        let until = next_change(subscription.as_ref(), now);
        let mut plans = self.plans();
        if plans.len() >= REMEMBERED {
            plans.clear();
        }
        plans.insert(workspace, Remembered { plan: Arc::clone(&plan), until });
        Ok(plan)
    }

    fn plans(&self) -> MutexGuard<'_, HashMap<WorkspaceId, Remembered>> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When the clock alone changes the plan.
fn next_change(subscription: Option<&Subscription>, now: Timestamp) -> Timestamp {
    let edges = subscription.and_then(Subscription::access).map(|open| [open.start(), open.end()]);
    edges.into_iter().flatten().find(|edge| now < *edge).unwrap_or(Timestamp::MAX_UTC)
}

impl ObeysControl for Entitlements {
    fn apply(&self, entry: &ControlEntry) {
        match entry.change {
            ControlChange::PlanChanged(workspace) => {
                self.plans().remove(&workspace);
            }
            ControlChange::PlansChanged => self.plans().clear(),
            ControlChange::SessionEpoch { .. }
            | ControlChange::ApiKeyChanged(_)
            | ControlChange::CredentialsChanged(_)
            | ControlChange::LimitsChanged
            | ControlChange::SwitchesChanged
            | ControlChange::CatalogueChanged => {}
        }
    }

    fn forget(&self, now: Timestamp) {
        self.plans().retain(|_, known| now < known.until);
    }
}
