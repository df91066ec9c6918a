//! Telling other services of the operator's whose a token is (RFC 7662).
//!
//! A service that only needs to know that a token was signed by us, and can live with tokens that
//! were taken back up to a quarter of an hour ago, checks it by itself with our key set.
use std::sync::Arc;

use cape_domain::{
    access::{AccessClaims, ApiKey, Grants},
    secret::Secret,
    store::StoreError,
};

use super::{Authenticator, ControlFeed, Refused};

/// Tells whose tokens are.
pub struct IntrospectionService {
    authenticator: Arc<Authenticator>,
    feed: Arc<ControlFeed>,
    secrets: Vec<[u8; 32]>,
}

/// What is told of a token.
#[derive(Clone, Debug)]
pub enum Introspection {
    /// It is not good, for whatever reason, or not one that stands for anybody.
    Inactive,
    /// A person's.
    Person {
        /// What it says.
        claims: AccessClaims,
        /// What its bearer may do.
        grants: Grants,
    },
    /// A program's.
    Program {
        /// The key.
        key: Arc<ApiKey>,
        /// What its bearer may do.
        grants: Grants,
    },
}

/// Why nothing is told.
#[derive(Debug, thiserror::Error)]
pub enum IntrospectionError {
    /// No service may ask.
    #[error("introspection is not configured on this server")]
    Disabled,
    /// Whoever asks is not one of the services that may.
    #[error("introspection needs the secret of a service")]
    Unauthorized,
    /// What was taken back lately is not known right now.
    #[error("what was taken back lately is not known right now")]
    Stale,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntrospectionService {
    /// Answers services that know one of these secrets.
    #[must_use]
    pub fn new(
        authenticator: Arc<Authenticator>,
        feed: Arc<ControlFeed>,
        secrets: &[Secret],
    ) -> Arc<Self> {
        let secrets = secrets.iter().map(Secret::fingerprint).collect();
        Arc::new(Self { authenticator, feed, secrets })
    }

    /// Whose a token is. An API key's allowed addresses are not looked at: who asks is not who
    /// uses it.
    ///
    /// # Errors
    ///
    /// See [`IntrospectionError`].
    pub async fn inspect(
        &self,
        service: Option<&str>,
        token: &str,
    ) -> Result<Introspection, IntrospectionError> {
        if self.secrets.is_empty() {
            return Err(IntrospectionError::Disabled);
        }
        // Hashes are compared: how long that takes tells nothing about a secret.
        let presented = service.map(|presented| Secret::new(presented).fingerprint());
        let known = presented.is_some_and(|presented| self.secrets.contains(&presented));
        if !known {
            return Err(IntrospectionError::Unauthorized);
        }
        if !self.feed.is_fresh() {
            return Err(IntrospectionError::Stale);
        }
        if let Ok(claims) = self.authenticator.claims(token) {
            let grants = claims.grants();
            return Ok(Introspection::Person { claims, grants });
        }
        match self.authenticator.key(token).await {
            Ok(key) => {
                let grants = Grants::of_api_key(&key.rules.scopes);
                Ok(Introspection::Program { key, grants })
            }
            Err(Refused::Store(error)) => Err(error.into()),
            Err(Refused::Token(_) | Refused::Key | Refused::Address | Refused::Forbidden(_)) => {
                Ok(Introspection::Inactive)
            }
        }
    }
}
