//! What access needs from the outside.
use async_trait::async_trait;

use super::{AccessClaims, ApiKey, Attempt, ControlEntry, Throttled, TokenRefused};
use crate::{
    ids::{ApiKeyId, UserId},
    json::RawJson,
    page::{Page, PageRequest},
    secret::Secret,
    store::StoreError,
    time::Timestamp,
};

/// Signs and reads access tokens. The algorithm is pinned; expiry is checked against `now`.
pub trait AccessTokens: Send + Sync {
    /// The token that says this.
    fn sign(&self, claims: &AccessClaims) -> Secret;

    /// What a token says.
    ///
    /// # Errors
    ///
    /// [`TokenRefused`] unless it is one of ours, for this purpose, and good at `now`.
    fn verify(&self, token: &str, now: Timestamp) -> Result<AccessClaims, TokenRefused>;

    /// The public keys that tokens are, were or will soon be signed with at `now`, as a JSON Web
    /// Key Set (RFC 7517).
    fn key_set(&self, now: Timestamp) -> RawJson;

    /// Who signs: the claim `iss`.
    fn issuer(&self) -> &str;

    /// For whom: the claim `aud`.
    fn audience(&self) -> &str;
}

/// Counts attempts that fail, and makes whoever fails wait. See [`Tally`](super::Tally).
#[async_trait]
pub trait Throttle: Send + Sync {
    /// Counts an attempt as failed before its outcome is known, so that many at the same time
    /// are no way around; [`succeed`](Self::succeed) takes that back. One that has to wait counts
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`Throttled`] until when it has to wait.
    async fn claim(&self, attempt: &Attempt, now: Timestamp) -> Result<(), Throttled>;

    /// Whether an attempt has to wait, without counting it.
    ///
    /// # Errors
    ///
    /// [`Throttled`] until when it has to wait.
    async fn check(&self, attempt: &Attempt, now: Timestamp) -> Result<(), Throttled>;

    /// Counts an attempt that failed and was not claimed.
    async fn fail(&self, attempt: &Attempt, now: Timestamp);

    /// Takes back what a claim counted, and forgets what else failed about the account. What its
    /// network failed elsewhere stays counted: nobody clears it by signing in to an account of
    /// its own.
    async fn succeed(&self, attempt: &Attempt, now: Timestamp);
}

/// API keys within the scope of the work, to look at.
#[async_trait]
pub trait ApiKeyReads: Send {
    /// The key with this id, revoked or not.
    async fn find(&mut self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError>;

    /// Keys that are not revoked, newest first.
    async fn list(&mut self, page: PageRequest) -> Result<Page<ApiKey>, StoreError>;
}

/// API keys within the scope of the work, to change.
#[async_trait]
pub trait ApiKeyRepository: ApiKeyReads {
    /// Stores a new key.
    async fn insert(&mut self, key: &ApiKey) -> Result<(), StoreError>;

    /// Stores that a key was revoked.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when it is not there or was revoked already.
    async fn revoke(&mut self, id: ApiKeyId, at: Timestamp) -> Result<(), StoreError>;

    /// Stores when a key stops being good.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when it is not there or was revoked.
    async fn expire(&mut self, id: ApiKeyId, at: Timestamp) -> Result<(), StoreError>;

    /// Takes note of when keys were used. A note never moves back; keys that are gone are passed
    /// over.
    async fn note_use(&mut self, uses: &[(ApiKeyId, Timestamp)]) -> Result<(), StoreError>;

    /// Every key of an owner, in all workspaces within scope, that is not revoked.
    async fn of_owner(&mut self, owner: UserId) -> Result<Vec<ApiKey>, StoreError>;
}

/// The control feed, to look at.
#[async_trait]
pub trait ControlReads: Send {
    /// Everything decided at `since` or later, oldest first.
    async fn since(&mut self, since: Timestamp) -> Result<Vec<ControlEntry>, StoreError>;
}

/// The control feed, to add to.
#[async_trait]
pub trait ControlRepository: ControlReads {
    /// Adds an entry.
    async fn publish(&mut self, entry: &ControlEntry) -> Result<(), StoreError>;

    /// Deletes what was decided before `before`, and says how much that was.
    async fn prune(&mut self, before: Timestamp) -> Result<u64, StoreError>;
}

/// What access reads.
pub trait AccessReads: Send {
    /// API keys.
    fn api_keys(&mut self) -> &mut dyn ApiKeyReads;

    /// The control feed.
    fn control(&mut self) -> &mut dyn ControlReads;
}

/// The repositories access works with, all in the same unit of work.
pub trait AccessRepositories: Send {
    /// API keys.
    fn api_keys(&mut self) -> &mut dyn ApiKeyRepository;

    /// The control feed.
    fn control(&mut self) -> &mut dyn ControlRepository;
}
