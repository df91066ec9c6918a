//! Making and taking back API keys.
use std::sync::Arc;

use cape_domain::{
    access::{
        ApiKey, ControlChange, ControlEntry, CreateKeys, KeyRules, KeyState, ManageKeys, Permit,
        PresentedKey,
    },
    audit::Action,
    ids::{ApiKeyId, ControlId, UserId, WorkspaceId},
    page::{Page, PageRequest},
    secret::Secret,
    store::{Durability, StoreError, UnitOfWork},
    text::Name,
};
use chrono::TimeDelta;

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

/// How long a key that was replaced stays good: a day, unless said otherwise, a week at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap(TimeDelta);

/// An overlap that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be from 0 to {} hours", Overlap::MOST_HOURS)]
pub struct InvalidOverlap;

impl Overlap {
    /// A week.
    pub const MOST_HOURS: u32 = 168;

    /// So many hours.
    ///
    /// # Errors
    ///
    /// [`InvalidOverlap`] beyond a week.
    pub fn hours(hours: u32) -> Result<Self, InvalidOverlap> {
        if hours > Self::MOST_HOURS {
            return Err(InvalidOverlap);
        }
        Ok(Self(TimeDelta::hours(hours.into())))
    }
}

impl Default for Overlap {
    fn default() -> Self {
        Self(TimeDelta::hours(24))
    }
}

/// Why a key could not be made or taken back.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// No such key in the actor's workspace, or it was taken back before.
    #[error("API key {0} does not exist")]
    NotFound(ApiKeyId),
    /// It would never be good.
    #[error("must be in the future")]
    AlreadyExpired,
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
            Self::NotFound(_) | Self::AlreadyExpired | Self::NotAPerson => false,
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
        permit: Permit<CreateKeys>,
        name: Name,
        rules: KeyRules,
    ) -> Result<NewApiKey, ApiKeyError> {
        let actor = permit.actor();
        let (owner, _) = actor.person().ok_or(ApiKeyError::NotAPerson)?;
        if rules.expires_at.is_some_and(|expiry| expiry <= self.base.now()) {
            return Err(ApiKeyError::AlreadyExpired);
        }
        let (key, presented) = self.make(actor.workspace, owner, name, rules);
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

    /// Makes a key in place of another one, for the same and with the same name. The other one
    /// stays good for `overlap`, so that programs can change over.
    ///
    /// # Errors
    ///
    /// See [`ApiKeyError`].
    pub async fn rotate(
        &self,
        permit: Permit<CreateKeys>,
        id: ApiKeyId,
        overlap: Overlap,
    ) -> Result<NewApiKey, ApiKeyError> {
        let actor = permit.actor();
        let (owner, _) = actor.person().ok_or(ApiKeyError::NotAPerson)?;
        retry!(async {
            let mut work = self.base.store.begin(permit.scope(), Durability::Power).await?;
            let now = self.base.now();
            let found = work.api_keys().find(id).await?.filter(|key| key.is_good(now));
            let old = found.ok_or(ApiKeyError::NotFound(id))?;
            let (name, rules) = (old.name.clone(), old.rules.clone());
            let (key, presented) = self.make(actor.workspace, owner, name, rules);
            work.api_keys().insert(&key).await?;
            let old = old.run_out(now + overlap.0);
            let until = old.rules.expires_at.unwrap_or(now);
            work.api_keys().expire(id, until).await?;
            self.publish(&mut *work, id).await?;
            let fact = Fact {
                action: Action::ApiKeyRotated,
                subject: id.to_string(),
                before: &[],
                after: &[("successor", &key.id.to_string()), ("until", &until.to_rfc3339())],
            };
            self.trail.enter(&mut *work, actor, None, fact).await?;
            work.commit().await?;
            Ok::<_, ApiKeyError>(NewApiKey { key, secret: presented.reveal() })
        })
    }

    fn make(
        &self,
        workspace: WorkspaceId,
        owner: UserId,
        name: Name,
        rules: KeyRules,
    ) -> (ApiKey, PresentedKey) {
        let presented =
            PresentedKey::generate(ApiKeyId::next(&*self.base.ids), &*self.base.secrets);
        let key = ApiKey {
            id: presented.id,
            workspace,
            owner,
            name,
            secret_hash: presented.hash(),
            rules,
            created_at: self.base.now(),
            last_used_at: None,
            state: KeyState::Active,
        };
        (key, presented)
    }

    /// Has every process look at the key again.
    async fn publish(&self, work: &mut dyn UnitOfWork, key: ApiKeyId) -> Result<(), StoreError> {
        let change = ControlChange::ApiKeyChanged(key);
        let id = ControlId::next(&*self.base.ids);
        work.control().publish(&ControlEntry { id, at: self.base.now(), change }).await
    }

    /// Keys of the actor's workspace that were not taken back, newest first. Those that have
    /// expired are among them.
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
            self.publish(&mut *work, id).await?;
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
