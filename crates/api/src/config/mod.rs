//! Configuration: typed sections, filled from defaults, a file and the environment.
//!
//! | what | wins over what stands above it |
//! |---|---|
//! | defaults | they depend on `CAPE_ENVIRONMENT` |
//! | file | `cape.toml`, or the one named by `--config` or `CAPE_CONFIG` |
//! | conventional variables | `HOST`, `PORT`, `DATABASE_URL`, … |
//! | variables | `CAPE_` and the path: `CAPE_HTTP__PORT` is `http.port` |
//!
//! A variable that is empty is not set. What is unknown or malformed is refused, everything at
//! once, each with its path; values are never repeated where they may be secret.
//!
//! What is *not* here: making secrets, and reading the process's environment: it is handed in.
mod access;
mod accounts;
mod billing;
mod database;
mod environment;
mod http;
mod load;
mod mail;
mod names;
mod problem;
mod providers;
mod reach;
mod redis;
mod rules;
mod sandbox;
mod secrets;
mod sources;
mod telemetry;
mod usage;
pub mod values;

use serde::{Deserialize, Serialize};

pub use access::{Access, SigningAlgorithm};
pub use accounts::{Accounts, Hash, Links, Throttling};
pub use billing::{Billing, Days, Dunning, NotDays, Stripe};
pub use database::Database;
pub use environment::Environment;
pub use http::{Flood, Http};
pub use mail::Mail;
pub use names::variables;
pub use problem::{InvalidConfig, Origin, Problem};
pub use providers::{Dialect, NamedProvider, NamedProviders};
pub use reach::{Integration, Reach};
pub use redis::Redis;
pub use sandbox::Sandbox;
pub use secrets::Secrets;
pub use sources::ConfigFile;
pub use telemetry::{Format, Telemetry};
pub use usage::{Abandoned, Limits, ModelProvider, Usage};

/// Everything that can be set. It serializes with its secrets masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What the program runs for.
    pub environment: Environment,
    /// How it is reached.
    pub http: Http,
    /// Where everything is kept.
    pub database: Database,
    /// What replicas share.
    pub redis: Redis,
    /// What is signed and sealed with.
    pub secrets: Secrets,
    /// How access tokens are signed, and who may ask about them.
    pub access: Access,
    /// How people sign up and in.
    pub accounts: Accounts,
    /// How mails go out.
    pub mail: Mail,
    /// How money arrives.
    pub billing: Billing,
    /// How models are asked, priced and bounded.
    pub usage: Usage,
    /// What stands in for integrations that are not configured.
    pub sandbox: Sandbox,
    /// What is told about the program while it runs.
    pub telemetry: Telemetry,
}

impl Config {
    /// What holds in an environment where nothing is set. There is no secret in it.
    #[must_use]
    pub fn defaults(environment: Environment) -> Self {
        Self {
            environment,
            http: Http::defaults(),
            database: Database::defaults(environment),
            redis: Redis::default(),
            secrets: Secrets::defaults(),
            access: Access::defaults(),
            accounts: Accounts::defaults(environment),
            mail: Mail::defaults(),
            billing: Billing::defaults(),
            usage: Usage::defaults(),
            sandbox: Sandbox::defaults(),
            telemetry: Telemetry::defaults(environment),
        }
    }

    /// The effective configuration as TOML, with every secret masked. What is not set is left out.
    ///
    /// # Panics
    ///
    /// Never: every section can be written as TOML.
    #[must_use]
    pub fn masked(&self) -> String {
        toml::to_string(self).expect("every section can be written as TOML")
    }
}
