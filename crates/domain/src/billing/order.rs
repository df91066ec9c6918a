//! Orders of credits, from the click to the payment.
//!
//! ```text
//! Intended ──open──▶ Open ──paid──▶ Paid
//!     │               └───expired─▶ Expired ──paid──▶ Paid
//!     └──────────fail─▶ Failed
//! ```
//!
//! What is granted and what it costs is fixed when the order is placed: a payment is compared
//! with the order, never with what a message says.
use std::str::FromStr;

use crate::{
    billing::{Credits, Money, RemoteCheckout, RemoteState},
    ids::{OrderId, PaymentId, UserId, WorkspaceId},
    time::Timestamp,
};

/// Something a workspace set out to buy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its identity, and the idempotency key of everything it does at the provider.
    pub id: OrderId,
    /// The tenant that buys.
    pub workspace: WorkspaceId,
    /// Who placed it.
    pub user: UserId,
    /// The pack.
    pub pack: String,
    /// Credits that are bought.
    pub credits: Credits,
    /// Credits that come on top.
    pub bonus: Credits,
    /// What it costs.
    pub price: Money,
    /// Who takes the money.
    pub provider: ProviderName,
    /// When it was placed.
    pub created_at: Timestamp,
    /// Where it is in its life.
    pub state: OrderState,
    /// Grows with every stored change; guards concurrent writers.
    pub version: u32,
}

/// Who takes the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProviderName {
    /// Stripe.
    Stripe,
}

/// A name that is no payment provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a payment provider")]
pub struct UnknownProvider(String);

impl ProviderName {
    /// The stable name, as stored and as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
        }
    }
}

impl FromStr for ProviderName {
    type Err = UnknownProvider;

    fn from_str(name: &str) -> Result<Self, UnknownProvider> {
        match name {
            "stripe" => Ok(Self::Stripe),
            other => Err(UnknownProvider(other.to_owned())),
        }
    }
}

/// Each state carries exactly the facts that exist in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderState {
    /// Written down; the provider may or may not know of it.
    Intended,
    /// The customer can pay.
    Open {
        /// The provider's id of the checkout.
        checkout: String,
        /// Where the customer pays.
        url: String,
    },
    /// Paid, and its credits granted.
    Paid {
        /// The provider's id of the checkout.
        checkout: String,
        /// The payment.
        payment: PaymentId,
        /// When.
        at: Timestamp,
    },
    /// Nobody paid in time.
    Expired {
        /// The provider's id of the checkout.
        checkout: String,
        /// When.
        at: Timestamp,
    },
    /// The provider refused the order.
    Failed {
        /// When.
        at: Timestamp,
    },
}

/// Money that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Its identity.
    pub id: PaymentId,
    /// What it paid for.
    pub order: OrderId,
    /// The tenant that paid.
    pub workspace: WorkspaceId,
    /// Who took the money.
    pub provider: ProviderName,
    /// The provider's id of it. There is one payment for each.
    pub reference: String,
    /// How much.
    pub amount: Money,
    /// When we took note of it.
    pub at: Timestamp,
}

/// What a look at the provider's checkout means for an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observed {
    /// Nothing new.
    Unchanged,
    /// It can be paid.
    Opened(Order),
    /// It was paid: the credits are due.
    Paid(Order, Payment),
    /// It can no longer be paid.
    Expired(Order),
}

/// A payment that is not what was ordered. Nothing is granted, and somebody has to look.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("order {order} costs {expected}, but {paid} was paid")]
pub struct PaymentMismatch {
    /// The order.
    pub order: OrderId,
    /// What it costs.
    pub expected: Money,
    /// What was paid.
    pub paid: Money,
}

impl OrderState {
    /// The stable name, as stored and as shown.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::Open { .. } => "open",
            Self::Paid { .. } => "paid",
            Self::Expired { .. } => "expired",
            Self::Failed { .. } => "failed",
        }
    }
}

impl Order {
    /// Takes note of what the provider knows. However often and in whatever order it is told,
    /// the order ends in the same state, and is paid once: a paid order stays paid.
    ///
    /// # Errors
    ///
    /// [`PaymentMismatch`] when something else was paid than what was ordered.
    pub fn observe(
        self,
        remote: &RemoteCheckout,
        payment: PaymentId,
        now: Timestamp,
    ) -> Result<Observed, PaymentMismatch> {
        let settled = match self.state {
            OrderState::Paid { .. } => return Ok(Observed::Unchanged),
            OrderState::Expired { .. } | OrderState::Failed { .. } => true,
            OrderState::Intended | OrderState::Open { .. } => false,
        };
        match &remote.state {
            RemoteState::Paid { reference, amount } => {
                self.pay(remote, payment, reference, *amount, now)
            }
            RemoteState::Expired if !settled => {
                let checkout = remote.id.clone();
                Ok(Observed::Expired(self.into_state(OrderState::Expired { checkout, at: now })))
            }
            RemoteState::Open { url } if self.state == OrderState::Intended => {
                let (checkout, url) = (remote.id.clone(), url.clone());
                Ok(Observed::Opened(self.into_state(OrderState::Open { checkout, url })))
            }
            RemoteState::Open { .. } | RemoteState::Expired | RemoteState::Unknown(_) => {
                Ok(Observed::Unchanged)
            }
        }
    }

    /// Takes note that the provider refused the order. Only an order that was never opened can
    /// fail; any other stays as it is.
    #[must_use]
    pub fn fail(self, now: Timestamp) -> Option<Self> {
        match self.state {
            OrderState::Intended => Some(self.into_state(OrderState::Failed { at: now })),
            OrderState::Open { .. }
            | OrderState::Paid { .. }
            | OrderState::Expired { .. }
            | OrderState::Failed { .. } => None,
        }
    }

    fn pay(
        self,
        remote: &RemoteCheckout,
        payment: PaymentId,
        reference: &str,
        paid: Money,
        now: Timestamp,
    ) -> Result<Observed, PaymentMismatch> {
        if paid != self.price {
            return Err(PaymentMismatch { order: self.id, expected: self.price, paid });
        }
        let arrived = Payment {
            id: payment,
            order: self.id,
            workspace: self.workspace,
            provider: self.provider,
            reference: reference.to_owned(),
            amount: paid,
            at: now,
        };
        let state = OrderState::Paid { checkout: remote.id.clone(), payment, at: now };
        Ok(Observed::Paid(self.into_state(state), arrived))
    }

    fn into_state(self, state: OrderState) -> Self {
        Self { state, ..self }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::billing::Currency;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const PAYMENT: PaymentId = PaymentId::new(Uuid::from_u128(9));

    fn order(state: OrderState) -> Order {
        Order {
            id: OrderId::new(Uuid::from_u128(1)),
            workspace: WorkspaceId::new(Uuid::from_u128(2)),
            user: UserId::new(Uuid::from_u128(3)),
            pack: "small".to_owned(),
            credits: Credits::from_micros(5),
            bonus: Credits::ZERO,
            price: Money::from_minor(500, Currency::USD),
            provider: ProviderName::Stripe,
            created_at: NOW,
            state,
            version: 0,
        }
    }

    fn remote(state: RemoteState) -> RemoteCheckout {
        RemoteCheckout { id: "cs_1".to_owned(), order: Some(order(OrderState::Intended).id), state }
    }

    fn paid(minor: i64) -> RemoteState {
        let amount = Money::from_minor(minor, Currency::USD);
        RemoteState::Paid { reference: "pi_1".to_owned(), amount }
    }

    fn states() -> [OrderState; 5] {
        let checkout = || "cs_1".to_owned();
        [
            OrderState::Intended,
            OrderState::Open { checkout: checkout(), url: "https://pay".to_owned() },
            OrderState::Paid { checkout: checkout(), payment: PAYMENT, at: NOW },
            OrderState::Expired { checkout: checkout(), at: NOW },
            OrderState::Failed { at: NOW },
        ]
    }

    #[test]
    fn every_state_meets_every_news_from_the_provider() {
        let news = [
            RemoteState::Open { url: "https://pay".to_owned() },
            paid(500),
            RemoteState::Expired,
            RemoteState::Unknown("paused".to_owned()),
        ];
        let table = states().map(|state| {
            news.clone().map(|told| {
                match order(state.clone()).observe(&remote(told), PAYMENT, NOW) {
                    Ok(Observed::Unchanged) => "-",
                    Ok(Observed::Opened(order) | Observed::Expired(order)) => order.state.name(),
                    Ok(Observed::Paid(order, payment)) => {
                        assert_eq!(payment.amount, order.price);
                        order.state.name()
                    }
                    Err(_) => "mismatch",
                }
            })
        });
        assert_eq!(
            table,
            [
                // open, paid, expired, unknown
                ["open", "paid", "expired", "-"], // intended
                ["-", "paid", "expired", "-"],    // open
                ["-", "-", "-", "-"],             // paid
                ["-", "paid", "-", "-"],          // expired
                ["-", "paid", "-", "-"],          // failed
            ]
        );
    }

    #[test]
    fn a_payment_of_another_amount_or_currency_grants_nothing() {
        let rands = RemoteState::Paid {
            reference: "pi_1".to_owned(),
            amount: Money::from_minor(500, Currency::ZAR),
        };
        for wrong in [paid(499), paid(501), paid(0), rands] {
            let outcome = order(OrderState::Intended).observe(&remote(wrong), PAYMENT, NOW);
            assert!(outcome.is_err(), "{outcome:?}");
        }
    }

    #[test]
    fn only_an_order_that_was_never_opened_can_fail() {
        let fails = states().map(|state| order(state).fail(NOW).is_some());
        assert_eq!(fails, [true, false, false, false, false]);
    }
}
