//! The sandbox that is started inside the program, where nothing else is configured.
use std::net::SocketAddr;

use crate::config::Config;

/// A sandbox that runs inside this program.
#[cfg(feature = "sandbox")]
pub struct BuiltIn {
    sandbox: cape_sandbox::Sandbox,
}

/// A sandbox that runs inside this program: there is none.
#[cfg(not(feature = "sandbox"))]
pub enum BuiltIn {}

#[cfg(feature = "sandbox")]
impl BuiltIn {
    /// Starts a sandbox, where one is asked for and none runs alone already. Its webhooks come to
    /// the platform at `platform`.
    ///
    /// # Errors
    ///
    /// When its port cannot be used.
    pub fn start(config: &Config, platform: SocketAddr) -> anyhow::Result<Option<Self>> {
        use anyhow::Context as _;
        use cape_domain::time::Clock as _;
        use cape_sandbox::{Sandbox, SandboxOptions};

        use crate::{ports::SANDBOX_WEBHOOK_SECRET, system::SystemClock};

        if !config.sandbox.enabled || config.sandbox.url.is_some() {
            return Ok(None);
        }
        let listen = SocketAddr::from(([127, 0, 0, 1], config.sandbox.port));
        let reachable = config.http.reachable_at(platform.port());
        let secrets = &config.billing.stripe.webhook_secrets;
        let secret = secrets.first().map_or(SANDBOX_WEBHOOK_SECRET, |secret| secret.expose());
        let options = SandboxOptions::new(listen, || SystemClock.now())
            .with_webhook(format!("http://{reachable}/api/payment/webhook"), secret);
        let sandbox = Sandbox::start(options)
            .with_context(|| format!("the sandbox cannot listen on {listen}"))?;
        Ok(Some(Self { sandbox }))
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        self.sandbox.base_url().to_owned()
    }

    /// Where it takes mails.
    #[must_use]
    pub fn smtp_url(&self) -> String {
        self.sandbox.smtp_url().to_owned()
    }

    /// Stops it.
    pub async fn stop(self) {
        self.sandbox.stop().await;
    }
}

#[cfg(not(feature = "sandbox"))]
impl BuiltIn {
    /// There is no sandbox in this program.
    ///
    /// # Errors
    ///
    /// None.
    #[expect(clippy::unnecessary_wraps, reason = "where there is one, starting it may fail")]
    pub fn start(_: &Config, _: SocketAddr) -> anyhow::Result<Option<Self>> {
        Ok(None)
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        match *self {}
    }

    /// Where it takes mails.
    #[must_use]
    pub fn smtp_url(&self) -> String {
        match *self {}
    }

    /// Stops it.
    pub fn stop(self) -> std::future::Ready<()> {
        match self {}
    }
}
