//! What somebody sees who has just started the program.
use std::io::{self, Write as _};

use cape_repositories::Database;

use crate::{
    config::{Config, Integration, Reach},
    instance::Instance,
};

/// Shows where everything is, and what to try next.
pub fn print(config: &Config, instance: &Instance) {
    if config.environment.is_local() {
        write(&text(config, instance));
    } else {
        tracing::info!(address = %instance.address, "serving");
    }
}

/// Shows where a sandbox is that runs alone.
#[cfg(feature = "sandbox")]
pub fn sandbox(url: &str, smtp_url: &str) {
    write(&format!("sandbox at {url}\nmails to {smtp_url}, read at {url}/mailbox\n"));
}

fn text(config: &Config, instance: &Instance) -> String {
    let url = format!("http://{}", config.http.reachable_at(instance.address.port()));
    let database = match &instance.database {
        Database::Sqlite { path } => format!("SQLite, {}", path.display()),
        Database::Postgres { host, port, name } => format!("PostgreSQL, {host}:{port}/{name}"),
    };
    let emulated: Vec<_> = Integration::ALL
        .into_iter()
        .filter(|integration| config.reach(*integration) == Reach::Sandboxed)
        .map(Integration::name)
        .collect();
    let mails = match (config.reach(Integration::Mail), &instance.sandbox) {
        (Reach::Sandboxed, Some(at)) => format!("{at}/mailbox"),
        (Reach::Configured, _) => "sent".to_owned(),
        (Reach::Sandboxed, None) | (Reach::Disabled, _) => "not sent".to_owned(),
    };
    let sandbox = match (&instance.sandbox, emulated.is_empty()) {
        (Some(at), false) => format!("{} at {at}", emulated.join(", ")),
        (Some(_), true) | (None, _) => "nothing".to_owned(),
    };
    format!(
        "\n  CapeControl {version} ({environment})\n\n\
         \x20 address    {url}\n\
         \x20 documents  {url}/docs\n\
         \x20 database   {database}\n\
         \x20 sandboxed  {sandbox}\n\
         \x20 mails      {mails}\n\n\
         \x20 Try next:\n\n\
         \x20 curl -s {url}/api/auth/register -H 'content-type: application/json' \\\n\
         \x20   -d '{{\"email\":\"ada@example.com\",\"password\":\"correct horse battery\"}}'\n\
         \x20 curl -s {url}/api/auth/login -H 'content-type: application/json' \\\n\
         \x20   -d '{{\"email\":\"ada@example.com\",\"password\":\"correct horse battery\"}}'\n\
         \x20 curl -s {url}/api/keys -H \"authorization: Bearer $ACCESS_TOKEN\" \\\n\
         \x20   -H 'content-type: application/json' -d '{{\"name\":\"first\"}}'\n\n",
        version = env!("CARGO_PKG_VERSION"),
        environment = config.environment,
    )
}

/// A closed standard output is no reason to stop.
fn write(text: &str) {
    let mut out = io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}
