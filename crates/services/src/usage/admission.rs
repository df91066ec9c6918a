//! The one gate before every provider: nothing is called that was not admitted here.
//!
//! Plan and model, price, estimate, limits, and then in one unit of work the quota, the hold
//! and the record of the call. A call that is refused counts nowhere.
use std::{collections::BTreeMap, sync::Arc};

use cape_domain::{
    access::{Actor, Permit, Principal, UseAi},
    billing::{
        self, Allocation, BasisPoints, Credits, Hold, HoldState, InvalidTransaction, NotEnough,
        Plan, Posted, allocate,
    },
    ids::{ApiKeyId, CallId, HoldId, ProcessId, TransactionId, UserId},
    store::{BoxError, Durability, StoreError, UnitOfWork},
    time::Timestamp,
    usage::{
        Call, CallState, ChatProvider, ChatRequest, Claim, Decision, Estimate, Limiter, Measure,
        Metered, Model, Price, PriceBook, PricedVersion, Provider, Quota, QuotaPeriod, Rule,
        Standing, TokenCounts, Window, charge, estimate,
    },
};
use chrono::TimeDelta;

use super::{ChatError, Entitlements};
use crate::{Base, access::ControlFeed, retry::retry};

/// How calls are priced and bounded.
#[derive(Clone, Copy, Debug)]
pub struct UsageRules {
    /// What is added to a call's cost.
    pub markup: BasisPoints,
    /// The most tokens that come out where the caller set no bound.
    pub default_output: u64,
    /// Whether limits and quotas hold. They are lifted for load tests alone.
    pub limited: bool,
    /// How long a call may take until its hold is swept.
    pub longest_call: TimeDelta,
}

/// A call that somebody wants to make.
#[derive(Clone, Debug)]
pub struct NewCall {
    /// What to ask. The model is the name the caller used; the bound on the output is set here.
    pub chat: ChatRequest,
    /// The most tokens that may come out, if the caller set a bound.
    pub max_output_tokens: Option<u64>,
    /// Whether the answer is to come in pieces.
    pub streamed: bool,
}

/// A call that may be made, once.
pub struct Admission {
    /// The record of the call, running.
    pub call: Call,
    /// The hold that covers it.
    pub hold: Option<Hold>,
    /// What to ask the provider.
    pub chat: ChatRequest,
    /// Whom to ask.
    pub provider: Arc<dyn ChatProvider>,
    /// By what it is priced.
    pub price: Price,
    /// How large it can become.
    pub estimate: Estimate,
    /// What it counts for at the limiter.
    pub claims: Vec<Claim>,
    /// Where the limits stand.
    pub standings: Vec<Standing>,
    /// The period whose quota it counts in. None, where quotas are lifted.
    pub quota: Option<QuotaPeriod>,
}

/// Admits calls.
pub struct Gate {
    base: Base,
    feed: Arc<ControlFeed>,
    entitlements: Arc<Entitlements>,
    book: Arc<PriceBook>,
    providers: BTreeMap<Provider, Arc<dyn ChatProvider>>,
    limiter: Arc<dyn Limiter>,
    process: ProcessId,
    rules: UsageRules,
}

impl Gate {
    /// A gate before these providers.
    #[expect(clippy::too_many_arguments, reason = "it is where everything comes together")]
    #[must_use]
    pub fn new(
        base: Base,
        feed: Arc<ControlFeed>,
        entitlements: Arc<Entitlements>,
        book: Arc<PriceBook>,
        providers: BTreeMap<Provider, Arc<dyn ChatProvider>>,
        limiter: Arc<dyn Limiter>,
        process: ProcessId,
        rules: UsageRules,
    ) -> Self {
        Self { base, feed, entitlements, book, providers, limiter, process, rules }
    }

    /// Admits a call, or says why not.
    ///
    /// # Errors
    ///
    /// See [`ChatError`].
    pub async fn admit(
        &self,
        permit: &Permit<UseAi>,
        new: NewCall,
    ) -> Result<Admission, ChatError> {
        if !self.feed.is_fresh() {
            return Err(ChatError::Closed);
        }
        let actor = permit.actor();
        let Principal::ApiKey { id: key, owner } = actor.principal else {
            return Err(ChatError::NotAProgram);
        };
        let now = self.base.now();
        let plan = self.entitlements.plan(actor.workspace).await?;
        let (model, version, provider) = self.find(&plan, &new.chat.model, now)?;
        let chat = self.bound(model, &new)?;
        provider.check(&chat)?;
        let estimate = estimate(&chat);
        if estimate.likely_total() > model.context_window {
            return Err(ChatError::TooLong { window: model.context_window });
        }
        let call = self.record(actor, (key, owner), &new, model, version, &estimate, now)?;
        let claims = self.claims(actor, &plan, &estimate);
        let standings = self.claim(&claims, now).await?;
        let draft = Admission {
            call,
            hold: None,
            chat,
            provider,
            price: version.price,
            estimate,
            claims,
            standings,
            quota: self.rules.limited.then(|| QuotaPeriod::month_of(now)),
        };
        match retry!(self.reserve(permit, &plan, &draft)) {
            Ok(hold) => {
                let call = Call { hold: hold.as_ref().map(|hold| hold.id), ..draft.call };
                Ok(Admission { call, hold, ..draft })
            }
            Err(refused) => {
                self.uncount(&draft).await;
                Err(refused)
            }
        }
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

    fn find(
        &self,
        plan: &Plan,
        name: &str,
        now: Timestamp,
    ) -> Result<(&Model, &PricedVersion, Arc<dyn ChatProvider>), ChatError> {
        let unknown = || ChatError::UnknownModel(name.to_owned());
        let model = self.book.find(name).ok_or_else(unknown)?;
        if !plan.allows(model.class) {
            let (model, plan) = (name.to_owned(), plan.code.clone());
            return Err(ChatError::ModelNotInPlan { model, plan });
        }
        let price = model.price_at(now);
        let price = price.ok_or_else(|| ChatError::UnknownPrice(name.to_owned()))?;
        let provider = self.providers.get(&model.provider);
        let provider = provider.ok_or(ChatError::Disabled(model.provider))?;
        Ok((model, price, Arc::clone(provider)))
    }

    /// What to ask the provider: under its own name, and never without a bound.
    fn bound(&self, model: &Model, new: &NewCall) -> Result<ChatRequest, ChatError> {
        let most = model.output_cap;
        let asked = new.max_output_tokens.unwrap_or(self.rules.default_output.min(most));
        if asked == 0 || asked > most {
            return Err(ChatError::OutputOutOfRange { most });
        }
        Ok(ChatRequest {
            model: model.upstream.clone(),
            max_output_tokens: asked,
            ..new.chat.clone()
        })
    }

    #[expect(clippy::too_many_arguments, reason = "a record is all of these facts")]
    fn record(
        &self,
        actor: &Actor,
        (key, user): (ApiKeyId, UserId),
        new: &NewCall,
        model: &Model,
        version: &PricedVersion,
        estimate: &Estimate,
        now: Timestamp,
    ) -> Result<Call, ChatError> {
        let tokens = TokenCounts { input: estimate.likely_input, ..TokenCounts::default() };
        let so_far = self.meter(&version.price, tokens, true)?;
        Ok(Call {
            id: CallId::next(&*self.base.ids),
            workspace: actor.workspace,
            key,
            user,
            request: actor.request,
            model_asked: new.chat.model.clone(),
            model: model.id.clone(),
            provider: model.provider,
            streamed: new.streamed,
            price_version: version.version.clone(),
            markup: self.rules.markup,
            hold: None,
            started_at: now,
            state: CallState::Running { so_far },
        })
    }

    /// What tokens cost us and the caller.
    pub(super) fn meter(
        &self,
        price: &Price,
        tokens: TokenCounts,
        estimated: bool,
    ) -> Result<Metered, ChatError> {
        let cost = price.cost(&tokens).map_err(|_| ChatError::TooLarge)?;
        let charge = charge(cost, self.rules.markup).map_err(|_| ChatError::TooLarge)?;
        Ok(Metered { tokens, cost, charge, estimated })
    }

    fn claims(&self, actor: &Actor, plan: &Plan, estimate: &Estimate) -> Vec<Claim> {
        if !self.rules.limited {
            return Vec::new();
        }
        let limits = &plan.limits;
        let rules = [
            (Measure::Requests, Window::Minute, limits.requests_per_minute, 1),
            (Measure::Requests, Window::Hour, limits.requests_per_hour, 1),
            (Measure::Tokens, Window::Hour, limits.tokens_per_hour, estimate.likely_total()),
        ];
        let claim = |(measure, window, limit, amount)| Claim {
            rule: Rule { workspace: actor.workspace, measure, window, limit },
            amount,
        };
        rules.map(claim).into()
    }

    async fn claim(&self, claims: &[Claim], now: Timestamp) -> Result<Vec<Standing>, ChatError> {
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

    /// Quota, hold and record, together or not at all. Without a hold there is nothing that could
    /// be swept: such a call is recorded when it ends.
    async fn reserve(
        &self,
        permit: &Permit<UseAi>,
        plan: &Plan,
        draft: &Admission,
    ) -> Result<Option<Hold>, ChatError> {
        let workspace = draft.call.workspace;
        let mut work = self.base.store.begin(permit.scope(), Durability::Process).await?;
        let hold = self.hold(&mut *work, draft).await?;
        if let Some(period) = draft.quota {
            let limit = plan.limits.requests_per_month;
            if !work.quotas().take(workspace, period, limit).await? {
                let used = work.quotas().used(workspace, period).await?;
                let quota = Quota { workspace, period, limit, used };
                return Err(ChatError::QuotaExceeded { quota });
            }
        }
        if let Some(hold) = &hold {
            let call = Call { hold: Some(hold.id), ..draft.call.clone() };
            work.calls().insert(&call).await?;
        }
        work.commit().await?;
        Ok(hold)
    }

    /// Sets the worst case of the call aside. A model that is explicitly free needs nothing.
    async fn hold(
        &self,
        work: &mut dyn UnitOfWork,
        draft: &Admission,
    ) -> Result<Option<Hold>, ChatError> {
        let amount = self.meter(&draft.price, draft.estimate.most, true)?.charge;
        if !amount.is_positive() {
            return Ok(None);
        }
        let (workspace, now) = (draft.call.workspace, draft.call.started_at);
        let id = HoldId::next(&*self.base.ids);
        let head = (TransactionId::next(&*self.base.ids), workspace, now);
        let transaction = billing::hold(head, id, amount).map_err(corrupt::<InvalidTransaction>)?;
        let insufficient =
            |available: Credits| ChatError::InsufficientCredits { needed: amount, available };
        match work.ledger().post(&[transaction]).await? {
            Posted::Done => {}
            Posted::Short { balance } => return Err(insufficient(balance.available)),
        }
        let lots = work.ledger().grants(workspace).await?;
        let allocations = allocate(&lots, amount, now)
            .map_err(|NotEnough { spendable }| insufficient(spendable))?;
        let moves: Result<Vec<_>, _> = allocations.iter().map(Allocation::reserve).collect();
        work.ledger().move_grants(&moves.map_err(corrupt)?).await?;
        let hold = Hold {
            id,
            workspace,
            amount,
            allocations,
            process: self.process,
            created_at: now,
            deadline: now + self.rules.longest_call,
            state: HoldState::Open,
        };
        work.ledger().insert_hold(&hold).await?;
        Ok(Some(hold))
    }
}

fn corrupt<E: Into<BoxError>>(error: E) -> ChatError {
    StoreError::Corrupt { what: "hold", source: error.into() }.into()
}
