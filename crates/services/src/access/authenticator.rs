//! Finding out who is calling.
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use cape_domain::{
    access::{
        AccessClaims, AccessTokens, Actor, ApiKey, ControlChange, ControlEntry, Forbidden, Grants,
        Permission, Permit, PresentedKey, Principal, Revocations, TokenRefused,
    },
    ids::{RequestId, SessionId},
    json::RawJson,
    store::{Durability, Scope, StoreError},
    time::Timestamp,
};

use super::{KeyRing, ObeysControl};
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
    /// The API key is good, but not from there.
    #[error("the API key may not be used from this address")]
    Address,
    /// The caller is known, and may not do this.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Who it is cannot be found out right now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How many sessions are remembered; beyond that, all are noted again.
const REMEMBERED: usize = 20_000;

/// Recognises access tokens and API keys, without asking the store again and again.
pub struct Authenticator {
    base: Base,
    tokens: Arc<dyn AccessTokens>,
    keys: Arc<KeyRing>,
    revocations: Mutex<Revocations>,
    used: Mutex<HashMap<SessionId, u32>>,
}

impl Authenticator {
    /// Recognises tokens of this signer, and keys on this ring.
    #[must_use]
    pub fn new(base: Base, tokens: Arc<dyn AccessTokens>, keys: Arc<KeyRing>) -> Arc<Self> {
        let (revocations, used) = (Mutex::default(), Mutex::default());
        Arc::new(Self { base, tokens, keys, revocations, used })
    }

    /// The public keys of access tokens, as a JSON Web Key Set.
    #[must_use]
    pub fn key_set(&self) -> RawJson {
        self.tokens.key_set(self.base.now())
    }

    /// What a good access token says.
    ///
    /// # Errors
    ///
    /// [`TokenRefused`].
    pub fn claims(&self, token: &str) -> Result<AccessClaims, TokenRefused> {
        let claims = self.tokens.verify(token, self.base.now())?;
        lock(&self.revocations).check(&claims)?;
        Ok(claims)
    }

    /// Recognises a person by an access token.
    ///
    /// # Errors
    ///
    /// See [`Refused`].
    pub async fn person(&self, token: &str, origin: Origin) -> Result<Caller, Refused> {
        let claims = self.claims(token)?;
        self.note_use(&claims).await?;
        let principal =
            Principal::User { id: claims.user, session: claims.session, impersonated_by: None };
        let actor = Actor {
            principal,
            workspace: claims.workspace,
            authenticated_at: claims.authenticated_at,
            request: origin.request,
            address: origin.address,
        };
        Ok(Caller { actor, grants: claims.grants() })
    }

    /// The key that a program presents, if it is good, wherever it comes from.
    ///
    /// # Errors
    ///
    /// See [`Refused`].
    pub async fn key(&self, key: &str) -> Result<Arc<ApiKey>, Refused> {
        let presented: PresentedKey = key.parse().map_err(|_| Refused::Key)?;
        let key = self.keys.find(presented.id).await?.ok_or(Refused::Key)?;
        if key.accepts(&presented, self.base.now()) { Ok(key) } else { Err(Refused::Key) }
    }

    /// Recognises a program by an API key.
    ///
    /// # Errors
    ///
    /// See [`Refused`].
    pub async fn program(&self, key: &str, origin: Origin) -> Result<Caller, Refused> {
        let key = self.key(key).await?;
        if !key.rules.allows_address(origin.address) {
            return Err(Refused::Address);
        }
        self.keys.note_use(key.id);
        let actor = Actor {
            principal: Principal::ApiKey { id: key.id, owner: key.owner },
            workspace: key.workspace,
            authenticated_at: self.base.now(),
            request: origin.request,
            address: origin.address,
        };
        Ok(Caller { actor, grants: Grants::of_api_key(&key.rules.scopes) })
    }

    /// Proves that a caller may do `P` now.
    ///
    /// # Errors
    ///
    /// [`Refused::Forbidden`].
    pub fn permit<P: Permission>(&self, caller: Caller) -> Result<Permit<P>, Refused> {
        Ok(caller.grants.permit(caller.actor, self.base.now())?)
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
        work.sessions().note_use(session, generation, self.base.now()).await?;
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
            ControlChange::ApiKeyChanged(_)
            | ControlChange::PlanChanged(_)
            | ControlChange::CredentialsChanged(_)
            | ControlChange::PlansChanged
            | ControlChange::LimitsChanged
            | ControlChange::SwitchesChanged
            | ControlChange::CatalogueChanged => {}
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
