//! Finding out who is calling.
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use cape_domain::{
    access::{
        AccessClaims, AccessTokens, Actor, ApiKey, ControlChange, ControlEntry, Grants, KeyState,
        PresentedKey, Principal, Revocations, TokenRefused,
    },
    ids::{ApiKeyId, RequestId, SessionId},
    store::{Durability, Scope, StoreError},
    time::Timestamp,
};

use super::ObeysControl;
use crate::Base;

/// The request through which somebody acts.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    /// Which request.
    pub request: RequestId,
    /// Where it comes from.
    pub address: Option<IpAddr>,
}

/// Somebody who was recognised, and what they were granted.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who it is.
    pub actor: Actor,
    /// What it may do.
    pub grants: Grants,
}

/// Why a caller is not let in.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The access token is not good.
    #[error(transparent)]
    Token(#[from] TokenRefused),
    /// The API key is not good. It does not say why.
    #[error("the API key is not valid")]
    Key,
    /// Who it is cannot be found out right now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How many keys and sessions are remembered; beyond that, all are looked up again.
const REMEMBERED: usize = 20_000;

/// Recognises access tokens and API keys, and remembers what it may under the control feed.
pub struct Authenticator {
    base: Base,
    tokens: Arc<dyn AccessTokens>,
    revocations: Mutex<Revocations>,
    keys: Mutex<HashMap<ApiKeyId, Arc<ApiKey>>>,
    used: Mutex<HashMap<SessionId, u32>>,
}

impl Authenticator {
    /// Recognises tokens of this signer.
    #[must_use]
    pub fn new(base: Base, tokens: Arc<dyn AccessTokens>) -> Arc<Self> {
        Arc::new(Self {
            base,
            tokens,
            revocations: Mutex::default(),
            keys: Mutex::default(),
            used: Mutex::default(),
        })
    }

    /// Recognises a person by an access token.
    ///
    /// # Errors
    ///
    /// See [`Refused`].
    pub async fn person(&self, token: &str, origin: Origin) -> Result<Caller, Refused> {
        let claims = self.tokens.verify(token, self.base.now())?;
        lock(&self.revocations).check(&claims)?;
        self.note_use(&claims).await?;
        let mut work = self.base.store.read(Scope::Workspace(claims.workspace)).await?;
        let member = work.workspaces().membership(claims.workspace, claims.user).await?;
        let principal =
            Principal::User { id: claims.user, session: claims.session, impersonated_by: None };
        let actor = Actor {
            principal,
            workspace: claims.workspace,
            authenticated_at: claims.authenticated_at,
            request: origin.request,
            address: origin.address,
        };
        let grants = member.map(|member| member.role.grants()).unwrap_or_default();
        Ok(Caller { actor, grants })
    }

    /// Recognises a program by an API key.
    ///
    /// # Errors
    ///
    /// See [`Refused`].
    pub async fn program(&self, key: &str, origin: Origin) -> Result<Caller, Refused> {
        let presented: PresentedKey = key.parse().map_err(|_| Refused::Key)?;
        let key = self.key(presented.id).await?.ok_or(Refused::Key)?;
        if !key.accepts(&presented) {
            return Err(Refused::Key);
        }
        let actor = Actor {
            principal: Principal::ApiKey { id: key.id, owner: key.owner },
            workspace: key.workspace,
            authenticated_at: self.base.now(),
            request: origin.request,
            address: origin.address,
        };
        Ok(Caller { actor, grants: Grants::of_api_key() })
    }

    async fn key(&self, id: ApiKeyId) -> Result<Option<Arc<ApiKey>>, StoreError> {
        if let Some(key) = lock(&self.keys).get(&id) {
            return Ok(Some(Arc::clone(key)));
        }
        let mut work = self.base.store.read(Scope::Platform).await?;
        let found = work.api_keys().find(id).await?.map(Arc::new);
        if let Some(key) = found.as_ref().filter(|key| key.state == KeyState::Active) {
            remember(&self.keys, id, Arc::clone(key));
        }
        Ok(found)
    }

    /// The first use of a pair of tokens proves that its receiver got it. It is written once
    /// per pair and process.
    async fn note_use(&self, claims: &AccessClaims) -> Result<(), StoreError> {
        let (session, generation) = (claims.session, claims.id.generation);
        let noted = lock(&self.used).get(&session).copied();
        if noted.is_some_and(|noted| noted >= generation) {
            return Ok(());
        }
        let mut work = self.base.store.begin(Scope::Platform, Durability::Process).await?;
        work.sessions().note_use(session, generation).await?;
        work.commit().await?;
        remember(&self.used, session, generation);
        Ok(())
    }
}

impl ObeysControl for Authenticator {
    fn apply(&self, entry: &ControlEntry) {
        match entry.change {
            ControlChange::SessionEpoch { session, epoch } => {
                lock(&self.revocations).note(session, epoch, entry.at);
            }
            ControlChange::ApiKeyRevoked(id) => {
                lock(&self.keys).remove(&id);
            }
            ControlChange::PlanChanged(_) => {}
        }
    }

    fn forget(&self, now: Timestamp) {
        lock(&self.revocations).forget(now);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remember<K: Eq + std::hash::Hash, V>(map: &Mutex<HashMap<K, V>>, key: K, value: V) {
    let mut map = lock(map);
    if map.len() >= REMEMBERED {
        map.clear();
    }
    map.insert(key, value);
}
