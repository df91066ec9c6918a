//! Where a workspace stands with its quota and its limits.
use std::sync::Arc;

use cape_domain::{
    access::{Permit, Principal, ViewUsage},
    billing::Plan,
    ids::{ApiKeyId, UserId},
    store::StoreError,
    time::Timestamp,
    usage::{CallFacts, Quota, QuotaPeriod, Rule, Standing},
};

use super::{
    super::limits::rules_of,
    {ReportError, UsageReports},
};

/// Where a workspace stands with all that limits it.
#[derive(Clone, Debug)]
pub struct LimitStandings {
    /// The plan that says so.
    pub plan: Arc<Plan>,
    /// Limits over sliding windows. None, where limits are lifted.
    pub limits: Vec<Standing>,
    /// The quota of this month. None, where limits are lifted.
    pub quota: Option<Quota>,
    /// When that was.
    pub at: Timestamp,
}

impl UsageReports {
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
        let mut work = self.base.store.look(permit.scope()).await?;
        let used = work.quotas().used(workspace, period).await?;
        let limit = plan.limits.requests_per_month;
        Ok((Quota { workspace, period, limit, used }, plan))
    }

    /// How the actor's workspace, and the actor, stand now with every limit of the plan and with
    /// those that operators set for any model: what is about one key is shown with that key alone.
    /// Asking counts nowhere.
    ///
    /// # Errors
    ///
    /// See [`ReportError`].
    pub async fn limits(&self, permit: Permit<ViewUsage>) -> Result<LimitStandings, ReportError> {
        let workspace = permit.actor().workspace;
        let caller = caller(&permit.actor().principal);
        let (quota, plan) = self.quota(permit).await?;
        let at = self.base.now();
        if !self.limits_hold {
            return Ok(LimitStandings { plan, limits: vec![], quota: None, at });
        }
        let mut rules: Vec<Rule> = rules_of(workspace, &plan).into();
        if let Some((user, key)) = caller {
            let facts = CallFacts { workspace, user, key, plan: &plan.code, target: None };
            let unknown = || StoreError::Unavailable("limits are not known yet".into());
            let set = self.limits.rules().ok_or_else(unknown)?;
            rules.extend(set.iter().filter_map(|rule| rule.applies_to(&facts)));
        }
        let limits = self.limiter.standings(&rules, at).await?;
        Ok(LimitStandings { plan, limits, quota: Some(quota), at })
    }
}

/// Whose use is shown, and of which key.
const fn caller(principal: &Principal) -> Option<(UserId, Option<ApiKeyId>)> {
    match principal {
        Principal::User { id, .. } => Some((*id, None)),
        Principal::ApiKey { id, owner } => Some((*owner, Some(*id))),
        Principal::Visitor | Principal::System => None,
    }
}
