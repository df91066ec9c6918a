//! The connections that all providers share.
use std::time::Duration;

use reqwest::redirect::Policy;

/// How connections are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderClientOptions {
    /// How long making a connection may take. 5 seconds by default.
    pub connect_timeout: Duration,
    /// Whether to go through the proxies that the environment names. They are by default; a
    /// sandbox on this machine is better asked directly.
    pub use_system_proxies: bool,
}

impl Default for ProviderClientOptions {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(5), use_system_proxies: true }
    }
}

/// Options that no provider can be made of.
#[derive(Debug, thiserror::Error)]
pub enum InvalidProviderOptions {
    /// Requests cannot be sent there.
    #[error("`{0}` is not an address that begins with http:// or https://")]
    BaseUrl(String),
    /// The key, which is not shown, cannot stand in a header.
    #[error("the API key has characters that no key has")]
    ApiKey,
    /// The roots of trust or the proxies are unusable.
    #[error("connections to providers cannot be set up")]
    Client(#[source] reqwest::Error),
}

/// A pool of connections. Cloning it shares the pool.
#[derive(Clone, Debug)]
pub struct ProviderClient(reqwest::Client);

impl ProviderClient {
    /// A pool without connections yet.
    ///
    /// It follows no redirection: a key is for the address that was configured. And it speaks HTTP/1.1:
    /// over HTTP/2 it would put all calls on one connection, and those beyond the hundred or so that
    /// the other end lets run there at once would wait for others to end (hyper, issue 3623).
    ///
    /// # Errors
    ///
    /// [`InvalidProviderOptions::Client`] when the system's roots of trust cannot be used.
    pub fn new(options: ProviderClientOptions) -> Result<Self, InvalidProviderOptions> {
        let builder = reqwest::Client::builder()
            .connect_timeout(options.connect_timeout)
            .redirect(Policy::none())
            .http1_only()
            .user_agent(concat!("capecontrol/", env!("CARGO_PKG_VERSION")));
        let builder = if options.use_system_proxies { builder } else { builder.no_proxy() };
        builder.build().map(Self).map_err(InvalidProviderOptions::Client)
    }

    /// The pool itself.
    pub(super) const fn inner(&self) -> &reqwest::Client {
        &self.0
    }
}
