//! What usage needs from the outside.
use std::time::Duration;

use async_trait::async_trait;

use super::{
    Call, CallReports, ChatCompletion, ChatEvent, ChatRequest, FailureKind, LimitRule, Metered,
    ModelEntry, PricedVersion, Provider, ProviderCredential, QuotaPeriod, Switch, SwitchTarget,
    ViolationReads, ViolationRepository,
};
use crate::{
    billing::Credits,
    ids::{ApiKeyId, CallId, HoldId, LimitRuleId, WorkspaceId},
    store::{BoxError, StoreError},
};

/// Asks the models of one provider, in its own format.
#[async_trait]
pub trait ChatProvider: Send + Sync {
    /// Checks that the provider's format can say all that is asked.
    ///
    /// # Errors
    ///
    /// [`UnsupportedParameter`] names what it cannot.
    fn check(&self, request: &ChatRequest) -> Result<(), UnsupportedParameter>;

    /// Asks for an answer in one piece.
    ///
    /// # Errors
    ///
    /// See [`ModelProviderError`].
    async fn complete(&self, request: &ChatRequest) -> Result<ChatCompletion, ModelProviderError>;

    /// Asks for an answer in pieces, and for what it used.
    ///
    /// # Errors
    ///
    /// See [`ModelProviderError`].
    async fn stream(
        &self,
        request: &ChatRequest,
    ) -> Result<Box<dyn ChatStream>, ModelProviderError>;

    /// Asks how many tokens a request would put in. Nothing is answered, and nothing is paid.
    ///
    /// # Errors
    ///
    /// See [`ModelProviderError`].
    async fn count_tokens(&self, request: &ChatRequest) -> Result<u64, ModelProviderError>;
}

/// An answer that comes in pieces. Dropping it hangs up.
#[async_trait]
pub trait ChatStream: Send {
    /// The next piece; nothing after the last one. After an error there is nothing more.
    async fn next(&mut self) -> Option<Result<ChatEvent, ModelProviderError>>;
}

/// Something that the provider of the model has no word for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the provider of this model does not support `{parameter}`")]
pub struct UnsupportedParameter {
    /// The parameter, as the caller names it.
    pub parameter: String,
}

/// Why a provider gave no answer, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum ModelProviderError {
    /// It refused the request as wrong, in these words.
    #[error("the provider refused the request: {message}")]
    Rejected {
        /// Its own words, for the caller to read.
        message: String,
    },
    /// We ask too often.
    #[error("the provider is rate limiting us")]
    RateLimited {
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// It does not accept our key.
    #[error("the provider does not accept our credentials")]
    Credentials,
    /// It failed, or could not be reached, or broke off.
    #[error("the provider is not available")]
    Unavailable(#[source] BoxError),
    /// It did not answer in time.
    #[error("the provider did not answer in time")]
    Timeout,
    /// Its answer cannot be read.
    #[error("the provider's answer cannot be read")]
    Malformed(#[source] BoxError),
}

impl ModelProviderError {
    /// What is recorded of it.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Rejected { .. } => FailureKind::Rejected,
            Self::RateLimited { .. } => FailureKind::RateLimited,
            Self::Credentials => FailureKind::Credentials,
            Self::Unavailable(_) => FailureKind::Unavailable,
            Self::Timeout => FailureKind::Timeout,
            Self::Malformed(_) => FailureKind::Malformed,
        }
    }
}

/// Calls within the scope of the work, to look at.
#[async_trait]
pub trait CallReads: Send {
    /// The call with this id.
    async fn find(&mut self, id: CallId) -> Result<Option<Call>, StoreError>;

    /// The call that a hold covers.
    async fn find_by_hold(&mut self, hold: HoldId) -> Result<Option<Call>, StoreError>;
}

/// Calls within the scope of the work, to change.
#[async_trait]
pub trait CallRepository: CallReads {
    /// Stores calls that were admitted, or that need no admission and have ended.
    async fn insert_all(&mut self, calls: &[Call]) -> Result<(), StoreError>;

    /// Stores that calls ended, all or none, and which models they came to be answered by.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when a stored one is not running: somebody was faster.
    async fn end_all(&mut self, calls: &[Call]) -> Result<(), StoreError>;

    /// The same, of one call.
    async fn insert(&mut self, call: &Call) -> Result<(), StoreError> {
        self.insert_all(std::slice::from_ref(call)).await
    }

    /// Stores that an estimate was corrected, once: what was used, and which model answered.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when the stored one is no settled estimate, or was corrected
    /// before: somebody was faster.
    async fn correct(&mut self, call: &Call) -> Result<(), StoreError>;

    /// Stores what a running call used so far. A call that has ended stays as it is.
    async fn checkpoint(&mut self, id: CallId, so_far: &Metered) -> Result<(), StoreError>;

    /// The same, of one call that ended.
    ///
    /// # Errors
    ///
    /// The same.
    async fn end(&mut self, call: &Call) -> Result<(), StoreError> {
        self.end_all(std::slice::from_ref(call)).await
    }
}

/// Counted calls per period within the scope of the work, to look at.
#[async_trait]
pub trait QuotaReads: Send {
    /// Calls of `workspace` counted in the period.
    async fn used(
        &mut self,
        workspace: WorkspaceId,
        period: QuotaPeriod,
    ) -> Result<u64, StoreError>;
}

/// Counted calls per period within the scope of the work, to change.
#[async_trait]
pub trait QuotaRepository: QuotaReads {
    /// Counts so many calls, if no more than `limit` are counted then. Says whether it did; the
    /// test and the counting are one statement.
    async fn take(
        &mut self,
        workspace: WorkspaceId,
        period: QuotaPeriod,
        calls: u64,
        limit: u64,
    ) -> Result<bool, StoreError>;

    /// Takes so many calls back that came to nothing. Never below zero.
    async fn give_back(
        &mut self,
        workspace: WorkspaceId,
        period: QuotaPeriod,
        calls: u64,
    ) -> Result<(), StoreError>;
}

/// What keys with a spending cap have spent, to look at.
#[async_trait]
pub trait KeySpendingReads: Send {
    /// What a key has spent and holds. Nothing, for one that was never counted.
    async fn spent(&mut self, key: ApiKeyId) -> Result<Credits, StoreError>;
}

/// What keys with a spending cap have spent, to change.
#[async_trait]
pub trait KeySpendingRepository: KeySpendingReads {
    /// Counts an amount, unless it would take the key beyond `cap`. Says whether it did; the
    /// test and the counting are one statement.
    async fn take(
        &mut self,
        key: ApiKeyId,
        amount: Credits,
        cap: Credits,
    ) -> Result<bool, StoreError>;

    /// Replaces an amount that was counted by what it came to, more or less. A key that was
    /// never counted stays uncounted.
    async fn correct(
        &mut self,
        key: ApiKeyId,
        counted: Credits,
        actual: Credits,
    ) -> Result<(), StoreError>;
}

/// What operators have stopped, to look at. It is the platform's: no scope applies.
#[async_trait]
pub trait SwitchReads: Send {
    /// Everything that is stopped, by kind and name.
    async fn all(&mut self) -> Result<Vec<Switch>, StoreError>;

    /// The switch of one target. Nothing, for what is not stopped.
    async fn find(&mut self, target: &SwitchTarget) -> Result<Option<Switch>, StoreError>;
}

/// What operators have stopped, to change.
#[async_trait]
pub trait SwitchRepository: SwitchReads {
    /// Stores a switch, in place of the one that its target has.
    async fn put(&mut self, switch: &Switch) -> Result<(), StoreError>;

    /// Removes the switch of a target. Says whether there was one.
    async fn remove(&mut self, target: &SwitchTarget) -> Result<bool, StoreError>;
}

/// Workspaces' own keys at providers within the scope of the work, to look at.
#[async_trait]
pub trait CredentialReads: Send {
    /// Those of `workspace`, by the names of their providers.
    async fn list(&mut self, workspace: WorkspaceId)
    -> Result<Vec<ProviderCredential>, StoreError>;

    /// That of `workspace` at one provider.
    async fn find(
        &mut self,
        workspace: WorkspaceId,
        provider: Provider,
    ) -> Result<Option<ProviderCredential>, StoreError>;
}

/// Workspaces' own keys at providers within the scope of the work, to change.
#[async_trait]
pub trait CredentialRepository: CredentialReads {
    /// Stores a key, in place of the one that its workspace has at this provider.
    async fn put(&mut self, credential: &ProviderCredential) -> Result<(), StoreError>;

    /// Removes the key of `workspace` at a provider. Says whether there was one.
    async fn remove(
        &mut self,
        workspace: WorkspaceId,
        provider: Provider,
    ) -> Result<bool, StoreError>;
}

/// Limits that operators set, to look at. They are the platform's: no scope applies.
#[async_trait]
pub trait LimitRuleReads: Send {
    /// All of them, by name.
    async fn all(&mut self) -> Result<Vec<LimitRule>, StoreError>;

    /// One of them.
    async fn find(&mut self, id: LimitRuleId) -> Result<Option<LimitRule>, StoreError>;
}

/// Limits that operators set, to change.
#[async_trait]
pub trait LimitRuleRepository: LimitRuleReads {
    /// Stores a new one. Another one of its name is a conflict.
    async fn insert(&mut self, rule: &LimitRule) -> Result<(), StoreError>;

    /// Stores the next version of one. That somebody else has stored it before, or removed it, is a
    /// conflict, and so is another one of its name.
    async fn replace(&mut self, rule: &LimitRule) -> Result<(), StoreError>;

    /// Removes one. Says whether there was one.
    async fn remove(&mut self, id: LimitRuleId) -> Result<bool, StoreError>;
}

/// What operators say of models, to look at. It is the platform's: no scope applies.
#[async_trait]
pub trait ModelEntryReads: Send {
    /// Everything that is said, by the ids of the models; of each, the prices are the oldest first.
    async fn all(&mut self) -> Result<Vec<ModelEntry>, StoreError>;
}

/// What operators say of models, to change.
#[async_trait]
pub trait ModelEntryRepository: ModelEntryReads {
    /// Waits until nobody else changes what is said, and keeps others waiting until the unit of
    /// work is over: what is read afterwards stays as it is.
    async fn take_turn(&mut self) -> Result<(), StoreError>;

    /// Stores what is said of a model but for its prices, in place of what was.
    async fn put(&mut self, entry: &ModelEntry) -> Result<(), StoreError>;

    /// Adds a price to a model of which something is said. It is a conflict, if there is one of that
    /// version or of that instant.
    async fn add_price(&mut self, id: &str, price: &PricedVersion) -> Result<(), StoreError>;
}

/// What usage reads.
pub trait UsageReads: Send {
    /// Calls.
    fn calls(&mut self) -> &mut dyn CallReads;

    /// Calls, listed and added up.
    fn reports(&mut self) -> &mut dyn CallReports;

    /// Quotas.
    fn quotas(&mut self) -> &mut dyn QuotaReads;

    /// What keys have spent.
    fn key_spending(&mut self) -> &mut dyn KeySpendingReads;

    /// What is stopped.
    fn switches(&mut self) -> &mut dyn SwitchReads;

    /// Limits that operators set.
    fn limit_rules(&mut self) -> &mut dyn LimitRuleReads;

    /// Calls that limits refused.
    fn violations(&mut self) -> &mut dyn ViolationReads;
    /// What is said of models.
    fn model_entries(&mut self) -> &mut dyn ModelEntryReads;

    /// Workspaces' own keys at providers.
    fn credentials(&mut self) -> &mut dyn CredentialReads;
}

/// The repositories usage works with, all in the same unit of work.
pub trait UsageRepositories: Send {
    /// Calls.
    fn calls(&mut self) -> &mut dyn CallRepository;

    /// Quotas.
    fn quotas(&mut self) -> &mut dyn QuotaRepository;

    /// What keys have spent.
    fn key_spending(&mut self) -> &mut dyn KeySpendingRepository;

    /// What is stopped.
    fn switches(&mut self) -> &mut dyn SwitchRepository;

    /// Limits that operators set.
    fn limit_rules(&mut self) -> &mut dyn LimitRuleRepository;

    /// Calls that limits refused.
    fn violations(&mut self) -> &mut dyn ViolationRepository;
    /// What is said of models.
    fn model_entries(&mut self) -> &mut dyn ModelEntryRepository;

    /// Workspaces' own keys at providers.
    fn credentials(&mut self) -> &mut dyn CredentialRepository;
}
