//! What the trail needs from the outside.
use async_trait::async_trait;

use super::{AuditEntry, PersonalKey, Sealed, SealedSecret};
use crate::{
    ids::{CredentialId, UserId, WorkspaceId},
    page::{Page, PageRequest},
    secret::Secret,
    store::StoreError,
};

/// Encrypts personal data under per-person keys, and those under the platform's key; secrets of
/// workspaces each under a key of their own.
pub trait Vault: Send + Sync {
    /// A fresh key for a person.
    ///
    /// # Errors
    ///
    /// [`SealError`] when the platform's key is not usable.
    fn make_key(&self, person: UserId) -> Result<PersonalKey, SealError>;

    /// Encrypts a text. The same text is never the same ciphertext twice.
    ///
    /// # Errors
    ///
    /// [`SealError`] when the key cannot be unwrapped.
    fn seal(&self, key: &PersonalKey, text: &str) -> Result<Sealed, SealError>;

    /// Decrypts a text.
    ///
    /// # Errors
    ///
    /// [`SealError`] when the key is another person's, or a bit of it was changed.
    fn open(&self, key: &PersonalKey, sealed: &Sealed) -> Result<String, SealError>;

    /// Encrypts a secret of a workspace. It can be read as that one alone.
    ///
    /// # Errors
    ///
    /// [`SealError`] when the platform's key is not usable.
    fn enclose(
        &self,
        workspace: WorkspaceId,
        credential: CredentialId,
        secret: &Secret,
    ) -> Result<SealedSecret, SealError>;

    /// Decrypts a secret of a workspace.
    ///
    /// # Errors
    ///
    /// [`SealError`] when it was sealed for another workspace or as another credential, or a bit
    /// of it was changed.
    fn disclose(
        &self,
        workspace: WorkspaceId,
        credential: CredentialId,
        sealed: &SealedSecret,
    ) -> Result<Secret, SealError>;
}

/// Something cannot be encrypted or decrypted. It does not say more: that would help a forger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the encryption key is not usable")]
pub struct SealError;

/// The trail within the scope of the work, to look at.
#[async_trait]
pub trait TrailReads: Send {
    /// Entries, newest first.
    async fn list(&mut self, page: PageRequest) -> Result<Page<AuditEntry>, StoreError>;
}

/// The trail, to add to. Nothing in it is ever changed.
#[async_trait]
pub trait TrailRepository: TrailReads {
    /// Adds an entry.
    async fn append(&mut self, entry: &AuditEntry) -> Result<(), StoreError>;
}

/// Keys of persons, to look at.
#[async_trait]
pub trait PersonalKeyReads: Send {
    /// The person's key, unless there is none or it was destroyed.
    async fn find(&mut self, person: UserId) -> Result<Option<PersonalKey>, StoreError>;
}

/// Keys of persons, to change.
#[async_trait]
pub trait PersonalKeyRepository: PersonalKeyReads {
    /// Stores a new key.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when the person has one.
    async fn insert(&mut self, key: &PersonalKey) -> Result<(), StoreError>;
}

/// What audit reads.
pub trait AuditReads: Send {
    /// The trail.
    fn trail(&mut self) -> &mut dyn TrailReads;

    /// Keys of persons.
    fn personal_keys(&mut self) -> &mut dyn PersonalKeyReads;
}

/// The repositories audit works with, all in the same unit of work.
pub trait AuditRepositories: Send {
    /// The trail.
    fn trail(&mut self) -> &mut dyn TrailRepository;

    /// Keys of persons.
    fn personal_keys(&mut self) -> &mut dyn PersonalKeyRepository;
}
