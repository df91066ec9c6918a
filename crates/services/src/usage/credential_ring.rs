//! Workspaces' own keys at providers, opened, and remembered under the control feed.
//!
//! Not here: who may store one, which is the [`CredentialService`](super::CredentialService)'s.
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cape_domain::{
    access::{ControlChange, ControlEntry},
    audit::Vault,
    ids::{CredentialId, WorkspaceId},
    secret::Secret,
    store::{Scope, StoreError},
    time::Timestamp,
    usage::{CredentialUsed, Provider, ProviderCredential},
};
use chrono::TimeDelta;

use super::Upstream;
use crate::{Base, access::ObeysControl};

/// Says who is asked at one provider under a key. Connections are the same for all keys.
pub type Lender = Arc<dyn Fn(&Secret) -> Result<Upstream, UnusableKey> + Send + Sync>;

/// A key that cannot be sent to its provider. It is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key cannot be sent to its provider")]
pub struct UnusableKey;

/// Knows which keys workspaces have at providers.
pub struct CredentialRing {
    base: Base,
    vault: Arc<dyn Vault>,
    lenders: BTreeMap<Provider, Lender>,
    known: Mutex<HashMap<WorkspaceId, Remembered>>,
}

/// Whom a workspace asks under keys of its own.
#[derive(Clone, Default)]
pub struct OwnUpstreams(BTreeMap<Provider, (CredentialId, Upstream)>);

struct Remembered {
    own: Arc<OwnUpstreams>,
    until: Timestamp,
}

/// How many workspaces are remembered; beyond that, all are looked up again.
const REMEMBERED: usize = 20_000;

/// How long an opened key is kept, whether it is used or not.
const KEPT: TimeDelta = TimeDelta::minutes(10);

impl CredentialRing {
    /// Nothing is known yet. A key at a provider that nobody lends for is of no use.
    #[must_use]
    pub fn new(
        base: Base,
        vault: Arc<dyn Vault>,
        lenders: BTreeMap<Provider, Lender>,
    ) -> Arc<Self> {
        Arc::new(Self { base, vault, lenders, known: Mutex::default() })
    }

    /// The providers at which a workspace may have a key.
    #[must_use]
    pub fn providers(&self) -> BTreeSet<Provider> {
        self.lenders.keys().copied().collect()
    }

    /// Whom a workspace asks under keys of its own.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; also when a key cannot be opened. Nobody is asked under another one then.
    pub async fn of(&self, workspace: WorkspaceId) -> Result<Arc<OwnUpstreams>, StoreError> {
        let now = self.base.now();
        if let Some(known) = self.known().get(&workspace).filter(|known| now < known.until) {
            return Ok(Arc::clone(&known.own));
        }
        let mut work = self.base.store.read(Scope::Workspace(workspace)).await?;
        let stored = work.credentials().list(workspace).await?;
        drop(work);
        let mut own = OwnUpstreams::default();
        for credential in &stored {
            if let Some(lender) = self.lenders.get(&credential.provider) {
                let upstream = self.open(credential, lender)?;
                own.0.insert(credential.provider, (credential.id, upstream));
            }
        }
        let own = Arc::new(own);
        let mut known = self.known();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(workspace, Remembered { own: Arc::clone(&own), until: now + KEPT });
        Ok(own)
    }

    /// Whether a call of a workspace may still be made under this key.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub(super) async fn is_current(
        &self,
        workspace: WorkspaceId,
        provider: Provider,
        used: CredentialUsed,
    ) -> Result<bool, StoreError> {
        Ok(match used {
            CredentialUsed::Platform => true,
            CredentialUsed::Workspace(id) => self.of(workspace).await?.id_at(provider) == Some(id),
        })
    }

    fn open(
        &self,
        credential: &ProviderCredential,
        lender: &Lender,
    ) -> Result<Upstream, StoreError> {
        let ProviderCredential { workspace, id, sealed, .. } = credential;
        let what = "provider credential";
        let key = self.vault.disclose(*workspace, *id, sealed);
        let key = key.map_err(|error| StoreError::Corrupt { what, source: error.into() })?;
        lender(&key).map_err(|error| StoreError::Corrupt { what, source: error.into() })
    }

    fn known(&self) -> MutexGuard<'_, HashMap<WorkspaceId, Remembered>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OwnUpstreams {
    /// Whom it asks at this provider, and under which key.
    pub(super) fn at(&self, provider: Provider) -> Option<(CredentialId, &Upstream)> {
        self.0.get(&provider).map(|(id, upstream)| (*id, upstream))
    }

    /// Whether it has a key there.
    #[must_use]
    pub fn has(&self, provider: Provider) -> bool {
        self.0.contains_key(&provider)
    }

    fn id_at(&self, provider: Provider) -> Option<CredentialId> {
        self.at(provider).map(|(id, _)| id)
    }
}

impl ObeysControl for CredentialRing {
    fn apply(&self, entry: &ControlEntry) {
        match entry.change {
            ControlChange::CredentialsChanged(workspace) => {
                self.known().remove(&workspace);
            }
            ControlChange::SessionEpoch { .. }
            | ControlChange::LimitsChanged
            | ControlChange::ApiKeyChanged(_)
            | ControlChange::PlanChanged(_)
            | ControlChange::PlansChanged
            | ControlChange::SwitchesChanged
            | ControlChange::CatalogueChanged => {}
        }
    }

    fn forget(&self, now: Timestamp) {
        self.known().retain(|_, known| now < known.until);
    }
}
