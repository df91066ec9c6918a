//! Whether what this process depends on is there.
use std::{collections::BTreeMap, sync::Arc};

use cape_domain::{
    access::{AccessClaims, AccessTokens, Role, TokenId},
    audit::Vault,
    ids::{SessionId, UserId, WorkspaceId},
    probe::Probe,
    store::{BoxError, Scope},
};

use crate::{Base, access::ControlFeed};

/// Looks whether what this process depends on is there.
pub struct HealthService {
    base: Base,
    feed: Arc<ControlFeed>,
    tokens: Arc<dyn AccessTokens>,
    vault: Arc<dyn Vault>,
    redis: Option<Arc<dyn Probe>>,
    integrations: BTreeMap<String, Integration>,
}

/// Whether an optional integration is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integration {
    /// The real one.
    Live,
    /// An emulator.
    Sandbox,
    /// None: its routes answer 503.
    Disabled,
}

impl Integration {
    /// The stable name, as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Sandbox => "sandbox",
            Self::Disabled => "disabled",
        }
    }
}

/// How one dependency is.
#[derive(Debug)]
pub enum Check {
    /// It is there.
    Healthy,
    /// It is not.
    Unhealthy(BoxError),
    /// It is not used.
    Disabled,
}

impl HealthService {
    /// A service that looks at these.
    #[must_use]
    pub fn new(
        base: Base,
        feed: Arc<ControlFeed>,
        tokens: Arc<dyn AccessTokens>,
        vault: Arc<dyn Vault>,
        redis: Option<Arc<dyn Probe>>,
        integrations: BTreeMap<String, Integration>,
    ) -> Arc<Self> {
        Arc::new(Self { base, feed, tokens, vault, redis, integrations })
    }

    /// The database: whether a row can be read.
    pub async fn database(&self) -> Check {
        let read = async {
            let mut work = self.base.store.read(Scope::Platform).await?;
            work.jobs().backlog().await
        };
        match read.await {
            Ok(_) => Check::Healthy,
            Err(error) => Check::Unhealthy(error.into()),
        }
    }

    /// Redis, where it is configured.
    pub async fn redis(&self) -> Check {
        match &self.redis {
            None => Check::Disabled,
            Some(redis) => match redis.check().await {
                Ok(()) => Check::Healthy,
                Err(error) => Check::Unhealthy(error),
            },
        }
    }

    /// The signing key and the encryption key: whether what they make can be read again.
    #[must_use]
    pub fn vault(&self) -> Check {
        match self.keys_work() {
            Ok(()) => Check::Healthy,
            Err(error) => Check::Unhealthy(error),
        }
    }

    /// The control feed: whether it is known who may spend.
    #[must_use]
    pub fn control_feed(&self) -> Check {
        if self.feed.is_fresh() {
            Check::Healthy
        } else {
            Check::Unhealthy("the control feed is stale".into())
        }
    }

    /// Which optional integrations are used.
    #[must_use]
    pub const fn integrations(&self) -> &BTreeMap<String, Integration> {
        &self.integrations
    }

    fn keys_work(&self) -> Result<(), BoxError> {
        let nobody = self.base.ids.uuid();
        let now = self.base.now();
        let session = SessionId::new(nobody);
        let claims = AccessClaims {
            user: UserId::new(nobody),
            session,
            epoch: 0,
            workspace: WorkspaceId::new(nobody),
            role: Role::Viewer,
            operator: false,
            authenticated_at: now,
            issued_at: now,
            expires_at: now + AccessClaims::LIFE,
            id: TokenId { session, generation: 1 },
        };
        self.tokens.verify(self.tokens.sign(&claims).expose(), now)?;
        let key = self.vault.make_key(claims.user)?;
        self.vault.open(&key, &self.vault.seal(&key, "probe")?)?;
        Ok(())
    }
}
