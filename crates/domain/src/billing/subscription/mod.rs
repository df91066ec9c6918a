//! A workspace's subscription to a plan. Free is the absence of one.
//!
//! ```text
//! Incomplete ──paid──▶ Active ◀──paid── PastDue       Canceling ──its end──▶ Ended
//!     │    └─trial──▶ Trialing   ──fails──▶ │            ▲   │ resumed
//!     └──abandoned──▶ Ended       given up──┴──▶ Ended   └───┴── Active, Trialing
//! ```
//!
//! Where a subscription stands is told by its provider, and read anew with every message: what is
//! stored is a function of what the provider says last, and of nothing that was said before,
//! except that what has ended stays so. So messages may come in any order, and more than once.
//! What we did about it ourselves is remembered beside: which reminder was sent last.
//!
//! Whether the rights of the plan are open is *not* stored: it follows from the state and the
//! clock.
mod access;
mod dunning;
mod quote;
mod reducer;
mod remote;
mod requests;
mod state;

use crate::{
    billing::{PlanCode, PlanPrice, ProviderName},
    ids::{SubscriptionId, UserId, WorkspaceId},
    time::Timestamp,
};

pub use access::RENEWAL_LEEWAY;
pub use dunning::{DunningRules, DunningStep};
pub use quote::{Quote, QuoteRefusal};
pub use reducer::{Oddity, Reduced};
pub use remote::{RemoteStatus, RemoteSubscription};
pub use requests::{CancelWay, SubscriptionRefusal};
pub use state::{EndReason, OpenedCheckout, SubscriptionState, UnknownEndReason};

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Its identity, and the idempotency key of its checkout.
    pub id: SubscriptionId,
    /// The tenant that pays.
    pub workspace: WorkspaceId,
    /// Who subscribed.
    pub user: UserId,
    /// What was sold, at what price. It stays so until it is changed, whatever becomes of the plan.
    pub terms: Terms,
    /// Who takes the money.
    pub provider: ProviderName,
    /// The provider's id of it, once there is one.
    pub remote: Option<String>,
    /// Where it is in its life.
    pub state: SubscriptionState,
    /// What the provider said last, if that was not understood: nothing was concluded from it, and
    /// somebody has to look.
    pub oddity: Option<Oddity>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Grows with every stored change; guards concurrent writers.
    pub version: u32,
}

impl Subscription {
    /// The same, after the reminder with this number. One that owes nothing stays as it is.
    #[must_use]
    pub fn reminded(self, number: u8) -> Self {
        match self.state {
            SubscriptionState::PastDue { period, since, until, canceling, .. } => {
                let reminded = number;
                let state =
                    SubscriptionState::PastDue { period, since, until, canceling, reminded };
                Self { state, ..self }
            }
            SubscriptionState::Incomplete { .. }
            | SubscriptionState::Trialing { .. }
            | SubscriptionState::Active { .. }
            | SubscriptionState::Paused { .. }
            | SubscriptionState::Canceling { .. }
            | SubscriptionState::Ended { .. } => self,
        }
    }
}

/// What was sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The plan.
    pub plan: PlanCode,
    /// The plan as it was when it was sold.
    pub plan_version: u32,
    /// The price it was sold at, and how often that is paid.
    pub price: PlanPrice,
}

#[cfg(test)]
pub(super) mod samples {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;
    use crate::{
        billing::{Currency, Money, Period, PriceInterval},
        ids::PriceId,
    };

    /// So many days after the first instant.
    pub fn at(days: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::days(days)
    }

    /// From one day up to another one.
    pub fn period(start: i64, end: i64) -> Period {
        Period::new(at(start), at(end)).expect("sound")
    }

    pub fn terms(plan: &str, price: u128, minor: i64) -> Terms {
        Terms {
            plan: plan.parse().expect("a plan"),
            plan_version: 1,
            price: PlanPrice {
                id: PriceId::new(Uuid::from_u128(price)),
                interval: PriceInterval::Month,
                amount: Money::from_minor(minor, Currency::USD),
            },
        }
    }

    /// A subscription to `pro` in this state.
    pub fn subscription(state: SubscriptionState) -> Subscription {
        Subscription {
            id: SubscriptionId::new(Uuid::from_u128(1)),
            workspace: WorkspaceId::new(Uuid::from_u128(2)),
            user: UserId::new(Uuid::from_u128(3)),
            terms: terms("pro", 4, 2_900),
            provider: ProviderName::Stripe,
            remote: None,
            state,
            oddity: None,
            created_at: at(0),
            version: 0,
        }
    }

    /// One subscription in every state, paid or owed from day 10 to day 40.
    pub fn every_state() -> Vec<SubscriptionState> {
        let paid = period(10, 40);
        let checkout = OpenedCheckout { id: "cs_1".to_owned(), url: "https://pay".to_owned() };
        vec![
            SubscriptionState::Incomplete { checkout: None },
            SubscriptionState::Incomplete { checkout: Some(checkout) },
            SubscriptionState::Trialing { period: paid },
            SubscriptionState::Active { period: paid },
            SubscriptionState::PastDue {
                period: paid,
                since: at(10),
                until: at(26),
                canceling: false,
                reminded: 0,
            },
            SubscriptionState::Paused { since: at(10) },
            SubscriptionState::Canceling { period: paid },
            SubscriptionState::Ended { at: at(20), reason: EndReason::Canceled },
        ]
    }
}
