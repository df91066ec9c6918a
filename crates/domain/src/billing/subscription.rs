//! A workspace's subscription to a plan. Free is the absence of one.
use crate::{
    billing::PlanCode,
    ids::{SubscriptionId, WorkspaceId},
    time::Timestamp,
};

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Its identity.
    pub id: SubscriptionId,
    /// The tenant that pays.
    pub workspace: WorkspaceId,
    /// What is paid for.
    pub plan: PlanCode,
    /// Where it is in its life.
    pub state: SubscriptionState,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Where a subscription is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionState {
    /// Paid for a period, half-open.
    Active {
        /// When the paid period began.
        period_start: Timestamp,
        /// When it ends; access ends with it.
        period_end: Timestamp,
    },
    /// Over.
    Ended {
        /// Since when.
        at: Timestamp,
    },
}

impl Subscription {
    /// Whether the plan's rights are open at `now`. The clock decides, not a flag.
    #[must_use]
    pub fn grants_access(&self, now: Timestamp) -> bool {
        match self.state {
            SubscriptionState::Active { period_start, period_end } => {
                period_start <= now && now < period_end
            }
            SubscriptionState::Ended { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn access_follows_the_clock() {
        let at = |days| Timestamp::UNIX_EPOCH + TimeDelta::days(days);
        let active = Subscription {
            id: SubscriptionId::new(Uuid::nil()),
            workspace: WorkspaceId::new(Uuid::nil()),
            plan: PlanCode::free(),
            state: SubscriptionState::Active { period_start: at(1), period_end: at(31) },
            created_at: at(1),
        };
        let open = |day| active.grants_access(at(day));
        assert_eq!([open(0), open(1), open(30), open(31)], [false, true, true, false]);
        let ended = Subscription { state: SubscriptionState::Ended { at: at(2) }, ..active };
        assert!(!ended.grants_access(at(2)));
    }
}
