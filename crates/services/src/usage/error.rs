//! Why a call was not made, or came to nothing.
use cape_domain::{
    billing::{Credits, PlanCode},
    store::StoreError,
    usage::{LimiterError, ModelProviderError, Provider, Quota, Refusal, UnsupportedParameter},
};

use crate::retry::Contended;

/// Why a call was not made, or came to nothing. Nothing is charged then.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// This process has not heard for a second what was taken back.
    #[error("paid calls are closed until it is known again who may make them")]
    Closed,
    /// The process is about to stop.
    #[error("this process is stopping")]
    Stopping,
    /// Only a program calls models, with an API key.
    #[error("models are called with an API key")]
    NotAProgram,
    /// No such model.
    #[error("the model `{0}` does not exist")]
    UnknownModel(String),
    /// The plan does not reach the model.
    #[error("the plan `{plan}` does not include the model `{model}`")]
    ModelNotInPlan {
        /// The model.
        model: String,
        /// The plan.
        plan: PlanCode,
    },
    /// The key was not made for the model.
    #[error("the API key may not call the model `{0}`")]
    ModelNotForKey(String),
    /// The key's spending cap does not leave room for the worst case.
    #[error("the API key may spend {cap} in all, and {spent} of that are spent or held")]
    KeyCapReached {
        /// The most that may be spent with it.
        cap: Credits,
        /// What was spent, and what running calls hold.
        spent: Credits,
    },
    /// We have no access to whoever runs the model.
    #[error("the provider {0} is not configured")]
    Disabled(Provider),
    /// The model has no price yet. Unknown is not free.
    #[error("the model `{0}` has no price")]
    UnknownPrice(String),
    /// More output was asked for than the model can give, or none.
    #[error("between 1 and {most} tokens can come out of this model")]
    OutputOutOfRange {
        /// The most that can.
        most: u64,
    },
    /// The conversation and its answer do not fit into the model.
    #[error("the conversation and its answer do not fit into {window} tokens")]
    TooLong {
        /// The most tokens that go in and come out together.
        window: u64,
    },
    /// The provider's format cannot say what was asked.
    #[error(transparent)]
    Unsupported(#[from] UnsupportedParameter),
    /// The worst case of the call does not fit into any amount.
    #[error("the call is too large")]
    TooLarge,
    /// A limit.
    #[error("rate limit `{rule}` reached: {refusal}", rule = refusal.standing.rule.name())]
    Limited {
        /// The rule, and where it stands.
        refusal: Box<Refusal>,
    },
    /// The monthly quota.
    #[error("quota `requests_per_month` reached: {used} of {limit} calls are used",
        used = quota.used, limit = quota.limit)]
    QuotaExceeded {
        /// The quota, and where it stands.
        quota: Quota,
    },
    /// The credits do not suffice for the worst case.
    #[error("{needed} credits needed, {available} available")]
    InsufficientCredits {
        /// The worst case of the call.
        needed: Credits,
        /// What is free.
        available: Credits,
    },
    /// The limiter cannot tell.
    #[error(transparent)]
    Limiter(#[from] LimiterError),
    /// The provider failed.
    #[error(transparent)]
    Provider(#[from] ModelProviderError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Contended for ChatError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Store(error) => error.is_conflict(),
            Self::Closed
            | Self::Stopping
            | Self::NotAProgram
            | Self::UnknownModel(_)
            | Self::ModelNotInPlan { .. }
            | Self::ModelNotForKey(_)
            | Self::KeyCapReached { .. }
            | Self::Disabled(_)
            | Self::UnknownPrice(_)
            | Self::OutputOutOfRange { .. }
            | Self::TooLong { .. }
            | Self::Unsupported(_)
            | Self::TooLarge
            | Self::Limited { .. }
            | Self::QuotaExceeded { .. }
            | Self::InsufficientCredits { .. }
            | Self::Limiter(_)
            | Self::Provider(_) => false,
        }
    }
}
