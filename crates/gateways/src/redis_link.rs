//! A connection to a Redis server, made with the first question and again after each loss: the
//! program starts, and goes on, without the server.
//!
//! What is kept there is *not* known here.
use std::{fmt, time::Duration};

use cape_domain::{secret::Secret, store::BoxError};
use futures_util::future::BoxFuture;
use redis::{
    Client, RedisError, RedisResult,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tokio::{sync::OnceCell, time::timeout};

/// How long an answer is waited for in all.
const PATIENCE: Duration = Duration::from_millis(900);
/// How long connecting, and each answer, is waited for.
const EACH: Duration = Duration::from_millis(400);

/// A connection that callers share. Cloning it shares it too.
pub struct RedisLink {
    client: Client,
    connection: OnceCell<ConnectionManager>,
}

impl RedisLink {
    /// To the server at `url`: `redis://…` or `rediss://…`.
    ///
    /// # Errors
    ///
    /// When that is no address of a Redis server. Whether one is there is not asked.
    pub fn new(url: &Secret) -> Result<Self, BoxError> {
        Ok(Self { client: Client::open(url.expose())?, connection: OnceCell::new() })
    }

    /// Asks, and once more if that fails: a connection that was lost is noticed by the question that
    /// fails, and mended for the next. So what is asked may have been done twice. No answer takes
    /// longer than a second.
    pub(crate) async fn ask<'a, T>(
        &self,
        question: impl Fn(ConnectionManager) -> BoxFuture<'a, RedisResult<T>>,
    ) -> Result<T, BoxError> {
        let asked_twice = async {
            match question(self.connection().await?).await {
                Err(error) if is_lost(&error) => question(self.connection().await?).await,
                answered => answered,
            }
        };
        Ok(timeout(PATIENCE, asked_twice).await??)
    }

    async fn connection(&self) -> RedisResult<ConnectionManager> {
        let connect = || async {
            let config = ConnectionManagerConfig::new()
                .set_connection_timeout(Some(EACH))
                .set_response_timeout(Some(EACH))
                .set_number_of_retries(0);
            ConnectionManager::new_lazy_with_config(self.client.clone(), config)
        };
        self.connection.get_or_try_init(connect).await.cloned()
    }
}

/// Whether the server did not say anything.
fn is_lost(error: &RedisError) -> bool {
    error.is_io_error() || error.is_connection_dropped() || error.is_connection_refusal()
}

impl fmt::Debug for RedisLink {
    /// Without the address, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisLink(…)")
    }
}
