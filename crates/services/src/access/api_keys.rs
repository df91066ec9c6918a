//! Making and taking back API keys.
use std::sync::Arc;

use cape_domain::{
    access::{
        ApiKey, ControlChange, ControlEntry, KeyState, ManageKeys, Permit, PresentedKey, Principal,
    },
    audit::Action,
    ids::{ApiKeyId, ControlId},
    page::{Page, PageRequest},
    secret::Secret,
    store::{Durability, StoreError},
    text::Name,
};

use crate::{
    Base,
    audit::{Fact, Trail},
    retry::{Contended, retry},
};

/// Makes, lists and takes back API keys.
pub struct ApiKeyService {
    base: Base,
    trail: Trail,
}

/// A key that was just made, with its secret: the only time it is shown.
pub struct NewApiKey {
    /// The key, as stored.
    pub key: ApiKey,
    /// The whole key, as its program presents it.
    pub secret: Secret,
}

/// Why a key could not be made or taken back.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// No such key in the actor's workspace, or it was taken back before.
    #[error("API key {0} does not exist")]
    NotFound(ApiKeyId),
    /// Only a person makes keys.
    #[error("an API key cannot make another")]
    NotAPerson,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Contended for ApiKeyError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Store(error) => error.is_conflict(),
            Self::NotFound(_) | Self::NotAPerson => false,
        }
    }
}

impl ApiKeyService {
    /// A service that enters what it does in this trail.
    #[must_use]
    pub fn new(base: Base, trail: Trail) -> Arc<Self> {
        Arc::new(Self { base, trail })
    }

    /// Makes a key for the actor's workspace.
    ///
    /// # Errors
    ///
    /// See [`ApiKeyError`].
    pub async fn create(
        &self,
        permit: Permit<ManageKeys>,
        name: Name,
    ) -> Result<NewApiKey, ApiKeyError> {
        let actor = permit.actor();
        let Principal::User { id: owner, .. } = actor.principal else {
            return Err(ApiKeyError::NotAPerson);
        };
        let presented =
            PresentedKey::generate(ApiKeyId::next(&*self.base.ids), &*self.base.secrets);
        let key = ApiKey {
            id: presented.id,
            workspace: actor.workspace,
            owner,
            name,
            secret_hash: presented.hash(),
            created_at: self.base.now(),
            state: KeyState::Active,
        };
        retry!(async {
            let mut work = self.base.store.begin(permit.scope(), Durability::Power).await?;
            work.api_keys().insert(&key).await?;
            let fact = Fact {
                action: Action::ApiKeyCreated,
                subject: key.id.to_string(),
                before: &[],
                after: &[("name", key.name.as_str()), ("prefix", &key.prefix())],
            };
            self.trail.enter(&mut *work, actor, None, fact).await?;
            work.commit().await
        })?;
        Ok(NewApiKey { key, secret: presented.reveal() })
    }

    /// Keys of the actor's workspace that are good, newest first.
    ///
    /// # Errors
    ///
    /// See [`ApiKeyError`].
    pub async fn list(
        &self,
        permit: Permit<ManageKeys>,
        page: PageRequest,
    ) -> Result<Page<ApiKey>, ApiKeyError> {
        let mut work = self.base.store.read(permit.scope()).await?;
        Ok(work.api_keys().list(page).await?)
    }

    /// Takes a key back. Within a second it is refused by every process.
    ///
    /// # Errors
    ///
    /// See [`ApiKeyError`].
    pub async fn revoke(
        &self,
        permit: Permit<ManageKeys>,
        id: ApiKeyId,
    ) -> Result<(), ApiKeyError> {
        retry!(async {
            let mut work = self.base.store.begin(permit.scope(), Durability::Power).await?;
            let key = work.api_keys().find(id).await?.ok_or(ApiKeyError::NotFound(id))?;
            match key.state {
                KeyState::Active => {}
                KeyState::Revoked { .. } => return Err(ApiKeyError::NotFound(id)),
            }
            let at = self.base.now();
            work.api_keys().revoke(id, at).await?;
            let change = ControlChange::ApiKeyRevoked(id);
            let entry = ControlEntry { id: ControlId::next(&*self.base.ids), at, change };
            work.control().publish(&entry).await?;
            let fact = Fact {
                action: Action::ApiKeyRevoked,
                subject: id.to_string(),
                before: &[("name", key.name.as_str())],
                after: &[],
            };
            self.trail.enter(&mut *work, permit.actor(), None, fact).await?;
            Ok(work.commit().await?)
        })
    }
}
