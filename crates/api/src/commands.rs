//! What the command line asks for, done.
use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context as _;
use cape_http::operations::info::MetricsPage;
use cape_repositories::{Options, SqlStore};
use cape_services::{Tasks, usage::Deployment};
use tokio::{
    runtime::Handle,
    signal::unix::{SignalKind, signal},
};

use crate::{
    banner,
    cli::{AdminCommand, Command, Invocation, LedgerCommand},
    compose::{Platform, Surroundings, compose},
    config::Config,
    health,
    instance::{Duty, Instance},
    ports::{self, Emulated},
    telemetry,
};

/// Does what was asked for. `environment` is the process's own.
///
/// # Errors
///
/// What to tell whoever asked.
pub async fn run(
    invocation: Invocation,
    environment: &BTreeMap<String, String>,
) -> anyhow::Result<ExitCode> {
    let configured = || Config::load(invocation.config.as_deref(), environment);
    match invocation.command {
        Command::Serve(args) => {
            let mut config = configured()?;
            config.database.migrate |= args.migrate;
            work(&config, Duty::Serve).await
        }
        Command::Worker => work(&configured()?, Duty::Work).await,
        #[cfg(feature = "sandbox")]
        Command::Sandbox(args) => sandbox(args).await,
        Command::Openapi => print(&cape_http::openapi::document().to_pretty_json()?),
        Command::Config => print(&configured()?.masked()),
        Command::Health => {
            let http = configured()?.http;
            health::probe(http.reachable_at(http.port))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Ledger(LedgerCommand::Check) => check_ledger(&configured()?).await,
        Command::Admin(command) => administer(&configured()?, &command).await,
    }
}

async fn work(config: &Config, duty: Duty) -> anyhow::Result<ExitCode> {
    telemetry::begin_log(&config.telemetry)?;
    let recorder = telemetry::metrics()?;
    let metrics: MetricsPage = Arc::new(move || recorder.render());
    let instance = Instance::start(config, duty, metrics).await?;
    match duty {
        Duty::Serve => banner::print(config, &instance),
        Duty::Work => tracing::info!("working"),
    }
    told_to_stop().await?;
    tracing::info!("stopping");
    instance.stop().await?;
    Ok(ExitCode::SUCCESS)
}

async fn told_to_stop() -> anyhow::Result<()> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    Ok(())
}

#[cfg(feature = "sandbox")]
async fn sandbox(args: crate::cli::SandboxArgs) -> anyhow::Result<ExitCode> {
    use std::net::SocketAddr;

    use cape_domain::time::Clock as _;
    use cape_sandbox::SandboxOptions;

    use crate::system::SystemClock;

    let listen = SocketAddr::from(([127, 0, 0, 1], args.port));
    let smtp = SocketAddr::from(([127, 0, 0, 1], args.smtp_port));
    let mut options = SandboxOptions::new(listen, || SystemClock.now()).with_smtp(smtp);
    if let (Some(url), Some(secret)) = (args.webhook_url, args.webhook_secret) {
        options = options.with_webhook(url, secret.expose());
    }
    let ready =
        |sandbox: &cape_sandbox::Sandbox| banner::sandbox(sandbox.base_url(), sandbox.smtp_url());
    let until = async { drop(told_to_stop().await) };
    cape_sandbox::serve(options, ready, until).await?;
    Ok(ExitCode::SUCCESS)
}

/// The platform over the configured database, for one command.
async fn platform(config: &Config) -> anyhow::Result<Platform> {
    let url = config.database.url.expose();
    cape_migration::check(url).await.context("the schema is not up to date")?;
    let store = Arc::new(SqlStore::connect(url, Options::default()).await?);
    let public_url = config.http.public_url_at(config.http.port);
    let sandbox = config.sandbox.url.as_ref().map(ToString::to_string);
    let emulated = Emulated { url: sandbox.as_deref(), smtp_url: None };
    let ports = ports::real(config, store, &emulated, &public_url)?;
    let surroundings = Surroundings {
        tasks: Tasks::new(Handle::current()),
        deployment: Deployment::Shared,
        database: "",
        metrics: Arc::new(String::new),
        public_url,
    };
    Ok(compose(config, ports, surroundings))
}

async fn check_ledger(config: &Config) -> anyhow::Result<ExitCode> {
    let violations = platform(config).await?.ledger.run().await?;
    for violation in &violations {
        print(&format!("{} {} {}", violation.invariant, violation.subject, violation.detail))?;
    }
    if violations.is_empty() {
        return print("the ledger is sound");
    }
    Ok(ExitCode::FAILURE)
}

async fn administer(config: &Config, command: &AdminCommand) -> anyhow::Result<ExitCode> {
    let services = platform(config).await?.services;
    let (email, now) = match command {
        AdminCommand::Verify { email } => {
            services.verification.vouch(email).await?;
            (email, "verified")
        }
        AdminCommand::Deactivate { email } => {
            services.closing.deactivate(email).await?;
            (email, "deactivated")
        }
        AdminCommand::Reactivate { email } => {
            services.closing.reactivate(email).await?;
            (email, "active again")
        }
        AdminCommand::Promote { email } => {
            services.operators.promote(email).await?;
            (email, "an operator")
        }
        AdminCommand::Demote { email } => {
            services.operators.demote(email).await?;
            (email, "no operator")
        }
    };
    print(&format!("{email} is {now}"))
}

/// Answers whoever asked. That nobody reads to the end is no failure.
fn print(text: &str) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(ExitCode::SUCCESS),
    }
}
