//! The models that one call may try, each with what it can cost.
use std::{collections::BTreeMap, sync::Arc};

use cape_domain::{
    access::KeyRules,
    billing::{BasisPoints, Credits, Plan},
    time::Timestamp,
    usage::{CredentialUsed, Estimate, Metered, Model, Price, PricedVersion, Provider},
};

use super::{
    Asked, AskedChat, ChatError, LiveBook, OwnUpstreams, Switchboard, Upstream, UsageRules,
};

/// A model that a call may be sent to.
#[derive(Clone)]
pub struct Candidate<A = AskedChat> {
    /// The id of the model.
    pub model: String,
    /// Who runs it.
    pub provider: Provider,
    /// Under whose key: the workspace's own, where it has one there.
    pub credential: CredentialUsed,
    /// What to ask, and whom.
    pub asked: A,
    /// The version of the price.
    pub price_version: String,
    /// By what it is priced.
    pub price: Price,
    /// How large the call can become.
    pub estimate: Estimate,
    /// What is charged in the worst case.
    pub worst: Credits,
}

/// Finds candidates.
pub(super) struct Candidates {
    book: Arc<LiveBook>,
    providers: BTreeMap<Provider, Upstream>,
    switchboard: Arc<Switchboard>,
    rules: UsageRules,
}

impl Candidates {
    /// Models of this book that these providers run.
    pub(super) const fn new(
        book: Arc<LiveBook>,
        providers: BTreeMap<Provider, Upstream>,
        switchboard: Arc<Switchboard>,
        rules: UsageRules,
    ) -> Self {
        Self { book, providers, switchboard, rules }
    }

    /// The models that a call may try, in their order; one at least. Those that a plan, a key, a
    /// provider or a format keeps out, or that are stopped, are passed over.
    ///
    /// # Errors
    ///
    /// [`ChatError`]: why the first one is out of reach, when all are.
    pub(super) fn find<A: Asked>(
        &self,
        plan: &Plan,
        key: &KeyRules,
        own: &OwnUpstreams,
        wanted: &A::Wanted,
        draw: u64,
        now: Timestamp,
    ) -> Result<Vec<Candidate<A>>, ChatError> {
        let considered = self.consider(plan, key, own, wanted, draw, now);
        let mut found = Vec::with_capacity(considered.len());
        let mut refused = None;
        for (_, outcome) in considered {
            match outcome {
                Ok(candidate) => found.push(candidate),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        match refused {
            Some(refused) if found.is_empty() => Err(refused),
            Some(_) | None => Ok(found),
        }
    }

    /// Every model that the name stands for, by its id, and why some are out of reach. Never
    /// empty: where there is no such model, that is why.
    pub(super) fn consider<A: Asked>(
        &self,
        plan: &Plan,
        key: &KeyRules,
        own: &OwnUpstreams,
        wanted: &A::Wanted,
        draw: u64,
        now: Timestamp,
    ) -> Vec<(String, Result<Candidate<A>, ChatError>)> {
        let name = A::name(wanted);
        let book = self.book.current();
        let models = book.candidates(name, draw);
        if models.is_empty() {
            return vec![(name.to_owned(), Err(ChatError::UnknownModel(name.to_owned())))];
        }
        let consider = |model: &Model| {
            (model.id.clone(), self.candidate((plan, key, own), model, wanted, now))
        };
        models.into_iter().map(consider).collect()
    }

    fn candidate<A: Asked>(
        &self,
        (plan, key, own): (&Plan, &KeyRules, &OwnUpstreams),
        model: &Model,
        wanted: &A::Wanted,
        now: Timestamp,
    ) -> Result<Candidate<A>, ChatError> {
        let name = || A::name(wanted).to_owned();
        if !A::suits(model.kind) {
            return Err(ChatError::WrongKind { model: name(), kind: model.kind });
        }
        let version = reach(plan, model, &name(), now)?;
        let (credential, upstream) = self.upstream(model.provider, own)?;
        if !key.allows_model(&model.id) {
            return Err(ChatError::ModelNotForKey(name()));
        }
        self.switchboard.admit_model(&model.id, model.provider)?;
        let (asked, estimate) = A::of(wanted, model, upstream, &self.rules)?;
        let markup = self.rules.markup;
        let worst = worst(&version.price, markup, credential, asked.is_kept(), &estimate)?;
        Ok(Candidate {
            model: model.id.clone(),
            provider: model.provider,
            credential,
            asked,
            price_version: version.version.clone(),
            price: version.price,
            estimate,
            worst,
        })
    }

    /// Whom to ask at a provider, and under whose key. Where the workspace has one of its own, the
    /// platform's is never used.
    fn upstream<'a>(
        &'a self,
        provider: Provider,
        own: &'a OwnUpstreams,
    ) -> Result<(CredentialUsed, &'a Upstream), ChatError> {
        if let Some((id, upstream)) = own.at(provider) {
            return Ok((CredentialUsed::Workspace(id), upstream));
        }
        let upstream = self.providers.get(&provider).ok_or(ChatError::Disabled(provider))?;
        Ok((CredentialUsed::Platform, upstream))
    }
}

/// The price of a model, if the plan includes it.
fn reach<'a>(
    plan: &Plan,
    model: &'a Model,
    asked: &str,
    now: Timestamp,
) -> Result<&'a PricedVersion, ChatError> {
    if !plan.allows(model.class) {
        let (model, plan) = (asked.to_owned(), plan.code.clone());
        return Err(ChatError::ModelNotInPlan { model, plan });
    }
    model.price_at(now).ok_or_else(|| ChatError::UnknownPrice(asked.to_owned()))
}

impl<A: Asked> Candidate<A> {
    /// The same call with a shorter answer, and the bound on that: see [`Asked::shortened`].
    pub(super) fn shortened_to(
        &self,
        available: Credits,
        markup: BasisPoints,
    ) -> Option<(Self, u64)> {
        A::shortened(self, available, markup)
    }

    /// What it would be charged in the worst case, were it so large.
    pub(super) fn worst_of(
        &self,
        estimate: &Estimate,
        markup: BasisPoints,
    ) -> Result<Credits, ChatError> {
        worst(&self.price, markup, self.credential, self.asked.is_kept(), estimate)
    }
}

/// What is charged in the worst case. What the provider is told to keep may be dearer than what it
/// reads.
fn worst(
    price: &Price,
    markup: BasisPoints,
    credential: CredentialUsed,
    is_kept: bool,
    estimate: &Estimate,
) -> Result<Credits, ChatError> {
    let charge = |tokens| {
        let metered = Metered::of(price, markup, credential, tokens, true);
        metered.map(|metered| metered.charge).map_err(|_| ChatError::TooLarge)
    };
    let worst = charge(estimate.most)?;
    if !is_kept {
        return Ok(worst);
    }
    Ok(worst.max(charge(estimate.most_kept())?))
}
