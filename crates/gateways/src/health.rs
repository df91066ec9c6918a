//! Whether Redis can be reached. What is kept there is *not* known here.
use std::sync::Arc;

use async_trait::async_trait;
use cape_domain::{probe::Probe, store::BoxError};
use futures_util::FutureExt as _;

use crate::redis_link::RedisLink;

/// Asks Redis whether it is there.
#[derive(Debug)]
pub struct RedisHealth(Arc<RedisLink>);

impl RedisHealth {
    /// Asks over this connection.
    #[must_use]
    pub const fn new(link: Arc<RedisLink>) -> Self {
        Self(link)
    }

    /// Whether the server answers, within a second.
    ///
    /// # Errors
    ///
    /// When it does not, and why.
    pub async fn ping(&self) -> Result<(), BoxError> {
        self.0
            .ask(|mut connection| {
                async move { redis::cmd("PING").query_async(&mut connection).await }.boxed()
            })
            .await
    }
}

#[async_trait]
impl Probe for RedisHealth {
    async fn check(&self) -> Result<(), BoxError> {
        self.ping().await
    }
}
