//! What a call counts for at the limiter, before it is made and after.
use std::sync::Arc;

use cape_domain::{
    billing::Plan,
    ids::WorkspaceId,
    time::Timestamp,
    usage::{
        Claim, Decision, Estimate, Limiter, Measure, Rule, Standing, Subject, TokenCounts, Window,
    },
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
    pub(super) async fn correct<A>(&self, admission: &Admission<A>, calls: u64, tokens: u64) {
        self.correct_all(&admission.claims, admission.call.started_at, calls, tokens).await;
    }

    /// The same, of claims that no call was admitted for.
    pub(super) async fn correct_all(
        &self,
        claims: &[Claim],
        claimed_at: Timestamp,
        calls: u64,
        tokens: u64,
    ) {
        let now = self.base.now();
        for claim in claims {
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
    pub(super) async fn uncount<A>(&self, admission: &Admission<A>) {
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
        let claim = |rule: Rule| {
            let amount = match rule.measure {
                Measure::Requests => 1,
                Measure::Tokens => estimate.likely_total(),
            };
            Claim { rule, amount }
        };
        rules_of(workspace, plan).map(claim).into()
    }

    /// What a question about a call wants of each rule: it is a request, and has no tokens.
    pub(super) fn claims_without_tokens(&self, workspace: WorkspaceId, plan: &Plan) -> Vec<Claim> {
        let nothing = Estimate { most: TokenCounts::default(), likely_input: 0 };
        let mut claims = self.claims(workspace, plan, &nothing);
        claims.retain(|claim| claim.rule.measure == Measure::Requests);
        claims
    }

    /// Where the rules of these claims stand. Nothing is counted.
    pub(super) async fn standings(
        &self,
        claims: &[Claim],
        now: Timestamp,
    ) -> Result<Vec<Standing>, ChatError> {
        let rules: Vec<_> = claims.iter().map(|claim| claim.rule).collect();
        Ok(self.limiter.standings(&rules, now).await?)
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

/// The rules of a plan.
pub(super) fn rules_of(workspace: WorkspaceId, plan: &Plan) -> [Rule; 3] {
    let limits = &plan.limits;
    let subject = Subject::Workspace(workspace);
    let rule = |measure, window, limit| Rule { id: None, subject, measure, window, limit };
    [
        rule(Measure::Requests, Window::Minute, limits.requests_per_minute),
        rule(Measure::Requests, Window::Hour, limits.requests_per_hour),
        rule(Measure::Tokens, Window::Hour, limits.tokens_per_hour),
    ]
}
