//! Subscribing, cancelling, resuming, and following what the provider says.
//!
//! Whatever is asked of the provider, what is stored is what it says afterwards: asking, messages
//! and looking again all end in the same step.
mod change;
mod dunning;
mod error;
mod follow;
mod opening;
mod reading;
mod reconcile;
mod requests;

use std::sync::Arc;

use cape_domain::billing::{
    Currency, DunningRules, PaymentProvider, PriceInterval, Subscription, SubscriptionState,
};

pub use error::SubscriptionError;
pub(crate) use follow::{FollowError, Follower, Looked};

use super::{PlanSync, customers::Customers};
use crate::{Base, accounts::Outbox, audit::Trail};

/// Subscribes workspaces to plans.
pub struct SubscriptionService {
    base: Base,
    trail: Trail,
    outbox: Outbox,
    customers: Customers,
    sync: Arc<PlanSync>,
    follower: Follower,
    rules: DunningRules,
    provider: Option<Arc<dyn PaymentProvider>>,
}

/// What somebody wants to subscribe to.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The plan's code.
    pub plan: &'a str,
    /// How often it is paid.
    pub interval: PriceInterval,
    /// In which currency.
    pub currency: Currency,
}

/// A subscription that can be paid.
#[derive(Clone, Debug)]
pub struct OpenedSubscription {
    /// The subscription.
    pub subscription: Subscription,
    /// Where it is paid.
    pub url: String,
}

impl OpenedSubscription {
    /// A subscription, if it can be paid.
    fn of(subscription: Subscription) -> Option<Self> {
        match &subscription.state {
            SubscriptionState::Incomplete { checkout: Some(checkout) } => {
                Some(Self { url: checkout.url.clone(), subscription })
            }
            SubscriptionState::Incomplete { checkout: None }
            | SubscriptionState::Trialing { .. }
            | SubscriptionState::Active { .. }
            | SubscriptionState::PastDue { .. }
            | SubscriptionState::Paused { .. }
            | SubscriptionState::Canceling { .. }
            | SubscriptionState::Ended { .. } => None,
        }
    }
}

impl SubscriptionService {
    /// A service that takes money through this provider, if there is one, reminds by mail of what
    /// is owed, and gives up by these rules.
    #[must_use]
    pub fn new(
        base: Base,
        trail: Trail,
        outbox: Outbox,
        sync: Arc<PlanSync>,
        rules: DunningRules,
        provider: Option<Arc<dyn PaymentProvider>>,
    ) -> Arc<Self> {
        let customers = Customers::new(base.clone());
        let follower = Follower::new(base.clone(), trail.clone(), rules.clone());
        Arc::new(Self { base, trail, outbox, customers, sync, follower, rules, provider })
    }

    /// What follows the provider's word.
    pub(crate) const fn follower(&self) -> &Follower {
        &self.follower
    }
}
