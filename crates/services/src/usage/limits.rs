//! What a call counts for at the limiter, before it is made and after.
use std::sync::Arc;

use cape_domain::{
    billing::Plan,
    ids::WorkspaceId,
    time::Timestamp,
    usage::{
        CallFacts, Claim, Decision, Limiter, Measure, Rule, Standing, Subject, TokenCounts, Window,
    },
};

use super::{Admission, Candidate, ChatError, LimitBook, Violations};
use crate::Base;

/// Counts calls at the limiter.
pub(super) struct Limits {
    base: Base,
    counting: Counting,
    hold: bool,
}

/// What calls are counted with.
#[derive(Clone)]
pub struct Counting {
    /// What counts them.
    pub limiter: Arc<dyn Limiter>,
    /// What operators limit.
    pub book: Arc<LimitBook>,
    /// What was refused.
    pub violations: Arc<Violations>,
}

/// A claim that was counted, and when: it is corrected there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The claim.
    pub claim: Claim,
    /// When it was counted.
    pub at: Timestamp,
}

/// What a call can count for, of each measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    total: u64,
    input: u64,
    output: u64,
    micros: u64,
}

/// What a call really counts for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    /// Itself, if it came to anything.
    pub(super) calls: u64,
    /// Its tokens.
    pub(super) tokens: TokenCounts,
    /// What was charged, in millionths of a credit.
    pub(super) micros: u64,
}

impl Wanted {
    /// The most of each measure that any of these can count for: a call is claimed once, whichever
    /// of them answers it.
    pub(super) fn by<'a, A: 'a>(candidates: impl IntoIterator<Item = &'a Candidate<A>>) -> Self {
        let mut most = Self::default();
        for Candidate { estimate, worst, .. } in candidates {
            most.total = most.total.max(estimate.likely_total());
            most.input = most.input.max(estimate.likely_input);
            most.output = most.output.max(estimate.most.output);
            most.micros = most.micros.max(u64::try_from(worst.micros()).unwrap_or_default());
        }
        most
    }

    const fn of(&self, measure: Measure) -> u64 {
        match measure {
            Measure::Requests => 1,
            Measure::Tokens => self.total,
            Measure::InputTokens => self.input,
            Measure::OutputTokens => self.output,
            Measure::MicroCredits => self.micros,
        }
    }
}

impl Used {
    fn of(&self, measure: Measure) -> u64 {
        match measure {
            Measure::Requests => self.calls,
            Measure::Tokens => self.tokens.total().unwrap_or(u64::MAX),
            Measure::InputTokens => self.tokens.total_input(),
            Measure::OutputTokens => self.tokens.total_output(),
            Measure::MicroCredits => self.micros,
        }
    }
}

impl Limits {
    /// Limits that hold, or that are lifted for a load test.
    pub(super) const fn new(base: Base, counting: Counting, hold: bool) -> Self {
        Self { base, counting, hold }
    }

    /// Whether they hold.
    pub(super) const fn hold(&self) -> bool {
        self.hold
    }

    /// What a call wants of each rule of its plan, and of each that operators set and that applies.
    pub(super) fn claims(
        &self,
        plan: &Plan,
        call: &CallFacts<'_>,
        wanted: Wanted,
    ) -> Result<Vec<Claim>, ChatError> {
        if !self.hold {
            return Ok(Vec::new());
        }
        let rules = self.counting.book.rules().ok_or(ChatError::Closed)?;
        let set = rules.iter().filter_map(|rule| rule.applies_to(call));
        let all = rules_of(call.workspace, plan).into_iter().chain(set);
        Ok(all.map(|rule| Claim { rule, amount: wanted.of(rule.measure) }).collect())
    }

    /// What a question about a call wants of each rule: it is a request, and has no tokens.
    pub(super) fn claims_without_tokens(
        &self,
        plan: &Plan,
        call: &CallFacts<'_>,
    ) -> Result<Vec<Claim>, ChatError> {
        let mut claims = self.claims(plan, call, Wanted::default())?;
        claims.retain(|claim| claim.rule.measure == Measure::Requests);
        Ok(claims)
    }

    /// Where the rules of these claims stand. Nothing is counted.
    pub(super) async fn standings(
        &self,
        claims: &[Claim],
        now: Timestamp,
    ) -> Result<Vec<Standing>, ChatError> {
        let rules: Vec<_> = claims.iter().map(|claim| claim.rule).collect();
        Ok(self.counting.limiter.standings(&rules, now).await?)
    }

    /// Counts a call, unless a limit is in its way: then that is written down.
    pub(super) async fn claim(
        &self,
        claims: &[Claim],
        call: &CallFacts<'_>,
        now: Timestamp,
    ) -> Result<Vec<Standing>, ChatError> {
        let outcome = self.count(claims, now).await;
        if let Err(error) = &outcome {
            self.note(error, call, now);
        }
        outcome
    }

    /// Writes down that nobody else could be asked because of a limit.
    pub(super) fn note_end<A>(&self, admission: &Admission<A>, error: &ChatError) {
        self.note(error, &facts(admission, &admission.candidate), self.base.now());
    }

    fn note(&self, error: &ChatError, call: &CallFacts<'_>, now: Timestamp) {
        if let ChatError::Limited { refusal } = error {
            let rule = &refusal.standing.rule;
            self.counting.violations.note(call, rule.name(), rule.subject.scope(), now);
        }
    }

    /// Writes down that a quota was in the way of a call.
    pub(super) fn note_quota(&self, call: &CallFacts<'_>, now: Timestamp) {
        self.counting.violations.note(call, "requests_per_month".to_owned(), "workspace", now);
    }

    /// Counts a call that goes to another model by the rules of that one, and gives back what the
    /// one before counted for. A limit that is in the way leaves everything as it was.
    pub(super) async fn follow<A>(
        &self,
        admission: &mut Admission<A>,
        candidate: &Candidate<A>,
    ) -> Result<(), ChatError> {
        if !self.hold || admission.fallbacks.is_empty() {
            return Ok(());
        }
        let now = self.base.now();
        let all = std::iter::once(&admission.candidate).chain(&admission.fallbacks);
        let wanted = Wanted::by(all);
        let plan = Arc::clone(&admission.plan);
        let claims = self.claims(&plan, &facts(admission, candidate), wanted)?;
        let counted = |claim: &Claim| claim.rule.counted();
        let is_known = |claim: &Claim| {
            admission.claims.iter().any(|known| counted(&known.claim) == counted(claim))
        };
        let new: Vec<Claim> = claims.iter().filter(|claim| !is_known(claim)).copied().collect();
        let standings = self.count(&new, now).await?;
        let stays = |claim: &Claim| claims.iter().any(|next| counted(next) == counted(claim));
        let (kept, left): (Vec<_>, Vec<_>) =
            admission.claims.iter().copied().partition(|claimed| stays(&claimed.claim));
        admission.claims = kept;
        admission.claims.extend(new.into_iter().map(|claim| Claimed { claim, at: now }));
        admission
            .standings
            .retain(|standing| claims.iter().any(|c| c.rule.counted() == standing.rule.counted()));
        admission.standings.extend(standings);
        self.correct_all(&left, Used::default()).await;
        Ok(())
    }

    /// Tells the limiter what a call really used; failing that costs the caller nothing.
    pub(super) async fn correct<A>(&self, admission: &Admission<A>, used: Used) {
        self.correct_all(&admission.claims, used).await;
    }

    /// A call that came to nothing counts nowhere.
    pub(super) async fn uncount<A>(&self, admission: &Admission<A>) {
        self.correct(admission, Used::default()).await;
    }

    /// The same, of claims that no call was admitted for.
    pub(super) async fn correct_all(&self, claims: &[Claimed], used: Used) {
        let now = self.base.now();
        for Claimed { claim, at } in claims {
            let used = used.of(claim.rule.measure);
            if used == claim.amount {
                continue;
            }
            if let Err(error) = self.counting.limiter.correct(*claim, *at, used, now).await {
                tracing::warn!(%error, "a limit could not be corrected");
            }
        }
    }

    async fn count(&self, claims: &[Claim], now: Timestamp) -> Result<Vec<Standing>, ChatError> {
        if claims.is_empty() {
            return Ok(Vec::new());
        }
        match self.counting.limiter.admit(claims, now).await? {
            Decision::Admitted(standings) => Ok(standings),
            Decision::Refused(refusal) => Err(ChatError::Limited { refusal: Box::new(refusal) }),
        }
    }
}

/// What rules know of a call to this candidate.
fn facts<'a, A>(admission: &'a Admission<A>, candidate: &'a Candidate<A>) -> CallFacts<'a> {
    CallFacts {
        workspace: admission.call.workspace,
        user: admission.call.user,
        key: Some(admission.call.key),
        plan: &admission.plan.code,
        target: Some((&candidate.model, candidate.provider)),
    }
}

/// The rules of a plan.
pub(super) fn rules_of(workspace: WorkspaceId, plan: &Plan) -> [Rule; 3] {
    let limits = &plan.limits;
    let subject = Subject::Workspace(workspace);
    let rule =
        |measure, window, limit| Rule { id: None, name: None, subject, measure, window, limit };
    [
        rule(Measure::Requests, Window::Minute, limits.requests_per_minute),
        rule(Measure::Requests, Window::Hour, limits.requests_per_hour),
        rule(Measure::Tokens, Window::Hour, limits.tokens_per_hour),
    ]
}
