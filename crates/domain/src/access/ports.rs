//! What access needs from the outside.
use async_trait::async_trait;

use super::{AccessClaims, ApiKey, ControlEntry, TokenRefused};
use crate::{
    ids::ApiKeyId,
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

    /// The public keys, as a JSON Web Key Set (RFC 7517).
    fn key_set(&self) -> RawJson;
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
