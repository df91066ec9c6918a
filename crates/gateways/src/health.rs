//! Whether Redis can be reached. What is kept there is *not* known here.
use std::{fmt, time::Duration};

use async_trait::async_trait;
use cape_domain::{probe::Probe, secret::Secret, store::BoxError};
use redis::{
    Client, RedisResult,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tokio::{sync::OnceCell, time::timeout};

/// How long an answer is waited for in all; no ping takes longer.
const PATIENCE: Duration = Duration::from_millis(900);
const CONNECT_PATIENCE: Duration = Duration::from_millis(400);

/// Asks Redis whether it is there. It connects with the first question, not before: the program
/// starts without it.
pub struct RedisHealth {
    client: Client,
    connection: OnceCell<ConnectionManager>,
}

impl RedisHealth {
    /// Asks the server at `url`: `redis://…` or `rediss://…`.
    ///
    /// # Errors
    ///
    /// When that is no address of a Redis server. Whether one is there is not asked.
    pub fn new(url: &Secret) -> Result<Self, BoxError> {
        Ok(Self { client: Client::open(url.expose())?, connection: OnceCell::new() })
    }

    /// Whether the server answers, within a second.
    ///
    /// # Errors
    ///
    /// When it does not, and why.
    pub async fn ping(&self) -> Result<(), BoxError> {
        timeout(PATIENCE, self.ask_twice()).await??;
        Ok(())
    }

    /// A connection that was lost is noticed by the command that fails, and mended for the next.
    async fn ask_twice(&self) -> RedisResult<()> {
        match self.ask().await {
            Ok(()) => Ok(()),
            Err(_) => self.ask().await,
        }
    }

    async fn ask(&self) -> RedisResult<()> {
        let connect = || async {
            let config = ConnectionManagerConfig::new()
                .set_connection_timeout(Some(CONNECT_PATIENCE))
                .set_response_timeout(Some(CONNECT_PATIENCE))
                .set_number_of_retries(0);
            ConnectionManager::new_lazy_with_config(self.client.clone(), config)
        };
        let mut connection = self.connection.get_or_try_init(connect).await?.clone();
        redis::cmd("PING").query_async(&mut connection).await
    }
}

#[async_trait]
impl Probe for RedisHealth {
    async fn check(&self) -> Result<(), BoxError> {
        self.ping().await
    }
}

impl fmt::Debug for RedisHealth {
    /// Without the address, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisHealth(…)")
    }
}
