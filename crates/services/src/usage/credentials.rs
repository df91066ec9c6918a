//! Storing and removing workspaces' own keys at providers.
//!
//! What comes of it for calls is the [`CredentialRing`]'s.
use std::sync::Arc;

use cape_domain::{
    access::{Actor, ControlChange, ControlEntry, ManageCredentials, Permit, ViewCredentials},
    audit::{Action, Vault},
    ids::{ControlId, CredentialId},
    store::{Durability, StoreError, UnitOfWork},
    usage::{Provider, ProviderCredential, ProviderKey},
};

use super::CredentialRing;
use crate::{
    Base,
    audit::{Fact, Trail},
    retry::{Contended, retry},
};

/// Stores and removes workspaces' own keys at providers.
pub struct CredentialService {
    base: Base,
    trail: Trail,
    vault: Arc<dyn Vault>,
    ring: Arc<CredentialRing>,
}

/// Why a key was not stored, found or removed.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// There is no such provider. A typo must not look like success.
    #[error("there is no provider {0}")]
    UnknownProvider(Provider),
    /// The workspace has no key there.
    #[error("the workspace has no key of its own at {0}")]
    NotFound(Provider),
    /// Only a person does that.
    #[error("only a person stores keys")]
    NotAPerson,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Contended for CredentialError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Store(error) => error.is_conflict(),
            Self::UnknownProvider(_) | Self::NotFound(_) | Self::NotAPerson => false,
        }
    }
}

impl CredentialService {
    /// A service that seals keys with this vault.
    #[must_use]
    pub fn new(
        base: Base,
        trail: Trail,
        vault: Arc<dyn Vault>,
        ring: Arc<CredentialRing>,
    ) -> Arc<Self> {
        Arc::new(Self { base, trail, vault, ring })
    }

    /// The keys of the actor's workspace, by the names of their providers; sealed.
    ///
    /// # Errors
    ///
    /// See [`CredentialError`].
    pub async fn list(
        &self,
        permit: Permit<ViewCredentials>,
    ) -> Result<Vec<ProviderCredential>, CredentialError> {
        let mut work = self.base.store.read(permit.scope()).await?;
        Ok(work.credentials().list(permit.actor().workspace).await?)
    }

    /// The key of the actor's workspace at one provider; sealed.
    ///
    /// # Errors
    ///
    /// See [`CredentialError`].
    pub async fn find(
        &self,
        permit: Permit<ViewCredentials>,
        provider: Provider,
    ) -> Result<ProviderCredential, CredentialError> {
        let mut work = self.base.store.read(permit.scope()).await?;
        let found = work.credentials().find(permit.actor().workspace, provider).await?;
        found.ok_or(CredentialError::NotFound(provider))
    }

    /// Stores a key of the actor's workspace, in place of the one it has there. Within a second
    /// every process calls the provider under it for this workspace, and under no other.
    ///
    /// # Errors
    ///
    /// See [`CredentialError`].
    pub async fn put(
        &self,
        permit: Permit<ManageCredentials>,
        provider: Provider,
        key: ProviderKey,
    ) -> Result<ProviderCredential, CredentialError> {
        let actor = permit.actor();
        let (created_by, _) = actor.person().ok_or(CredentialError::NotAPerson)?;
        if !self.ring.providers().contains(&provider) {
            return Err(CredentialError::UnknownProvider(provider));
        }
        let (id, workspace) = (CredentialId::next(&*self.base.ids), actor.workspace);
        let sealed = self.vault.enclose(workspace, id, key.secret()).map_err(|error| {
            StoreError::Corrupt { what: "provider credential", source: error.into() }
        })?;
        let credential = ProviderCredential {
            id,
            workspace,
            provider,
            sealed,
            ending: key.ending().to_owned(),
            created_at: self.base.now(),
            created_by,
        };
        retry!(async {
            let mut work = self.base.store.begin(permit.scope(), Durability::Power).await?;
            let before = work.credentials().find(workspace, provider).await?;
            work.credentials().put(&credential).await?;
            let before = before.map(|before| Shown::of(&before));
            let after = Shown::of(&credential);
            let fact = Fact {
                action: Action::CredentialStored,
                subject: id.to_string(),
                before: &before.as_ref().map(Shown::facts).unwrap_or_default(),
                after: &after.facts(),
            };
            self.tell(&mut *work, actor, fact).await?;
            work.commit().await?;
            Ok(credential.clone())
        })
    }

    /// Removes the key of the actor's workspace. Within a second no process uses it any more; a
    /// call that is under way is finished.
    ///
    /// # Errors
    ///
    /// See [`CredentialError`].
    pub async fn remove(
        &self,
        permit: Permit<ManageCredentials>,
        provider: Provider,
    ) -> Result<(), CredentialError> {
        let actor = permit.actor();
        let not_found = || CredentialError::NotFound(provider);
        retry!(async {
            let mut work = self.base.store.begin(permit.scope(), Durability::Power).await?;
            let before = work.credentials().find(actor.workspace, provider).await?;
            let before = before.ok_or_else(not_found)?;
            if !work.credentials().remove(actor.workspace, provider).await? {
                return Err(not_found());
            }
            let shown = Shown::of(&before);
            let fact = Fact {
                action: Action::CredentialRemoved,
                subject: before.id.to_string(),
                before: &shown.facts(),
                after: &[],
            };
            self.tell(&mut *work, actor, fact).await?;
            Ok(work.commit().await?)
        })
    }

    /// Enters it in the trail, and has every process look again.
    async fn tell(
        &self,
        work: &mut dyn UnitOfWork,
        actor: &Actor,
        fact: Fact<'_>,
    ) -> Result<(), StoreError> {
        let change = ControlChange::CredentialsChanged(actor.workspace);
        let id = ControlId::next(&*self.base.ids);
        work.control().publish(&ControlEntry { id, at: self.base.now(), change }).await?;
        self.trail.enter(work, actor, None, fact).await
    }
}

/// What the trail says of a key.
struct Shown {
    id: String,
    provider: String,
    ending: String,
}

impl Shown {
    fn of(credential: &ProviderCredential) -> Self {
        let ProviderCredential { id, provider, ending, .. } = credential;
        Self { id: id.to_string(), provider: provider.to_string(), ending: ending.clone() }
    }

    fn facts(&self) -> Vec<(&str, &str)> {
        let Self { id, provider, ending } = self;
        vec![("id", id), ("provider", provider), ("ending", ending)]
    }
}
