//! A subscription, as its provider knows it.
use crate::{billing::Period, ids::SubscriptionId, time::Timestamp};

/// A subscription, as its provider knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteSubscription {
    /// The provider's id of it.
    pub id: String,
    /// Which of ours it is. None, if we did not make it.
    pub subscription: Option<SubscriptionId>,
    /// Where it stands.
    pub status: RemoteStatus,
    /// What is paid for, or owed.
    pub period: Option<Period>,
    /// When it ends, if somebody cancelled it.
    pub ends_at: Option<Timestamp>,
    /// Since when it is over.
    pub ended_at: Option<Timestamp>,
    /// Whether it ended because it was not paid.
    pub unpaid: bool,
    /// The provider's id of what it costs.
    pub price: Option<String>,
}

/// Where a provider says that a subscription stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteStatus {
    /// Its first payment is not there yet.
    Incomplete,
    /// Its first payment never came.
    IncompleteExpired,
    /// It costs nothing yet.
    Trialing,
    /// Paid for.
    Active,
    /// A payment failed, and is tried again.
    PastDue,
    /// A payment failed, and is not tried again.
    Unpaid,
    /// Its trial is over, and there is no way to pay.
    Paused,
    /// Over.
    Canceled,
    /// A word that we do not know. Nothing is concluded from it.
    Unknown(String),
}

impl RemoteStatus {
    /// The word for it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Incomplete => "incomplete",
            Self::IncompleteExpired => "incomplete_expired",
            Self::Trialing => "trialing",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Unpaid => "unpaid",
            Self::Paused => "paused",
            Self::Canceled => "canceled",
            Self::Unknown(word) => word,
        }
    }
}
