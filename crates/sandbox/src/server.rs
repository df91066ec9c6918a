//! The server: binding, routes that belong to no vendor, stopping.
use std::{
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    time::Duration,
};

use actix_web::{
    App, HttpResponse, HttpServer,
    dev::ServerHandle,
    web::{Data, PayloadConfig, ServiceConfig, get},
};
use tokio::runtime::Handle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    anthropic, gemini,
    mailbox::{self, Mailbox},
    openai,
    options::{SandboxOptions, WebhookEndpoint},
    stripe::{self, Stripe},
    traffic,
    world::World,
};

/// More than the 10 MB that the platform takes, so that it is the platform that refuses.
const LARGEST_BODY: usize = 16 << 20;
/// Longer than clients keep idle connections.
const KEEP_ALIVE: Duration = Duration::from_mins(2);

const WELCOME: &str = "This is a sandbox: it emulates Stripe, OpenAI, Anthropic and Gemini,\n\
                       and keeps the mail that it is sent.\n\
                       No money moves, no model thinks and no mail arrives.\n\n\
                       /stripe/v1      Stripe\n\
                       /openai/v1      OpenAI\n\
                       /anthropic/v1   Anthropic\n\
                       /gemini/v1beta  Gemini\n\
                       /mailbox        mail\n";

/// A running sandbox. It serves until [`stop`], or until the runtime that it was started on ends.
///
/// [`stop`]: Self::stop
pub struct Sandbox {
    addr: SocketAddr,
    base_url: String,
    smtp_addr: SocketAddr,
    smtp_url: String,
    stripe: Data<Stripe>,
    server: ServerHandle,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

impl Sandbox {
    /// Binds, and serves in the background. From the moment it returns, connections are accepted.
    ///
    /// # Errors
    ///
    /// When an address cannot be bound, or when there is no Tokio runtime around the caller.
    pub fn start(options: SandboxOptions) -> io::Result<Self> {
        let runtime = Handle::try_current().map_err(io::Error::other)?;
        let listener = TcpListener::bind(options.listen)?;
        let addr = listener.local_addr()?;
        let base_url = format!("http://{}", reachable(addr));
        let smtp = TcpListener::bind(options.smtp)?;
        let smtp_addr = smtp.local_addr()?;
        let smtp_url = format!("smtp://{}", reachable(smtp_addr));
        let (tasks, stopping) = (TaskTracker::new(), CancellationToken::new());
        let world = Data::new(World::new(options.clock, base_url.clone()));
        let stripe = Stripe::new(world.clone(), tasks.clone(), runtime, stopping.clone());
        stripe.set_webhook(options.webhook);
        let stripe = Data::new(stripe);
        let mailbox = Data::new(Mailbox::new(world.clone(), smtp_url.clone()));
        let (app_world, app_stripe, app_mailbox) = (world, stripe.clone(), mailbox.clone());
        let server = HttpServer::new(move || {
            App::new()
                .app_data(app_world.clone())
                .app_data(app_stripe.clone())
                .app_data(app_mailbox.clone())
                .app_data(PayloadConfig::new(LARGEST_BODY))
                .configure(own_routes)
                .configure(stripe::routes)
                .configure(openai::routes)
                .configure(anthropic::routes)
                .configure(gemini::routes)
                .configure(mailbox::routes)
        })
        .workers(1)
        .keep_alive(KEEP_ALIVE)
        .tcp_nodelay(true)
        .h1_allow_half_closed(false)
        .disable_signals()
        .listen(listener)?
        .run();
        mailbox::listen(smtp, mailbox, &tasks, &stopping)?;
        let (keeper, stop) = (stripe.clone(), stopping.clone());
        tasks.spawn(async move {
            stop.run_until_cancelled(Stripe::keep_up(keeper)).await;
        });
        let handle = server.handle();
        tasks.spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the sandbox stopped serving");
            }
        });
        Ok(Self { addr, base_url, smtp_addr, smtp_url, stripe, server: handle, tasks, stopping })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where it is reached: `http://…`, without a slash at the end. A sandbox that listens on every
    /// address is reached on loopback.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Where it listens for mail.
    #[must_use]
    pub fn smtp_addr(&self) -> SocketAddr {
        self.smtp_addr
    }

    /// Where mail is sent to: `smtp://…`, without a slash at the end, reached as [`base_url`] is.
    ///
    /// [`base_url`]: Self::base_url
    #[must_use]
    pub fn smtp_url(&self) -> &str {
        &self.smtp_url
    }

    /// Replaces the endpoint that receives all of Stripe's events. Events that are already on their
    /// way still go to the former one.
    pub fn set_webhook(&self, url: impl Into<String>, secret: impl Into<String>) {
        let endpoint = WebhookEndpoint { url: url.into(), secret: secret.into() };
        self.stripe.set_webhook(Some(endpoint));
    }

    /// Does what fell due at Stripe by the clock that the sandbox was given: renewals, retries, ends. It
    /// happens within a second by itself, and before any request is answered; this is for clocks that
    /// jump.
    pub fn catch_up(&self) {
        self.stripe.catch_up();
    }

    /// Stops at once: streams and mails on their way are cut, and webhooks that wait for another try
    /// are given up.
    pub async fn stop(self) {
        self.stopping.cancel();
        self.server.stop(false).await;
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Runs a sandbox until the future ends, then stops it. `ready` is told of it once it accepts
/// connections.
///
/// # Errors
///
/// As [`Sandbox::start`].
pub async fn serve(
    options: SandboxOptions,
    ready: impl FnOnce(&Sandbox),
    until: impl Future<Output = ()>,
) -> io::Result<()> {
    let sandbox = Sandbox::start(options)?;
    ready(&sandbox);
    until.await;
    sandbox.stop().await;
    Ok(())
}

fn own_routes(config: &mut ServiceConfig) {
    config
        .route(
            "/",
            get().to(|| async {
                HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(WELCOME)
            }),
        )
        .route("/_sandbox/health", get().to(|| async { HttpResponse::Ok().body("ok\n") }))
        .route(
            "/_sandbox/requests",
            get().to(|world: Data<World>| async move { traffic::requests(&world) }),
        )
        .route(
            "/_sandbox/streams",
            get().to(|world: Data<World>| async move { traffic::streams(&world) }),
        );
}

fn reachable(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, addr.port())
}
