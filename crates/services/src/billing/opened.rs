//! What comes of ordering: an order that can be paid, or why there is none.
use cape_domain::{
    billing::{Currency, Order, OrderState, PaymentMismatch, PaymentProviderError},
    store::StoreError,
};

use super::customers::CustomerError;
use crate::retry::Contended;

/// An order that can be paid.
#[derive(Clone, Debug)]
pub struct OpenedOrder {
    /// The order.
    pub order: Order,
    /// Where it is paid.
    pub url: String,
}

impl OpenedOrder {
    /// An order, if it can be paid.
    pub(super) fn of(order: Order) -> Option<Self> {
        match &order.state {
            OrderState::Open { url, .. } => Some(Self { url: url.clone(), order }),
            OrderState::Intended
            | OrderState::Paid { .. }
            | OrderState::Expired { .. }
            | OrderState::Failed { .. } => None,
        }
    }
}

/// Why nothing could be ordered.
#[derive(Debug, thiserror::Error)]
pub enum PurchaseError {
    /// Nobody takes money here.
    #[error("payments are not configured")]
    Disabled,
    /// No such pack.
    #[error("there is no pack `{0}`")]
    UnknownPack(String),
    /// The pack has no price in this currency.
    #[error("the pack is not sold in {0}")]
    CurrencyNotSold(Currency),
    /// The actor is no person, or is no more.
    #[error("only a user can buy")]
    NotAPerson,
    /// The provider failed.
    #[error(transparent)]
    Provider(#[from] PaymentProviderError),
    /// Something else was paid than what was ordered.
    #[error(transparent)]
    Mismatch(#[from] PaymentMismatch),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<CustomerError> for PurchaseError {
    fn from(error: CustomerError) -> Self {
        match error {
            CustomerError::NotAPerson => Self::NotAPerson,
            CustomerError::Provider(error) => Self::Provider(error),
            CustomerError::Store(error) => Self::Store(error),
        }
    }
}

impl Contended for PurchaseError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Store(error) => error.is_conflict(),
            Self::Disabled
            | Self::UnknownPack(_)
            | Self::CurrencyNotSold(_)
            | Self::NotAPerson
            | Self::Provider(_)
            | Self::Mismatch(_) => false,
        }
    }
}
