//! What would become of a call, if it were made. Nothing is held, counted, recorded or asked.
use cape_domain::{
    access::{KeyRules, Permit, Principal, UseAi},
    billing::{Credits, NotEnough, Plan, allocate},
    store::{ReadWork, StoreError},
    time::Timestamp,
    usage::{CallFacts, CredentialUsed, Quota, QuotaPeriod, Standing},
};

use super::{Asked, Candidate, ChatError, Gate, limits::Wanted};

/// What would become of a call.
#[derive(Debug)]
pub struct Explanation {
    /// The plan that it is judged by.
    pub plan: String,
    /// The models that it would try, in their order, and why some are out of reach.
    pub models: Vec<Considered>,
    /// What else is looked at. Empty, when no model is in reach.
    pub checks: Vec<Check>,
    /// The bound on the output, where the credits leave room for less than is wanted.
    pub shortened_to: Option<u64>,
}

/// A model that was considered.
#[derive(Debug)]
pub struct Considered {
    /// Its id; the name that was asked for, when there is no such model.
    pub model: String,
    /// How large the call would be.
    pub outcome: Result<Forecast, ChatError>,
}

/// How large a call would be.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// Who runs the model.
    pub provider: String,
    /// Under whose key it would be asked.
    pub credential: CredentialUsed,
    /// The version of the price.
    pub price_version: String,
    /// The input that is likely, in tokens.
    pub likely_input: u64,
    /// The most that can come out, in tokens, over all answers.
    pub most_output: u64,
    /// What would be held: the charge in the worst case.
    pub worst: Credits,
    /// When the model is asked again, if it does not answer at present.
    pub not_before: Option<Timestamp>,
}

/// One of the things that can stand in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What it is called in refusals.
    pub rule: String,
    /// Whether it lets the call pass.
    pub passed: bool,
    /// What there is, what is used, and what the call wants.
    pub amounts: Amounts,
    /// When the amount that is used is less again, if by itself.
    pub resets_at: Option<Timestamp>,
    /// What would let the call pass.
    pub change: Option<Change>,
}

/// What there is, what is used, and what is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amounts {
    /// Calls, or tokens.
    Count {
        /// What there is.
        limit: u64,
        /// What is used.
        used: u64,
        /// What the call wants.
        wanted: u64,
    },
    /// Credits.
    Credits {
        /// What may be spent.
        limit: Credits,
        /// What is spent or held of it.
        used: Credits,
        /// What the call wants.
        wanted: Credits,
    },
}

/// What would let a call pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// To wait.
    Wait(Timestamp),
    /// A plan with a higher limit.
    Plan,
    /// So many more credits.
    Credits(Credits),
    /// A key that may spend so much more.
    KeyCap(Credits),
}

impl Explanation {
    /// Whether the call would be admitted.
    #[must_use]
    pub fn is_admitted(&self) -> bool {
        let answers = |model: &Considered| {
            model.outcome.as_ref().is_ok_and(|forecast| forecast.not_before.is_none())
        };
        self.models.iter().any(answers) && self.checks.iter().all(|check| check.passed)
    }
}

impl Gate {
    /// What would become of a call, if it were made now.
    ///
    /// # Errors
    ///
    /// [`ChatError`], when it cannot be found out.
    pub(super) async fn explain<A: Asked>(
        &self,
        permit: &Permit<UseAi>,
        wanted: &A::Wanted,
    ) -> Result<Explanation, ChatError> {
        let actor = permit.actor();
        let Principal::ApiKey { id: key, owner } = actor.principal else {
            return Err(ChatError::NotAProgram);
        };
        let now = self.base.now();
        let plan = self.entitlements.plan(actor.workspace).await?;
        let rules = self.key_rules(key).await?;
        let own = self.credentials.of(actor.workspace).await?;
        let considered: Vec<(String, Result<Candidate<A>, ChatError>)> =
            self.candidates.consider(&plan, &rules, &own, wanted, 0, now);
        let reached = || considered.iter().filter_map(|(_, outcome)| outcome.as_ref().ok());
        let (first, most) = (reached().next().cloned(), Wanted::by(reached()));
        let models = considered.into_iter().map(|(model, outcome)| Considered {
            model,
            outcome: outcome.map(|candidate| self.forecast(&candidate, now)),
        });
        let mut explained = Explanation {
            plan: plan.code.to_string(),
            models: models.collect(),
            checks: Vec::new(),
            shortened_to: None,
        };
        let Some(first) = first else { return Ok(explained) };
        if self.limits.hold() {
            let facts = CallFacts {
                workspace: actor.workspace,
                user: owner,
                key: Some(key),
                plan: &plan.code,
                target: Some((&first.model, first.provider)),
            };
            let claims = self.limits.claims(&plan, &facts, most)?;
            let standings = self.limits.standings(&claims, now).await?;
            let wanted = claims.iter().map(|claim| claim.amount);
            explained.checks.extend(standings.iter().zip(wanted).map(|(s, w)| limit(s, w, now)));
        }
        let mut work = self.base.store.read(permit.scope()).await?;
        if self.limits.hold() {
            explained.checks.push(quota(&mut *work, permit, &plan, now).await?);
        }
        let credits = credits(&mut *work, permit, &first, now).await?;
        let cap = key_cap(&mut *work, permit, &rules, &first).await?;
        let money = [Some(credits), cap].into_iter().flatten();
        explained.take_money(money.collect(), &first, self.rules.markup);
        Ok(explained)
    }

    fn forecast<A>(&self, candidate: &Candidate<A>, now: Timestamp) -> Forecast {
        Forecast {
            provider: candidate.provider.to_string(),
            credential: candidate.credential,
            price_version: candidate.price_version.clone(),
            likely_input: candidate.estimate.likely_input,
            most_output: candidate.estimate.most.output,
            worst: candidate.worst,
            not_before: self.circuits.look(candidate, now).err(),
        }
    }
}

impl Explanation {
    /// A call that is too dear is shortened, as it is when it is made.
    fn take_money<A: Asked>(
        &mut self,
        mut checks: Vec<Check>,
        first: &Candidate<A>,
        markup: cape_domain::billing::BasisPoints,
    ) {
        let left = |check: &Check| match check.amounts {
            Amounts::Credits { limit, used, .. } => limit.minus(used).ok(),
            Amounts::Count { .. } => None,
        };
        let refused = checks.iter().filter(|check| !check.passed);
        if let Some(left) = refused.filter_map(left).min()
            && let Some((shorter, bound)) = first.shortened_to(left, markup)
        {
            self.shortened_to = Some(bound);
            for check in &mut checks {
                if let Amounts::Credits { wanted, .. } = &mut check.amounts {
                    *wanted = shorter.worst;
                }
                (check.passed, check.change) = (true, None);
            }
        }
        self.checks.extend(checks);
    }
}

fn limit(standing: &Standing, wanted: u64, now: Timestamp) -> Check {
    let Standing { rule, used, reset } = *standing;
    let passed = used.saturating_add(wanted) <= rule.limit;
    let resets_at = chrono::TimeDelta::from_std(reset).ok().map(|reset| now + reset);
    let wait = if wanted > rule.limit { None } else { resets_at.map(Change::Wait) };
    Check {
        rule: rule.name(),
        passed,
        amounts: Amounts::Count { limit: rule.limit, used, wanted },
        resets_at,
        change: (!passed).then(|| wait.unwrap_or(Change::Plan)),
    }
}

async fn quota(
    work: &mut dyn ReadWork,
    permit: &Permit<UseAi>,
    plan: &Plan,
    now: Timestamp,
) -> Result<Check, StoreError> {
    let (workspace, period) = (permit.actor().workspace, QuotaPeriod::month_of(now));
    let used = work.quotas().used(workspace, period).await?;
    let quota = Quota { workspace, period, limit: plan.limits.requests_per_month, used };
    let passed = quota.remaining() > 0;
    Ok(Check {
        rule: "requests_per_month".to_owned(),
        passed,
        amounts: Amounts::Count { limit: quota.limit, used, wanted: 1 },
        resets_at: Some(period.end),
        change: (!passed).then_some(Change::Plan),
    })
}

async fn credits<A: Sync>(
    work: &mut dyn ReadWork,
    permit: &Permit<UseAi>,
    first: &Candidate<A>,
    now: Timestamp,
) -> Result<Check, ChatError> {
    let workspace = permit.actor().workspace;
    let balance = work.ledger().balance(workspace).await?;
    let lots = work.ledger().grants(workspace).await?;
    let spendable = match allocate(&lots, first.worst, now) {
        Ok(_) => balance.available,
        Err(NotEnough { spendable }) => spendable.min(balance.available),
    };
    let short = first.worst.minus(spendable).map_err(|_| ChatError::TooLarge)?;
    let passed = !short.is_positive();
    Ok(Check {
        rule: "credits".to_owned(),
        passed,
        amounts: Amounts::Credits { limit: spendable, used: Credits::ZERO, wanted: first.worst },
        resets_at: None,
        change: (!passed).then_some(Change::Credits(short)),
    })
}

async fn key_cap<A: Sync>(
    work: &mut dyn ReadWork,
    permit: &Permit<UseAi>,
    rules: &KeyRules,
    first: &Candidate<A>,
) -> Result<Option<Check>, ChatError> {
    let Principal::ApiKey { id, .. } = permit.actor().principal else { return Ok(None) };
    let Some(limit) = rules.spending_cap else { return Ok(None) };
    let used = work.key_spending().spent(id).await?;
    let wanted = first.worst;
    let total = used.plus(wanted).map_err(|_| ChatError::TooLarge)?;
    let over = total.minus(limit).map_err(|_| ChatError::TooLarge)?;
    let passed = !over.is_positive();
    Ok(Some(Check {
        rule: "key_spending_cap".to_owned(),
        passed,
        amounts: Amounts::Credits { limit, used, wanted },
        resets_at: None,
        change: (!passed).then_some(Change::KeyCap(over)),
    }))
}
