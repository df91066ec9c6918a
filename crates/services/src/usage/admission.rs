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
        Call, CallFacts, CallState, ChatProvider, ChatRequest, Claim, CredentialUsed, Metered,
        Provider, QuotaPeriod, Standing, TokenCounts,
    },
};
use chrono::TimeDelta;

use super::{
    Asked, AskedChat, Candidate, ChatError, Circuits, CredentialRing, Entitlements, LiveBook,
    Switchboard, Upstream, Watch,
    candidate::Candidates,
    limits::{Claimed, Counting, Limits, Used, Wanted},
    reservation::Reserver,
};
use crate::{
    Base, Tasks,
    access::{ControlFeed, KeyRing},
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
    /// In how many lanes, beside each other, calls are reserved and paid for. Where one writer
    /// waits for the other anyway, one is best.
    pub lanes: usize,
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
pub struct Admission<A = AskedChat> {
    /// The record of the call, running.
    pub call: Call,
    /// The hold that covers it.
    pub hold: Option<Hold>,
    /// The model that is asked.
    pub candidate: Candidate<A>,
    /// Those that may be asked instead, in this order: the hold covers each of them.
    pub fallbacks: Vec<Candidate<A>>,
    /// The bound on the output, where the credits left room for less than was wanted.
    pub shortened_to: Option<u64>,
    /// What it counts for at the limiter.
    pub claims: Vec<Claimed>,
    /// Where the limits stand.
    pub standings: Vec<Standing>,
    /// The plan that it is judged by.
    pub plan: Arc<Plan>,
    /// The period whose quota it counts in. None, where quotas are lifted.
    pub quota: Option<QuotaPeriod>,
    /// The most that may be spent with its key, in all.
    pub key_cap: Option<Credits>,
    /// What ends it when it is stopped.
    pub watch: Watch,
}

impl<A> Admission<A> {
    /// Makes the call one to this candidate.
    pub(super) fn choose(&mut self, candidate: Candidate<A>) {
        self.call.model.clone_from(&candidate.model);
        self.call.provider = candidate.provider;
        self.call.credential = candidate.credential;
        self.call.price_version.clone_from(&candidate.price_version);
        self.candidate = candidate;
    }

    /// What to hold so that the call may be sent to any of its candidates.
    pub(super) fn worst(&self) -> Credits {
        let all = std::iter::once(&self.candidate).chain(&self.fallbacks);
        all.map(|candidate| candidate.worst).max().unwrap_or(self.candidate.worst)
    }
}

impl Admission {
    /// What is left to know once the provider has taken the call: a stream may last for long, and
    /// what was asked may be large.
    pub(super) fn without_what_was_asked(mut self) -> Self {
        self.fallbacks = Vec::new();
        let request = &mut self.candidate.asked.request;
        request.messages = Vec::new();
        request.tools = Vec::new();
        self
    }
}

/// A question about a call that is not made.
pub(super) struct Question {
    /// What would be asked.
    pub(super) chat: ChatRequest,
    /// Whom to ask.
    pub(super) provider: Arc<dyn ChatProvider>,
    /// Who that is, and under whose key.
    pub(super) asked_of: (Provider, CredentialUsed),
    /// What it counts for at the limiter.
    pub(super) claims: Vec<Claimed>,
    /// Where the limits stand.
    pub(super) standings: Vec<Standing>,
}

/// Admits calls.
pub struct Gate {
    pub(super) base: Base,
    feed: Arc<ControlFeed>,
    keys: Arc<KeyRing>,
    pub(super) entitlements: Arc<Entitlements>,
    pub(super) credentials: Arc<CredentialRing>,
    switchboard: Arc<Switchboard>,
    pub(super) candidates: Candidates,
    pub(super) circuits: Arc<Circuits>,
    pub(super) limits: Limits,
    reserver: Reserver,
    pub(super) rules: UsageRules,
}

impl Gate {
    /// A gate before these providers.
    #[expect(clippy::too_many_arguments, reason = "it is where everything comes together")]
    #[must_use]
    pub fn new(
        base: Base,
        tasks: Tasks,
        feed: Arc<ControlFeed>,
        keys: Arc<KeyRing>,
        entitlements: Arc<Entitlements>,
        credentials: Arc<CredentialRing>,
        switchboard: Arc<Switchboard>,
        book: Arc<LiveBook>,
        providers: BTreeMap<Provider, Upstream>,
        circuits: Arc<Circuits>,
        counting: Counting,
        process: ProcessId,
        rules: UsageRules,
    ) -> Self {
        let limits = Limits::new(base.clone(), counting, rules.limited);
        let reserver = Reserver::new(base.clone(), tasks, process, rules.longest_call, rules.lanes);
        let candidates = Candidates::new(book, providers, switchboard.clone(), rules);
        Self {
            base,
            feed,
            keys,
            entitlements,
            credentials,
            switchboard,
            candidates,
            circuits,
            limits,
            reserver,
            rules,
        }
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
    pub async fn admit<A: Asked>(
        &self,
        permit: &Permit<UseAi>,
        wanted: A::Wanted,
    ) -> Result<Admission<A>, ChatError> {
        if !self.feed.is_fresh() {
            return Err(ChatError::Closed);
        }
        let actor = permit.actor();
        let Principal::ApiKey { id: key, owner } = actor.principal else {
            return Err(ChatError::NotAProgram);
        };
        let now = self.base.now();
        let plan = self.entitlements.plan(actor.workspace).await?;
        let rules = self.key_rules(key).await?;
        let own = self.credentials.of(actor.workspace).await?;
        let id = CallId::next(&*self.base.ids);
        let mut found: Vec<Candidate<A>> =
            self.candidates.find(&plan, &rules, &own, &wanted, draw(id), now)?;
        self.refuse_when_nobody_answers(&found, now)?;
        let (candidate, fallbacks) = (found.remove(0), found);
        let call = self.record(id, actor, (key, owner), &wanted, &candidate, now)?;
        let facts = facts_of(&call, &plan);
        let wanted = Wanted::by(std::iter::once(&candidate).chain(&fallbacks));
        let claims = self.limits.claims(&plan, &facts, wanted)?;
        let standings = self.limits.claim(&claims, &facts, now).await?;
        let claims = claimed(claims, now);
        let draft = Admission {
            call,
            hold: None,
            candidate,
            fallbacks,
            shortened_to: None,
            claims,
            standings,
            plan: Arc::clone(&plan),
            quota: self.limits.hold().then(|| QuotaPeriod::month_of(now)),
            key_cap: rules.spending_cap,
            watch: self.switchboard.watch(key, actor.workspace),
        };
        let (claims, call) = (draft.claims.clone(), draft.call.clone());
        match self.reserve(&plan, draft).await {
            Ok(admission) => Ok(admission),
            Err(refused) => {
                self.limits.correct_all(&claims, Used::default()).await;
                if let ChatError::QuotaExceeded { .. } = refused {
                    self.limits.note_quota(&facts_of(&call, &plan), now);
                }
                Err(refused)
            }
        }
    }

    /// Sets aside what the call can cost with any of its candidates; where that is too much, with
    /// the first one alone; and where that is too much, with an answer that is as long as can be
    /// paid for.
    async fn reserve<A: Asked>(
        &self,
        plan: &Plan,
        mut draft: Admission<A>,
    ) -> Result<Admission<A>, ChatError> {
        let reserved = self.reserver.reserve(plan, &draft).await;
        let available = match reserved {
            Ok(hold) => return Ok(admitted(draft, hold)),
            Err(refused) => refused.left().ok_or(refused)?,
        };
        draft.fallbacks.clear();
        if available < draft.candidate.worst {
            let shorter = draft.candidate.shortened_to(available, draft.call.markup);
            // One that cannot be shortened is refused again, for what it needs by itself.
            if let Some((shorter, bound)) = shorter {
                draft.shortened_to = Some(bound);
                draft.candidate = shorter;
            }
        }
        let hold = self.reserver.reserve(plan, &draft).await?;
        Ok(admitted(draft, hold))
    }

    /// Nothing is held for a call that nobody would be asked for.
    fn refuse_when_nobody_answers<A>(
        &self,
        candidates: &[Candidate<A>],
        now: Timestamp,
    ) -> Result<(), ChatError> {
        let mut soonest = None::<Timestamp>;
        for candidate in candidates {
            match self.circuits.look(candidate, now) {
                Ok(()) => return Ok(()),
                Err(until) => soonest = Some(soonest.map_or(until, |soonest| soonest.min(until))),
            }
        }
        Err(ChatError::not_answering(soonest.unwrap_or(now), now))
    }

    /// Lets somebody ask about a call that it could make, or says why not. Nothing is held for
    /// that, and nothing recorded; it counts as a request.
    ///
    /// # Errors
    ///
    /// See [`ChatError`].
    pub(super) async fn admit_question(
        &self,
        permit: &Permit<UseAi>,
        chat: ChatRequest,
    ) -> Result<Question, ChatError> {
        if !self.feed.is_fresh() {
            return Err(ChatError::Closed);
        }
        let actor = permit.actor();
        let Principal::ApiKey { id: key, owner } = actor.principal else {
            return Err(ChatError::NotAProgram);
        };
        let asked_at = self.base.now();
        let plan = self.entitlements.plan(actor.workspace).await?;
        let rules = self.key_rules(key).await?;
        // Who thinks needs room for it, and for a word more.
        let room = chat.reasoning.budget.filter(|budget| *budget > 0);
        let max_output_tokens = room.map(|budget| budget.saturating_add(1));
        let new = NewCall { chat, max_output_tokens, streamed: false };
        let own = self.credentials.of(actor.workspace).await?;
        let mut found: Vec<Candidate> =
            self.candidates.find(&plan, &rules, &own, &new, 0, asked_at)?;
        let candidate = found.remove(0);
        let asked_of = (candidate.provider, candidate.credential);
        let facts = CallFacts {
            workspace: actor.workspace,
            user: owner,
            key: Some(key),
            plan: &plan.code,
            target: Some((&candidate.model, candidate.provider)),
        };
        let claims = self.limits.claims_without_tokens(&plan, &facts)?;
        let standings = self.limits.claim(&claims, &facts, asked_at).await?;
        let claims = claimed(claims, asked_at);
        let AskedChat { request: chat, port: provider } = candidate.asked;
        Ok(Question { chat, provider, asked_of, claims, standings })
    }

    /// What the key may do, unless it or its workspace is stopped. One that was taken back since
    /// the caller was recognised closes here.
    pub(super) async fn key_rules(&self, key: ApiKeyId) -> Result<KeyRules, ChatError> {
        let key = self.keys.find(key).await?.ok_or(ChatError::Closed)?;
        self.switchboard.admit_caller(key.id, key.workspace)?;
        Ok(key.rules.clone())
    }

    fn record<A: Asked>(
        &self,
        id: CallId,
        actor: &Actor,
        (key, user): (ApiKeyId, UserId),
        wanted: &A::Wanted,
        candidate: &Candidate<A>,
        now: Timestamp,
    ) -> Result<Call, ChatError> {
        let input = candidate.estimate.likely_input;
        let tokens = TokenCounts { input, ..TokenCounts::default() };
        let Candidate { price, credential, .. } = candidate;
        let so_far = Metered::of(price, self.rules.markup, *credential, tokens, true);
        let so_far = so_far.map_err(|_| ChatError::TooLarge)?;
        Ok(Call {
            id,
            workspace: actor.workspace,
            key,
            user,
            request: actor.request,
            model_asked: A::name(wanted).to_owned(),
            model: candidate.model.clone(),
            provider: candidate.provider,
            credential: candidate.credential,
            streamed: A::is_streamed(wanted),
            price_version: candidate.price_version.clone(),
            markup: self.rules.markup,
            hold: None,
            started_at: now,
            state: CallState::Running { so_far },
        })
    }
}

fn admitted<A>(draft: Admission<A>, hold: Option<Hold>) -> Admission<A> {
    let call = Call { hold: hold.as_ref().map(|hold| hold.id), ..draft.call };
    Admission { call, hold, ..draft }
}

/// What rules know of a call.
fn facts_of<'a>(call: &'a Call, plan: &'a Plan) -> CallFacts<'a> {
    CallFacts {
        workspace: call.workspace,
        user: call.user,
        key: Some(call.key),
        plan: &plan.code,
        target: Some((&call.model, call.provider)),
    }
}

fn claimed(claims: Vec<Claim>, at: Timestamp) -> Vec<Claimed> {
    claims.into_iter().map(|claim| Claimed { claim, at }).collect()
}

/// What decides between models that share calls: the random half of an id.
fn draw(id: CallId) -> u64 {
    id.raw().as_u64_pair().1
}
