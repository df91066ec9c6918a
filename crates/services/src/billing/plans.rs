//! Making, changing and withdrawing plans, by operators.
//!
//! Whoever has a plan keeps the price it was sold at. What a plan allows is felt by everybody who
//! has it within a second.
use std::sync::Arc;

use cape_domain::{
    access::{Actor, ControlChange, ControlEntry, OperatePlatform, Permit, ViewPlatform},
    audit::Action,
    billing::{Plan, PlanChange, PlanCode, PlanDraft, PlanRefusal},
    ids::{ControlId, PriceId},
    store::{Durability, Scope, StoreError, UnitOfWork},
};

use super::PlanSync;
use crate::{
    Base,
    audit::{Fact, Trail},
    retry::{Contended, retry},
};

/// Makes, changes and withdraws plans.
pub struct PlanService {
    base: Base,
    trail: Trail,
    sync: Arc<PlanSync>,
}

/// Why a plan is not as it was to be.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// There is no such plan.
    #[error("there is no plan `{0}`")]
    Unknown(PlanCode),
    /// There is one with this code already, sold or not.
    #[error("there is a plan `{0}` already")]
    Taken(PlanCode),
    /// It cannot be so.
    #[error(transparent)]
    Refused(#[from] PlanRefusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Contended for PlanError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Store(error) => error.is_conflict(),
            Self::Unknown(_) | Self::Taken(_) | Self::Refused(_) => false,
        }
    }
}

impl PlanService {
    /// A service whose plans are told to providers by this.
    #[must_use]
    pub fn new(base: Base, trail: Trail, sync: Arc<PlanSync>) -> Arc<Self> {
        Arc::new(Self { base, trail, sync })
    }

    /// Every plan, sold or not, in the order in which they were made.
    ///
    /// # Errors
    ///
    /// See [`PlanError`].
    pub async fn list(&self, _: Permit<ViewPlatform>) -> Result<Vec<Plan>, PlanError> {
        let mut work = self.base.store.look(Scope::Platform).await?;
        Ok(work.catalogue().all_plans().await?)
    }

    /// One plan, sold or not.
    ///
    /// # Errors
    ///
    /// See [`PlanError`].
    pub async fn find(&self, _: Permit<ViewPlatform>, code: &PlanCode) -> Result<Plan, PlanError> {
        let mut work = self.base.store.look(Scope::Platform).await?;
        let plan = work.catalogue().plan(code).await?;
        plan.ok_or_else(|| PlanError::Unknown(code.clone()))
    }

    /// Makes a plan, which is sold from now on.
    ///
    /// # Errors
    ///
    /// See [`PlanError`].
    pub async fn create(
        &self,
        permit: Permit<OperatePlatform>,
        draft: PlanDraft,
    ) -> Result<Plan, PlanError> {
        retry!(async {
            let plan = Plan::create(draft.clone(), || PriceId::next(&*self.base.ids))?;
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            if work.catalogue().plan(&plan.code).await?.is_some() {
                return Err(PlanError::Taken(plan.code));
            }
            work.catalogue().insert_plan(&plan).await?;
            self.tell(&mut *work, permit.actor(), Action::PlanCreated, None, &plan).await?;
            work.commit().await?;
            Ok(plan)
        })
    }

    /// Changes a plan: what is not said stays. Its running subscriptions keep their prices.
    ///
    /// # Errors
    ///
    /// See [`PlanError`].
    pub async fn revise(
        &self,
        permit: Permit<OperatePlatform>,
        code: &PlanCode,
        change: PlanChange,
    ) -> Result<Plan, PlanError> {
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let before = work.catalogue().plan(code).await?;
            let before = before.ok_or_else(|| PlanError::Unknown(code.clone()))?;
            let ids = || PriceId::next(&*self.base.ids);
            let plan = before.clone().revise(change.clone(), ids)?;
            work.catalogue().update_plan(&plan, self.base.now()).await?;
            let actor = permit.actor();
            self.tell(&mut *work, actor, Action::PlanChanged, Some(&before), &plan).await?;
            work.commit().await?;
            Ok(plan)
        })
    }

    /// Withdraws a plan: it is not sold any more, and whoever has it keeps it.
    ///
    /// # Errors
    ///
    /// See [`PlanError`].
    pub async fn retire(
        &self,
        permit: Permit<OperatePlatform>,
        code: &PlanCode,
    ) -> Result<(), PlanError> {
        retry!(async {
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            let before = work.catalogue().plan(code).await?;
            let before = before.ok_or_else(|| PlanError::Unknown(code.clone()))?;
            let now = self.base.now();
            let plan = before.clone().retire(now)?;
            work.catalogue().update_plan(&plan, now).await?;
            let actor = permit.actor();
            self.tell(&mut *work, actor, Action::PlanRetired, Some(&before), &plan).await?;
            Ok(work.commit().await?)
        })
    }

    /// Enters it in the trail, has every process look it up again, and the provider told.
    async fn tell(
        &self,
        work: &mut dyn UnitOfWork,
        actor: &Actor,
        action: Action,
        before: Option<&Plan>,
        after: &Plan,
    ) -> Result<(), StoreError> {
        let (id, change) = (ControlId::next(&*self.base.ids), ControlChange::PlansChanged);
        work.control().publish(&ControlEntry { id, at: self.base.now(), change }).await?;
        self.sync.ask(work, after).await?;
        let (was, is) = (before.map(snapshot), snapshot(after));
        let was = was.as_ref().map(texts);
        let fact = Fact {
            action,
            subject: after.code.to_string(),
            before: was.as_ref().map_or(&[], |was| &was[..]),
            after: &texts(&is),
        };
        self.trail.enter(work, actor, None, fact).await
    }
}

/// What the trail tells of a plan.
fn snapshot(plan: &Plan) -> [(&'static str, String); 4] {
    let prices: Vec<_> = plan
        .prices
        .iter()
        .map(|price| format!("{} a {}", price.amount, price.interval.name()))
        .collect();
    let limits = plan.limits;
    let limits = [
        limits.requests_per_month,
        limits.requests_per_minute,
        limits.requests_per_hour,
        limits.tokens_per_hour,
    ]
    .map(|limit| limit.to_string());
    [
        ("name", plan.name.to_string()),
        ("version", plan.version.to_string()),
        ("prices", prices.join(", ")),
        ("limits", limits.join(", ")),
    ]
}

fn texts<'a>(facts: &'a [(&'static str, String); 4]) -> [(&'a str, &'a str); 4] {
    facts.each_ref().map(|(name, value)| (*name, value.as_str()))
}
