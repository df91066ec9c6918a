//! Why a call was not made, or came to nothing.
use std::time::Duration;

use cape_domain::{
    billing::{Credits, PlanCode},
    store::StoreError,
    time::Timestamp,
    usage::{
        CredentialUsed, FailureKind, LimiterError, ModelKind, ModelProviderError, Provider, Quota,
        Refusal, Switch, SwitchTarget, UnsupportedParameter,
    },
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
    /// The model does something else than what is asked of it.
    #[error("the model `{model}` is for {}", match kind {
        ModelKind::Chat => "chats alone",
        ModelKind::Embedding { .. } => "embeddings alone",
        ModelKind::Moderation => "moderations alone",
    })]
    WrongKind {
        /// The model.
        model: String,
        /// What it does.
        kind: ModelKind,
    },
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
    /// We have no access to whoever runs the model, or they do not run models of this kind.
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
    /// One of the texts to turn into a vector does not fit into the model.
    #[error("this input does not fit into {window} tokens")]
    InputTooLong {
        /// Which one, counted from 0.
        input: usize,
        /// The most tokens of one.
        window: u64,
    },
    /// Vectors of another length were asked for than the model can give.
    #[error("a vector of this model has between 1 and {most} dimensions")]
    DimensionsOutOfRange {
        /// The most that it can have.
        most: u32,
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
    /// An operator has stopped the key, the workspace, the model or the provider.
    #[error("the {} is stopped: {}", .0.target, .0.reason)]
    Stopped(Box<Switch>),
    /// The key was taken back while the call was running.
    #[error("the API key was taken back")]
    KeyTakenBack,
    /// Nobody who runs the model answers at present, and nobody is asked.
    #[error("no provider of this model answers at present")]
    NotAnswering {
        /// When one is asked again.
        retry_after: Duration,
    },
    /// The provider refused the workspace's own key, or that was replaced or removed while the
    /// call was tried. Nobody is asked under another one.
    #[error("{0} does not accept the key that this workspace stored for it")]
    CredentialRefused(Provider),
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

impl ChatError {
    /// What is left to spend, where that was too little.
    pub(super) fn left(&self) -> Option<Credits> {
        match self {
            Self::InsufficientCredits { available, .. } => Some(*available),
            Self::KeyCapReached { cap, spent } => cap.minus(*spent).ok(),
            _ => None,
        }
    }

    /// What is recorded of a call that came to nothing for it.
    pub(super) const fn failure(&self) -> FailureKind {
        match self {
            Self::Provider(error) => error.kind(),
            Self::Stopped(_) | Self::KeyTakenBack => FailureKind::Stopped,
            Self::CredentialRefused(_) => FailureKind::Credentials,
            _ => FailureKind::Unavailable,
        }
    }

    /// Whether another model may be asked instead: what is stopped is one of many.
    pub(super) const fn is_about_a_model(&self) -> bool {
        match self {
            Self::Stopped(switch) => match switch.target {
                SwitchTarget::Model(_) | SwitchTarget::Provider(_) => true,
                SwitchTarget::Key(_) | SwitchTarget::Workspace(_) => false,
            },
            _ => false,
        }
    }

    /// What a provider told, who was asked under this key.
    pub(super) fn asking(
        error: ModelProviderError,
        (provider, credential): (Provider, CredentialUsed),
    ) -> Self {
        match (error.kind(), credential) {
            (FailureKind::Credentials, CredentialUsed::Workspace(_)) => {
                Self::CredentialRefused(provider)
            }
            (_, CredentialUsed::Workspace(_) | CredentialUsed::Platform) => error.into(),
        }
    }

    /// Nobody answers before `until`.
    pub(super) fn not_answering(until: Timestamp, now: Timestamp) -> Self {
        Self::NotAnswering { retry_after: (until - now).to_std().unwrap_or_default() }
    }
}

impl From<&Switch> for ChatError {
    fn from(switch: &Switch) -> Self {
        Self::Stopped(Box::new(switch.clone()))
    }
}

impl Contended for ChatError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Store(error) => error.is_conflict(),
            Self::Closed
            | Self::Stopping
            | Self::NotAProgram
            | Self::UnknownModel(_)
            | Self::WrongKind { .. }
            | Self::ModelNotInPlan { .. }
            | Self::ModelNotForKey(_)
            | Self::KeyCapReached { .. }
            | Self::Disabled(_)
            | Self::UnknownPrice(_)
            | Self::OutputOutOfRange { .. }
            | Self::TooLong { .. }
            | Self::InputTooLong { .. }
            | Self::DimensionsOutOfRange { .. }
            | Self::Unsupported(_)
            | Self::TooLarge
            | Self::Limited { .. }
            | Self::QuotaExceeded { .. }
            | Self::InsufficientCredits { .. }
            | Self::Stopped(_)
            | Self::KeyTakenBack
            | Self::NotAnswering { .. }
            | Self::CredentialRefused(_)
            | Self::Limiter(_)
            | Self::Provider(_) => false,
        }
    }
}
