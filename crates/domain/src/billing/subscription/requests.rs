//! What users may ask of a subscription, and in which state. Asking changes nothing here: the
//! provider does it, and what it says then is observed.
use super::{Subscription, SubscriptionState};
use crate::time::Timestamp;

/// Why a subscription does not do as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscriptionRefusal {
    /// It was cancelled before.
    #[error("the subscription ends with its period already")]
    AlreadyCanceling,
    /// It is over.
    #[error("the subscription has ended")]
    HasEnded,
    /// It does not end.
    #[error("the subscription was not cancelled")]
    NotCanceling,
    /// Nothing was paid yet.
    #[error("the subscription was not paid yet")]
    NotBegun,
    /// A payment is owed.
    #[error("a payment of the subscription is owed")]
    PaymentOwed,
}

/// How a subscription is ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CancelWay {
    /// Nobody can pay any more through this checkout, if there is one.
    Abandon {
        /// The provider's id of the checkout.
        checkout: Option<String>,
    },
    /// The provider ends it: the provider's id of it.
    Cancel(String),
}

impl Subscription {
    /// How it is ended with its period. What was not paid yet is given up at once.
    ///
    /// # Errors
    ///
    /// [`SubscriptionRefusal`]: it cannot be, or is already.
    pub fn cancel_at_period_end(&self) -> Result<CancelWay, SubscriptionRefusal> {
        match self.state {
            SubscriptionState::Canceling { .. }
            | SubscriptionState::PastDue { canceling: true, .. } => {
                Err(SubscriptionRefusal::AlreadyCanceling)
            }
            SubscriptionState::Incomplete { .. }
            | SubscriptionState::Trialing { .. }
            | SubscriptionState::Active { .. }
            | SubscriptionState::PastDue { canceling: false, .. }
            | SubscriptionState::Paused { .. }
            | SubscriptionState::Ended { .. } => self.cancel_now(),
        }
    }

    /// How it is ended at once.
    ///
    /// # Errors
    ///
    /// [`SubscriptionRefusal`]: it is over.
    pub fn cancel_now(&self) -> Result<CancelWay, SubscriptionRefusal> {
        match (&self.state, &self.remote) {
            (SubscriptionState::Ended { .. }, _) => Err(SubscriptionRefusal::HasEnded),
            (_, Some(remote)) => Ok(CancelWay::Cancel(remote.clone())),
            (SubscriptionState::Incomplete { checkout }, None) => {
                let checkout = checkout.as_ref().map(|checkout| checkout.id.clone());
                Ok(CancelWay::Abandon { checkout })
            }
            (
                SubscriptionState::Trialing { .. }
                | SubscriptionState::Active { .. }
                | SubscriptionState::PastDue { .. }
                | SubscriptionState::Paused { .. }
                | SubscriptionState::Canceling { .. },
                None,
            ) => Err(SubscriptionRefusal::NotBegun),
        }
    }

    /// The provider's id of a subscription that is to go on after all.
    ///
    /// # Errors
    ///
    /// [`SubscriptionRefusal`]: it does not end, or its end is here.
    pub fn resume(&self, now: Timestamp) -> Result<&str, SubscriptionRefusal> {
        match self.state {
            SubscriptionState::Canceling { period } if period.end() <= now => {
                Err(SubscriptionRefusal::HasEnded)
            }
            SubscriptionState::Ended { .. } => Err(SubscriptionRefusal::HasEnded),
            SubscriptionState::Canceling { .. }
            | SubscriptionState::PastDue { canceling: true, .. } => {
                self.remote.as_deref().ok_or(SubscriptionRefusal::NotBegun)
            }
            SubscriptionState::Incomplete { .. }
            | SubscriptionState::Trialing { .. }
            | SubscriptionState::Active { .. }
            | SubscriptionState::PastDue { canceling: false, .. }
            | SubscriptionState::Paused { .. } => Err(SubscriptionRefusal::NotCanceling),
        }
    }

    /// The provider's id of a subscription whose plan is to be changed.
    ///
    /// # Errors
    ///
    /// [`SubscriptionRefusal`]: there is nothing that goes on and is paid.
    pub fn change(&self) -> Result<&str, SubscriptionRefusal> {
        match self.state {
            SubscriptionState::Trialing { .. } | SubscriptionState::Active { .. } => {
                self.remote.as_deref().ok_or(SubscriptionRefusal::NotBegun)
            }
            SubscriptionState::PastDue { .. } => Err(SubscriptionRefusal::PaymentOwed),
            SubscriptionState::Canceling { .. } => Err(SubscriptionRefusal::AlreadyCanceling),
            SubscriptionState::Incomplete { .. } | SubscriptionState::Paused { .. } => {
                Err(SubscriptionRefusal::NotBegun)
            }
            SubscriptionState::Ended { .. } => Err(SubscriptionRefusal::HasEnded),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::samples::{at, every_state, subscription},
        *,
    };

    fn said<T>(answer: Result<T, SubscriptionRefusal>, done: &str) -> String {
        answer.map_or_else(|refusal| format!("{refusal:?}"), |_| done.to_owned())
    }

    #[test]
    fn every_state_meets_every_request() {
        let table: Vec<_> = every_state()
            .into_iter()
            .map(|state| {
                let remote = match state {
                    SubscriptionState::Incomplete { .. } => None,
                    _ => Some("sub_1".to_owned()),
                };
                let one = Subscription { remote, ..subscription(state) };
                let way = |way: Result<CancelWay, _>| match way {
                    Ok(CancelWay::Abandon { checkout }) => {
                        format!("abandon {}", checkout.unwrap_or_default())
                    }
                    Ok(CancelWay::Cancel(remote)) => format!("cancel {remote}"),
                    Err(refusal) => format!("{refusal:?}"),
                };
                let [soon, now] = [way(one.cancel_at_period_end()), way(one.cancel_now())];
                let (resume, change) = (said(one.resume(at(39)), "ok"), said(one.change(), "ok"));
                [soon, now, resume, change].join(", ")
            })
            .collect();
        assert_eq!(
            table,
            [
                // at the period's end, at once, resume, change
                "abandon , abandon , NotCanceling, NotBegun", // incomplete
                "abandon cs_1, abandon cs_1, NotCanceling, NotBegun", // incomplete, open
                "cancel sub_1, cancel sub_1, NotCanceling, ok", // trialing
                "cancel sub_1, cancel sub_1, NotCanceling, ok", // active
                "cancel sub_1, cancel sub_1, NotCanceling, PaymentOwed", // past due
                "cancel sub_1, cancel sub_1, NotCanceling, NotBegun", // paused
                "AlreadyCanceling, cancel sub_1, ok, AlreadyCanceling", // canceling
                "HasEnded, HasEnded, HasEnded, HasEnded",     // ended
            ]
        );
    }

    #[test]
    fn what_is_over_is_not_resumed_though_nobody_said_so_yet() {
        let [.., canceling, _] = &every_state()[..] else { panic!("states") };
        let one =
            Subscription { remote: Some("sub_1".to_owned()), ..subscription(canceling.clone()) };
        assert_eq!(one.resume(at(39)), Ok("sub_1"));
        assert_eq!(one.resume(at(40)), Err(SubscriptionRefusal::HasEnded));
    }
}
