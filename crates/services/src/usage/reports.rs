//! What was used and what it cost.
use std::sync::Arc;

use cape_domain::{
    access::{Permit, ViewUsage},
    billing::Plan,
    ids::CallId,
    page::{Page, PageRequest},
    store::StoreError,
    usage::{Call, Quota, QuotaPeriod, UsageSummary},
};

use super::Entitlements;
use crate::Base;

/// Shows what was used.
pub struct UsageReports {
    base: Base,
    entitlements: Arc<Entitlements>,
}

/// Why nothing could be shown.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// No such call in the actor's workspace.
    #[error("call {0} does not exist")]
    NotFound(CallId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl UsageReports {
    /// Reports over this base.
    #[must_use]
    pub fn new(base: Base, entitlements: Arc<Entitlements>) -> Arc<Self> {
        Arc::new(Self { base, entitlements })
    }

    /// What the actor's workspace used this month, model by model.
    ///
    /// # Errors
    ///
    /// See [`ReportError`].
    pub async fn summary(&self, permit: Permit<ViewUsage>) -> Result<UsageSummary, ReportError> {
        let period = QuotaPeriod::month_of(self.base.now());
        let mut work = self.base.store.read(permit.scope()).await?;
        let models = work.calls().usage(permit.actor().workspace, period).await?;
        Ok(UsageSummary { period, models })
    }

    /// Calls of the actor's workspace, newest first.
    ///
    /// # Errors
    ///
    /// See [`ReportError`].
    pub async fn calls(
        &self,
        permit: Permit<ViewUsage>,
        page: PageRequest,
    ) -> Result<Page<Call>, ReportError> {
        let mut work = self.base.store.read(permit.scope()).await?;
        Ok(work.calls().list(permit.actor().workspace, page).await?)
    }

    /// One call of the actor's workspace.
    ///
    /// # Errors
    ///
    /// See [`ReportError`].
    pub async fn call(&self, permit: Permit<ViewUsage>, id: CallId) -> Result<Call, ReportError> {
        let mut work = self.base.store.read(permit.scope()).await?;
        work.calls().find(id).await?.ok_or(ReportError::NotFound(id))
    }

    /// How the actor's workspace stands this month, and the plan that says so.
    ///
    /// # Errors
    ///
    /// See [`ReportError`].
    pub async fn quota(
        &self,
        permit: Permit<ViewUsage>,
    ) -> Result<(Quota, Arc<Plan>), ReportError> {
        let workspace = permit.actor().workspace;
        let plan = self.entitlements.plan(workspace).await?;
        let period = QuotaPeriod::month_of(self.base.now());
        let mut work = self.base.store.read(permit.scope()).await?;
        let used = work.quotas().used(workspace, period).await?;
        let limit = plan.limits.requests_per_month;
        Ok((Quota { workspace, period, limit, used }, plan))
    }
}
