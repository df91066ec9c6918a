//! What a call counts for at the limiter, before it is made and after.
use std::sync::Arc;

use cape_domain::{
    billing::Plan,
    ids::WorkspaceId,
    time::Timestamp,
    usage::{Claim, Decision, Estimate, Limiter, Measure, Rule, Standing, Window},
};

use super::{Admission, ChatError};
use crate::Base;

/// Counts calls at the limiter.
pub(super) struct Limits {
    base: Base,
    limiter: Arc<dyn Limiter>,
    hold: bool,
}

impl Limits {
    /// Limits that hold, or that are lifted for a load test.
    pub(super) const fn new(base: Base, limiter: Arc<dyn Limiter>, hold: bool) -> Self {
        Self { base, limiter, hold }
    }

    /// Whether they hold.
    pub(super) const fn hold(&self) -> bool {
        self.hold
    }

    /// Tells the limiter what a call really used; failing that costs the caller nothing.
    pub(super) async fn correct(&self, admission: &Admission, calls: u64, tokens: u64) {
        let (claimed_at, now) = (admission.call.started_at, self.base.now());
        for claim in &admission.claims {
            let used = match claim.rule.measure {
                Measure::Requests => calls,
                Measure::Tokens => tokens,
            };
            if used == claim.amount {
                continue;
            }
            if let Err(error) = self.limiter.correct(*claim, claimed_at, used, now).await {
                tracing::warn!(%error, "a limit could not be corrected");
            }
        }
    }

    /// A call that came to nothing counts nowhere.
    pub(super) async fn uncount(&self, admission: &Admission) {
        self.correct(admission, 0, 0).await;
    }

    /// What a call wants of each rule of its plan.
    pub(super) fn claims(
        &self,
        workspace: WorkspaceId,
        plan: &Plan,
        estimate: &Estimate,
    ) -> Vec<Claim> {
        if !self.hold {
            return Vec::new();
        }
        let limits = &plan.limits;
        let rules = [
            (Measure::Requests, Window::Minute, limits.requests_per_minute, 1),
            (Measure::Requests, Window::Hour, limits.requests_per_hour, 1),
            (Measure::Tokens, Window::Hour, limits.tokens_per_hour, estimate.likely_total()),
        ];
        let claim = |(measure, window, limit, amount)| Claim {
            rule: Rule { workspace, measure, window, limit },
            amount,
        };
        rules.map(claim).into()
    }

    /// Counts a call, unless a limit is in its way.
    pub(super) async fn claim(
        &self,
        claims: &[Claim],
        now: Timestamp,
    ) -> Result<Vec<Standing>, ChatError> {
        if claims.is_empty() {
            return Ok(Vec::new());
        }
        match self.limiter.admit(claims, now).await? {
            Decision::Admitted(standings) => Ok(standings),
            Decision::Refused(refusal) => {
                let rule = refusal.standing.rule.name();
                metrics::counter!("cape_limits_refused_total", "rule" => rule).increment(1);
                Err(ChatError::Limited { refusal: Box::new(refusal) })
            }
        }
    }
}
