//! A running instance: from the configuration to the first request, and to the last.
use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread,
    time::Duration,
};

use actix_web::dev::ServerHandle;
use anyhow::Context as _;
use cape_domain::store::Store;
use cape_http::{HttpRules, middleware::FloodRules, operations::info::MetricsPage};
use cape_repositories::{Database, Options, ProcessLock, SqlStore};
use cape_services::{Tasks, usage::Deployment};
use tokio::{runtime::Handle, time::timeout};
use tokio_util::task::TaskTracker;

use crate::{
    background::Background,
    compose::{Platform, Surroundings, compose},
    config::{Config, values::Network},
    ports::{self, Emulated},
    sandboxed::BuiltIn,
};

/// An instance that is running.
pub struct Instance {
    /// Where it listens; a worker does not.
    pub address: SocketAddr,
    /// Where integrations are emulated, if they are.
    pub sandbox: Option<String>,
    /// The database it works with.
    pub database: Database,
    /// The platform, put together.
    pub platform: Platform,
    /// The store that it works with.
    pub store: Arc<SqlStore>,
    server: Option<ServerHandle>,
    background: Background,
    built_in: Option<BuiltIn>,
    shutdown_timeout: Duration,
    _lock: Option<ProcessLock>,
}

/// What an instance does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// It serves requests, and works.
    Serve,
    /// It works.
    Work,
}

impl Instance {
    /// Starts an instance: takes the lock, looks at the schema, connects, sweeps what a dead
    /// process left, and serves.
    ///
    /// # Errors
    ///
    /// When something it cannot do without is not there.
    pub async fn start(config: &Config, duty: Duty, metrics: MetricsPage) -> anyhow::Result<Self> {
        let url = config.database.url.expose();
        let database = Database::named(url)?;
        let (lock, deployment) = alone(config, &database, duty)?;
        prepare_schema(config, url).await?;
        let options = Options {
            readers: config.database.readers.get(),
            writers: config.database.writers.get(),
            patience: config.database.patience,
            ..Options::default()
        };
        let store = Arc::new(SqlStore::connect(url, options).await?);
        let (listener, built_in) = match duty {
            Duty::Serve => {
                let listener = listen(config)?;
                let built_in = BuiltIn::start(config, listener.local_addr()?)?;
                (Some(listener), built_in)
            }
            Duty::Work => (None, None),
        };
        let address = match &listener {
            Some(listener) => listener.local_addr()?,
            None => config.http.listen(),
        };
        let sandbox = config.sandbox.url.as_ref().map(ToString::to_string);
        let sandbox = built_in.as_ref().map(BuiltIn::url).or(sandbox);
        let public_url = config.http.public_url_at(address.port());
        let dynamic: Arc<dyn Store> = store.clone();
        let emulated = Emulated {
            url: sandbox.as_deref(),
            smtp_url: built_in.as_ref().map(BuiltIn::smtp_url),
        };
        let ports = ports::real(config, dynamic, &emulated, &public_url)?;
        let surroundings = Surroundings {
            tasks: Tasks::new(Handle::current()),
            deployment,
            database: kind(&database),
            metrics,
            public_url,
        };
        let platform = compose(config, ports, surroundings);
        begin_work(&platform).await?;
        let server = match listener {
            Some(listener) => Some(serve(config, &platform, listener)?),
            None => None,
        };
        let background = Background::begin(&platform);
        let shutdown_timeout = config.http.shutdown_timeout;
        Ok(Self {
            address,
            sandbox,
            database,
            platform,
            server,
            background,
            store,
            built_in,
            shutdown_timeout,
            _lock: lock,
        })
    }

    /// Stops: lets nothing new in, finishes what has begun, takes leave.
    ///
    /// # Errors
    ///
    /// When the database cannot be told. What is left open then is swept by the next instance.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.platform.services.chat.stop();
        if let Some(server) = &self.server {
            server.pause().await;
        }
        let finished = timeout(self.shutdown_timeout, self.platform.tasks.finish()).await;
        if finished.is_err() {
            let left = self.platform.tasks.running();
            tracing::warn!(left, "calls are left open; the next instance sweeps them");
        }
        if let Some(server) = &self.server {
            server.stop(true).await;
        }
        self.background.stop().await;
        if finished.is_ok() {
            self.platform.process.leave().await?;
        }
        if let Some(sandbox) = self.built_in {
            sandbox.stop().await;
        }
        Ok(self.store.close().await?)
    }
}

/// On `SQLite` a lock proves that nobody else works with the database.
fn alone(
    config: &Config,
    database: &Database,
    duty: Duty,
) -> anyhow::Result<(Option<ProcessLock>, Deployment)> {
    match (database, duty) {
        (Database::Sqlite { path }, Duty::Serve) => {
            let lock = ProcessLock::acquire(path.as_path())?;
            Ok((Some(lock), Deployment::Alone))
        }
        (Database::Sqlite { .. }, Duty::Work) => {
            anyhow::bail!("SQLite is for one process; a worker beside others needs PostgreSQL")
        }
        (Database::Postgres { .. }, Duty::Work) if emulates_by_itself(config) => {
            anyhow::bail!("a worker shares a sandbox with those who serve: set sandbox.url")
        }
        (Database::Postgres { .. }, Duty::Serve | Duty::Work) => Ok((None, Deployment::Shared)),
    }
}

/// Whether integrations are emulated inside of each process: two would not know each other's
/// payments.
const fn emulates_by_itself(config: &Config) -> bool {
    config.sandbox.enabled && config.sandbox.url.is_none()
}

fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    let address = config.http.listen();
    TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))
}

async fn prepare_schema(config: &Config, url: &str) -> anyhow::Result<()> {
    if config.database.migrate {
        return Ok(cape_migration::up(url).await?);
    }
    cape_migration::check(url)
        .await
        .context("the schema is not up to date; run `cape-migration up`, or serve with --migrate")
}

const fn kind(database: &Database) -> &'static str {
    match database {
        Database::Sqlite { .. } => "sqlite",
        Database::Postgres { .. } => "postgres",
    }
}

/// Before the first request: it is known who may spend, this process is known, and what a dead
/// one left open is ended.
async fn begin_work(platform: &Platform) -> anyhow::Result<()> {
    platform.feed.poll().await?;
    platform.process.beat().await?;
    while platform.sweeper.run_due().await? > 0 {}
    Ok(())
}

fn serve(
    config: &Config,
    platform: &Platform,
    listener: TcpListener,
) -> anyhow::Result<ServerHandle> {
    let http = &config.http;
    let cores = thread::available_parallelism().map_or(2, usize::from);
    let rules = HttpRules {
        workers: http.workers.map_or(cores, usize::from),
        body_limit: http.body_limit,
        request_timeout: http.request_timeout,
        shutdown_timeout: http.shutdown_timeout,
        cors_origins: http.cors_origins.iter().map(|o| o.as_str().to_owned()).collect(),
        flood: FloodRules {
            enabled: http.flood.enabled,
            requests: http.flood.requests.get(),
            per: http.flood.per,
            burst: http.flood.burst.get(),
            ..FloodRules::default()
        },
        trusted: http.trusted_proxies.iter().map(Network::trusted).collect(),
    };
    let server = cape_http::serve(listener, platform.services.clone(), rules)?;
    let handle = server.handle();
    // It ends when its handle is told to stop, and is awaited through it.
    TaskTracker::new().spawn(server);
    Ok(handle)
}
