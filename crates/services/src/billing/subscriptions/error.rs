//! Why a subscription is not as asked.
use cape_domain::{
    billing::{Currency, PaymentProviderError, QuoteRefusal, SubscriptionRefusal},
    store::StoreError,
};

use super::{
    super::{PlanSyncError, customers::CustomerError},
    FollowError,
};
use crate::retry::Contended;

/// Why a subscription is not as asked.
#[derive(Debug, thiserror::Error)]
pub enum SubscriptionError {
    /// Nobody takes money here.
    #[error("payments are not configured")]
    Disabled,
    /// No such plan, or none that is sold.
    #[error("there is no plan `{0}` to subscribe to")]
    UnknownPlan(String),
    /// The plan has no such price.
    #[error("the plan is not sold in {0} at this interval")]
    NotSold(Currency),
    /// The actor is no person, or is no more.
    #[error("only a user can subscribe")]
    NotAPerson,
    /// The workspace has one that goes on.
    #[error("the workspace has a subscription already")]
    AlreadySubscribed,
    /// No such subscription.
    #[error("there is no such subscription")]
    Unknown,
    /// The workspace has none.
    #[error("the workspace has no subscription")]
    None,
    /// It cannot be so in its state.
    #[error(transparent)]
    Refused(#[from] SubscriptionRefusal),
    /// It cannot be changed so.
    #[error(transparent)]
    NoQuote(#[from] QuoteRefusal),
    /// No such quote.
    #[error("there is no such quote for this subscription")]
    UnknownQuote,
    /// The provider would charge another sum than what would be said.
    #[error("what the change costs cannot be said now")]
    QuoteMismatch,
    /// What was due at once was not paid.
    #[error("what is due was not paid: the plan stays what it is")]
    NotPaid,
    /// The provider failed.
    #[error(transparent)]
    Provider(#[from] PaymentProviderError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<CustomerError> for SubscriptionError {
    fn from(error: CustomerError) -> Self {
        match error {
            CustomerError::NotAPerson => Self::NotAPerson,
            CustomerError::Provider(error) => Self::Provider(error),
            CustomerError::Store(error) => Self::Store(error),
        }
    }
}

impl From<PlanSyncError> for SubscriptionError {
    fn from(error: PlanSyncError) -> Self {
        match error {
            PlanSyncError::Disabled => Self::Disabled,
            PlanSyncError::Provider(error) => Self::Provider(error),
            PlanSyncError::Store(error) => Self::Store(error),
        }
    }
}

impl From<FollowError> for SubscriptionError {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::Provider(error) => Self::Provider(error),
            FollowError::Store(error) => Self::Store(error),
        }
    }
}

impl Contended for SubscriptionError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Store(error) => error.is_conflict(),
            Self::Disabled
            | Self::UnknownPlan(_)
            | Self::NotSold(_)
            | Self::NotAPerson
            | Self::AlreadySubscribed
            | Self::Unknown
            | Self::None
            | Self::Refused(_)
            | Self::NoQuote(_)
            | Self::UnknownQuote
            | Self::QuoteMismatch
            | Self::NotPaid
            | Self::Provider(_) => false,
        }
    }
}
