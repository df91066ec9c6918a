//! The one gate before every provider: nothing is called that was not admitted here.
//!
//! Plan and model, price, estimate, limits, and then in one unit of work the quota, the hold
//! and the record of the call. A call that is refused counts nowhere.
use std::{collections::BTreeMap, sync::Arc};

use cape_domain::{
    access::{Actor, KeyRules, Permit, Principal, UseAi},
    billing::{BasisPoints, Credits, Hold, Plan},
    ids::{ApiKeyId, CallId, ProcessId, UserId},
    time::Timestamp,
    usage::{
        Call, CallState, ChatProvider, ChatRequest, Claim, Estimate, Limiter, Metered, Model,
        Price, PriceBook, PricedVersion, Provider, QuotaPeriod, Standing, TokenCounts, estimate,
    },
};
use chrono::TimeDelta;

use super::{ChatError, Entitlements, limits::Limits, reservation::Reserver};
use crate::{
    Base,
    access::{ControlFeed, KeyRing},
    retry::retry,
};

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
    /// The most that may be spent with its key, in all.
    pub key_cap: Option<Credits>,
}

/// Admits calls.
pub struct Gate {
    base: Base,
    feed: Arc<ControlFeed>,
    keys: Arc<KeyRing>,
    entitlements: Arc<Entitlements>,
    book: Arc<PriceBook>,
    providers: BTreeMap<Provider, Arc<dyn ChatProvider>>,
    limits: Limits,
    reserver: Reserver,
    rules: UsageRules,
}

impl Gate {
    /// A gate before these providers.
    #[expect(clippy::too_many_arguments, reason = "it is where everything comes together")]
    #[must_use]
    pub fn new(
        base: Base,
        feed: Arc<ControlFeed>,
        keys: Arc<KeyRing>,
        entitlements: Arc<Entitlements>,
        book: Arc<PriceBook>,
        providers: BTreeMap<Provider, Arc<dyn ChatProvider>>,
        limiter: Arc<dyn Limiter>,
        process: ProcessId,
        rules: UsageRules,
    ) -> Self {
        let limits = Limits::new(base.clone(), limiter, rules.limited);
        let reserver = Reserver::new(base.clone(), process, rules.longest_call);
        Self { base, feed, keys, entitlements, book, providers, limits, reserver, rules }
    }

    /// What calls count for at the limiter.
    pub(super) const fn limits(&self) -> &Limits {
        &self.limits
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
        let rules = self.key_rules(key).await?;
        if !rules.allows_model(&model.id) {
            return Err(ChatError::ModelNotForKey(new.chat.model));
        }
        let chat = self.bound(model, &new)?;
        provider.check(&chat)?;
        let estimate = estimate(&chat);
        if estimate.likely_total() > model.context_window {
            return Err(ChatError::TooLong { window: model.context_window });
        }
        let call = self.record(actor, (key, owner), &new, model, version, &estimate, now)?;
        let claims = self.limits.claims(actor.workspace, &plan, &estimate);
        let standings = self.limits.claim(&claims, now).await?;
        let draft = Admission {
            call,
            hold: None,
            chat,
            provider,
            price: version.price,
            estimate,
            claims,
            standings,
            quota: self.limits.hold().then(|| QuotaPeriod::month_of(now)),
            key_cap: rules.spending_cap,
        };
        match retry!(self.reserver.reserve(permit, &plan, &draft)) {
            Ok(hold) => {
                let call = Call { hold: hold.as_ref().map(|hold| hold.id), ..draft.call };
                Ok(Admission { call, hold, ..draft })
            }
            Err(refused) => {
                self.limits.uncount(&draft).await;
                Err(refused)
            }
        }
    }

    /// What the key may do. One that was taken back since the caller was recognised closes here.
    async fn key_rules(&self, key: ApiKeyId) -> Result<KeyRules, ChatError> {
        let key = self.keys.find(key).await?.ok_or(ChatError::Closed)?;
        Ok(key.rules.clone())
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
        let so_far = Metered::of(&version.price, self.rules.markup, tokens, true);
        let so_far = so_far.map_err(|_| ChatError::TooLarge)?;
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
}
