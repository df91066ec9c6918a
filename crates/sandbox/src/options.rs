//! What the sandbox is told by whoever starts it. It reads no environment and no system clock.
use std::{fmt, net::SocketAddr, sync::Arc};

use chrono::{DateTime, Utc};

/// Where the sandbox learns what time it is.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Where Stripe's events are sent, and the secret that they are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookEndpoint {
    /// Receives every event as a POST.
    pub url: String,
    /// `whsec_…`, used as it is, prefix included.
    pub secret: String,
}

impl fmt::Debug for WebhookEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookEndpoint").field("url", &self.url).finish_non_exhaustive()
    }
}

/// How a sandbox is started.
#[derive(Clone)]
pub struct SandboxOptions {
    /// Where it listens; port 0 takes any free port.
    pub listen: SocketAddr,
    /// Where it listens for mail; port 0 takes any free port.
    pub smtp: SocketAddr,
    /// An endpoint that receives all of Stripe's events, beside those registered over its API.
    pub webhook: Option<WebhookEndpoint>,
    /// Dates everything that is made, and expires checkout sessions. It does not drive delays.
    pub clock: Clock,
}

impl SandboxOptions {
    /// Options without a webhook endpoint. Mail is taken on any free port of the same address.
    #[must_use]
    pub fn new(
        listen: SocketAddr,
        clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static,
    ) -> Self {
        Self {
            listen,
            smtp: SocketAddr::new(listen.ip(), 0),
            webhook: None,
            clock: Arc::new(clock),
        }
    }

    /// The same with an endpoint that receives all of Stripe's events.
    #[must_use]
    pub fn with_webhook(mut self, url: impl Into<String>, secret: impl Into<String>) -> Self {
        self.webhook = Some(WebhookEndpoint { url: url.into(), secret: secret.into() });
        self
    }

    /// The same, listening for mail on this address.
    #[must_use]
    pub fn with_smtp(mut self, smtp: SocketAddr) -> Self {
        self.smtp = smtp;
        self
    }
}

impl fmt::Debug for SandboxOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxOptions")
            .field("listen", &self.listen)
            .field("smtp", &self.smtp)
            .field("webhook", &self.webhook)
            .finish_non_exhaustive()
    }
}
