//! Where a subscription is in its life.
use std::str::FromStr;

use crate::{billing::Period, time::Timestamp};

/// Each state carries exactly the facts that exist in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscriptionState {
    /// Nothing was paid yet.
    Incomplete {
        /// Where it can be paid, once the provider has opened it.
        checkout: Option<OpenedCheckout>,
    },
    /// It costs nothing for a while.
    Trialing {
        /// The trial.
        period: Period,
    },
    /// Paid for.
    Active {
        /// What was paid for.
        period: Period,
    },
    /// A payment failed, and is tried again.
    PastDue {
        /// What is not paid.
        period: Period,
        /// Since when it is owed.
        since: Timestamp,
        /// When it is given up.
        until: Timestamp,
        /// Whether it ends with the period anyway: then nobody is reminded.
        canceling: bool,
        /// The number of the last reminder; 0 before the first one.
        reminded: u8,
    },
    /// A trial ran out, and there is no way to pay.
    Paused {
        /// Since when.
        since: Timestamp,
    },
    /// Its user cancelled: it ends with the period, and can be resumed until then.
    Canceling {
        /// What is left of it.
        period: Period,
    },
    /// Over, for ever.
    Ended {
        /// Since when.
        at: Timestamp,
        /// Why.
        reason: EndReason,
    },
}

/// Where a subscription can be paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedCheckout {
    /// The provider's id of the checkout.
    pub id: String,
    /// Where the customer pays.
    pub url: String,
}

/// Why a subscription is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// Somebody ended it.
    Canceled,
    /// It was not paid.
    Unpaid,
    /// Nobody ever paid it.
    Abandoned,
}

/// A name that is no reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not why a subscription ends")]
pub struct UnknownEndReason(String);

impl SubscriptionState {
    /// The stable name, as stored and as shown.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Incomplete { .. } => "incomplete",
            Self::Trialing { .. } => "trialing",
            Self::Active { .. } => "active",
            Self::PastDue { .. } => "past_due",
            Self::Paused { .. } => "paused",
            Self::Canceling { .. } => "canceling",
            Self::Ended { .. } => "ended",
        }
    }

    /// Whether it is over.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        match self {
            Self::Ended { .. } => true,
            Self::Incomplete { .. }
            | Self::Trialing { .. }
            | Self::Active { .. }
            | Self::PastDue { .. }
            | Self::Paused { .. }
            | Self::Canceling { .. } => false,
        }
    }
}

impl EndReason {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::Canceled, Self::Unpaid, Self::Abandoned];

    /// The stable name, as stored and as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Canceled => "canceled",
            Self::Unpaid => "unpaid",
            Self::Abandoned => "abandoned",
        }
    }
}

impl FromStr for EndReason {
    type Err = UnknownEndReason;

    fn from_str(name: &str) -> Result<Self, UnknownEndReason> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.name() == name)
            .ok_or_else(|| UnknownEndReason(name.to_owned()))
    }
}
