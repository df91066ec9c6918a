//! Cancelling and resuming.
//!
//! That somebody asked is written before the provider is: whatever becomes of the answer, a job
//! looks at what the provider made of it.
use cape_domain::{
    access::{Actor, ManageBilling, OperatePlatform, Permit},
    audit::Action,
    billing::{CancelWay, PaymentProvider, Subscription, SubscriptionRefusal},
    ids::SubscriptionId,
    jobs::Task,
    store::{Durability, Scope},
};
use chrono::TimeDelta;

use super::{SubscriptionError, SubscriptionService};
use crate::{audit::Fact, retry::retry};

/// How long after somebody asked it is looked at what became of it.
const RECONCILE_AFTER: TimeDelta = TimeDelta::seconds(60);

/// Somebody who asks for something, and of what.
struct Asking<'a> {
    actor: &'a Actor,
    scope: Scope,
    id: SubscriptionId,
    action: Action,
    /// When it ends, in a word.
    at: &'static str,
}

impl SubscriptionService {
    /// Lets a subscription end with its period. One that was not paid yet is given up at once.
    ///
    /// # Errors
    ///
    /// See [`SubscriptionError`].
    pub async fn cancel(
        &self,
        permit: Permit<ManageBilling>,
        id: SubscriptionId,
    ) -> Result<Subscription, SubscriptionError> {
        let (actor, scope) = (permit.actor(), permit.scope());
        let action = Action::SubscriptionCancelled;
        let asking = Asking { actor, scope, id, action, at: "period end" };
        let provider = self.provider.as_deref().ok_or(SubscriptionError::Disabled)?;
        let (way, version) = retry!(self.intend(&asking, Subscription::cancel_at_period_end))?;
        match way {
            CancelWay::Abandon { checkout } => self.give_up(provider, id, checkout).await?,
            CancelWay::Cancel(remote) => {
                provider.let_end(&remote, true, version).await?;
                self.follow(provider, id).await?;
            }
        }
        self.stored(id).await
    }

    /// Ends a subscription of any workspace at once.
    ///
    /// # Errors
    ///
    /// See [`SubscriptionError`].
    pub async fn end(
        &self,
        permit: Permit<OperatePlatform>,
        id: SubscriptionId,
    ) -> Result<Subscription, SubscriptionError> {
        let (actor, scope) = (permit.actor(), Scope::Platform);
        let action = Action::SubscriptionCancelled;
        let asking = Asking { actor, scope, id, action, at: "now" };
        let provider = self.provider.as_deref().ok_or(SubscriptionError::Disabled)?;
        let (way, _) = retry!(self.intend(&asking, Subscription::cancel_now))?;
        match way {
            CancelWay::Abandon { checkout } => self.give_up(provider, id, checkout).await?,
            CancelWay::Cancel(remote) => {
                provider.end_now(&remote, false).await?;
                self.follow(provider, id).await?;
            }
        }
        self.stored(id).await
    }

    /// Lets a subscription that was cancelled go on after all.
    ///
    /// # Errors
    ///
    /// See [`SubscriptionError`].
    pub async fn resume(
        &self,
        permit: Permit<ManageBilling>,
        id: SubscriptionId,
    ) -> Result<Subscription, SubscriptionError> {
        let (actor, scope) = (permit.actor(), permit.scope());
        let action = Action::SubscriptionResumed;
        let asking = Asking { actor, scope, id, action, at: "-" };
        let provider = self.provider.as_deref().ok_or(SubscriptionError::Disabled)?;
        let now = self.base.now();
        let resumable = |one: &Subscription| one.resume(now).map(str::to_owned);
        let (remote, version) = retry!(self.intend(&asking, resumable))?;
        provider.let_end(&remote, false, version).await?;
        self.follow(provider, id).await?;
        self.stored(id).await
    }

    /// Writes down that somebody asked, if it can be done, and what it was when it was asked.
    async fn intend<T>(
        &self,
        asking: &Asking<'_>,
        decide: impl Fn(&Subscription) -> Result<T, SubscriptionRefusal>,
    ) -> Result<(T, u32), SubscriptionError> {
        let mut work = self.base.store.begin(asking.scope, Durability::Power).await?;
        let found = work.subscriptions().find(asking.id).await?;
        let subscription = found.ok_or(SubscriptionError::Unknown)?;
        let decided = decide(&subscription)?;
        let key = format!("{}:asked:{}", asking.id, subscription.version);
        let (task, at) =
            (Task::ReconcileSubscription(asking.id), self.base.now() + RECONCILE_AFTER);
        self.follower.later(&mut *work, task, key, at).await?;
        let fact = Fact {
            action: asking.action,
            subject: asking.id.to_string(),
            before: &[("state", subscription.state.name())],
            after: &[("at", asking.at)],
        };
        // In the trail of whoever pays.
        let actor = Actor { workspace: subscription.workspace, ..asking.actor.clone() };
        self.trail.enter(&mut *work, &actor, None, fact).await?;
        work.commit().await?;
        Ok((decided, subscription.version))
    }

    async fn give_up(
        &self,
        provider: &dyn PaymentProvider,
        id: SubscriptionId,
        checkout: Option<String>,
    ) -> Result<(), SubscriptionError> {
        match checkout {
            Some(checkout) => self.close(provider, id, &checkout).await,
            None => self.make_room(provider, self.stored(id).await?).await,
        }
    }

    /// Stores what the provider makes of it.
    pub(super) async fn follow(
        &self,
        provider: &dyn PaymentProvider,
        id: SubscriptionId,
    ) -> Result<(), SubscriptionError> {
        retry!(async {
            let looked = self.follower.look_at(provider, id).await?;
            let looked = looked.ok_or(SubscriptionError::Unknown)?;
            let mut work = self.base.store.begin(Scope::Platform, Durability::Power).await?;
            self.follower.apply(&mut *work, looked).await?;
            Ok::<_, SubscriptionError>(work.commit().await?)
        })
    }

    async fn stored(&self, id: SubscriptionId) -> Result<Subscription, SubscriptionError> {
        let mut work = self.base.store.read(Scope::Platform).await?;
        work.subscriptions().find(id).await?.ok_or(SubscriptionError::Unknown)
    }
}
