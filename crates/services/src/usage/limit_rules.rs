//! Setting limits, by operators.
//!
//! What comes of it for calls is the [`LimitBook`](super::LimitBook)'s.
use std::sync::Arc;

use cape_domain::{
    access::{Actor, ControlChange, ControlEntry, OperatePlatform, Permit, ViewPlatform},
    audit::Action,
    ids::{ControlId, LimitRuleId},
    store::{Durability, Scope, StoreError, UnitOfWork},
    usage::{LimitRule, LimitTerms, MOST_RULES, Measure, Reach, RuleName, Window},
};

use super::LiveBook;
use crate::{
    Base,
    audit::{Fact, Trail},
    retry::{Contended, retry},
};

/// Sets limits.
pub struct LimitRuleService {
    base: Base,
    trail: Trail,
    book: Arc<LiveBook>,
}

/// Why a limit was not set.
#[derive(Debug, thiserror::Error)]
pub enum LimitRuleError {
    /// There is no such limit.
    #[error("there is no limit {0}")]
    NotFound(LimitRuleId),
    /// There is nothing that it could be about. A typo must not look like success.
    #[error("there is no {0}")]
    Unknown(Reach),
    /// Another limit is called so, or one of the plans.
    #[error("a limit is called `{0}` already")]
    NameTaken(RuleName),
    /// There are too many.
    #[error("there are {MOST_RULES} limits already, which is the most")]
    TooMany,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Contended for LimitRuleError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Store(error) => error.is_conflict(),
            Self::NotFound(_) | Self::Unknown(_) | Self::NameTaken(_) | Self::TooMany => false,
        }
    }
}

impl LimitRuleService {
    /// A service that knows the models of this book.
    #[must_use]
    pub fn new(base: Base, trail: Trail, book: Arc<LiveBook>) -> Arc<Self> {
        Arc::new(Self { base, trail, book })
    }

    /// All limits that operators set, by name.
    ///
    /// # Errors
    ///
    /// See [`LimitRuleError`].
    pub async fn list(&self, _: Permit<ViewPlatform>) -> Result<Vec<LimitRule>, LimitRuleError> {
        let mut work = self.base.store.look(Scope::Platform).await?;
        Ok(work.limit_rules().all().await?)
    }

    /// Sets a limit. It holds in every process within a second.
    ///
    /// # Errors
    ///
    /// See [`LimitRuleError`].
    pub async fn create(
        &self,
        permit: Permit<OperatePlatform>,
        terms: LimitTerms,
    ) -> Result<LimitRule, LimitRuleError> {
        let id = LimitRuleId::next(&*self.base.ids);
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let others = work.limit_rules().all().await?;
            if others.len() >= MOST_RULES {
                return Err(LimitRuleError::TooMany);
            }
            self.check(&mut *work, id, &terms, &others).await?;
            let (terms, created_at) = (terms.clone(), self.base.now());
            let rule = LimitRule { id, terms, version: 1, created_at };
            work.limit_rules().insert(&rule).await?;
            self.tell(&mut *work, permit.actor(), Action::LimitCreated, None, Some(&rule)).await?;
            work.commit().await?;
            Ok(rule)
        })
    }

    /// Makes a limit another one. What was used of it stays used, if the same is counted.
    ///
    /// # Errors
    ///
    /// See [`LimitRuleError`].
    pub async fn replace(
        &self,
        permit: Permit<OperatePlatform>,
        id: LimitRuleId,
        terms: LimitTerms,
    ) -> Result<LimitRule, LimitRuleError> {
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let before = work.limit_rules().find(id).await?;
            let before = before.ok_or(LimitRuleError::NotFound(id))?;
            let others = work.limit_rules().all().await?;
            self.check(&mut *work, id, &terms, &others).await?;
            let version = before.version.saturating_add(1);
            let rule = LimitRule { terms: terms.clone(), version, ..before.clone() };
            work.limit_rules().replace(&rule).await?;
            let action = Action::LimitChanged;
            self.tell(&mut *work, permit.actor(), action, Some(&before), Some(&rule)).await?;
            work.commit().await?;
            Ok(rule)
        })
    }

    /// Takes a limit away.
    ///
    /// # Errors
    ///
    /// See [`LimitRuleError`].
    pub async fn remove(
        &self,
        permit: Permit<OperatePlatform>,
        id: LimitRuleId,
    ) -> Result<(), LimitRuleError> {
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let before = work.limit_rules().find(id).await?;
            let before = before.ok_or(LimitRuleError::NotFound(id))?;
            if !work.limit_rules().remove(id).await? {
                return Err(LimitRuleError::NotFound(id));
            }
            let action = Action::LimitDeleted;
            self.tell(&mut *work, permit.actor(), action, Some(&before), None).await?;
            Ok(work.commit().await?)
        })
    }

    async fn check(
        &self,
        work: &mut dyn UnitOfWork,
        id: LimitRuleId,
        terms: &LimitTerms,
        others: &[LimitRule],
    ) -> Result<(), LimitRuleError> {
        let taken = |other: &LimitRule| other.id != id && other.terms.name == terms.name;
        if others.iter().any(taken) || is_a_plans(&terms.name) {
            return Err(LimitRuleError::NameTaken(terms.name));
        }
        let book = self.book.current();
        let mut models = book.models().iter();
        let exists = match &terms.reach {
            Reach::All => true,
            Reach::Plan(code) => work.catalogue().plan(code).await?.is_some(),
            Reach::Provider(provider) => models.any(|model| model.provider == *provider),
            Reach::Model(id) => models.any(|model| model.id == *id),
            Reach::Workspace(id) => work.workspaces().find(*id).await?.is_some(),
            Reach::User(id) => work.users().find(*id).await?.is_some(),
            Reach::Key(id) => work.api_keys().find(*id).await?.is_some(),
        };
        if exists { Ok(()) } else { Err(LimitRuleError::Unknown(terms.reach.clone())) }
    }

    /// Enters it in the trail, and has every process load all limits.
    async fn tell(
        &self,
        work: &mut dyn UnitOfWork,
        actor: &Actor,
        action: Action,
        before: Option<&LimitRule>,
        after: Option<&LimitRule>,
    ) -> Result<(), StoreError> {
        let (id, change) = (ControlId::next(&*self.base.ids), ControlChange::LimitsChanged);
        work.control().publish(&ControlEntry { id, at: self.base.now(), change }).await?;
        let subject = after.or(before).map(|rule| rule.id.to_string()).unwrap_or_default();
        let [was, is] = [before, after].map(|rule| rule.map(in_words));
        let was = was.as_deref().map(|words| ("limit", words));
        let is = is.as_deref().map(|words| ("limit", words));
        let fact = Fact { action, subject, before: was.as_slice(), after: is.as_slice() };
        self.trail.enter(work, actor, None, fact).await
    }
}

/// Whether limits of plans are called so: what is refused would be mistaken for one.
fn is_a_plans(name: &RuleName) -> bool {
    let windows = Window::ALL.map(Window::name);
    let spans = windows.into_iter().chain(["month"]);
    let mut names =
        spans.flat_map(|span| Measure::ALL.map(|measure| format!("{}_per_{span}", measure.name())));
    names.any(|taken| taken == name.as_str())
}

/// What a limit says, for the trail.
fn in_words(rule: &LimitRule) -> String {
    let LimitTerms { name, reach, per, measure, window, limit, enabled } = &rule.terms;
    let (per, measure, window) = (per.name(), measure.name(), window.name());
    let holds = if *enabled { "" } else { ", off" };
    format!("{name}: {limit} {measure} a {window} per {per}, about {reach}{holds}")
}
