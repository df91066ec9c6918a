//! Section `telemetry`: what is told about the program while it runs.
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use super::{Environment, problem::Rules};

/// What is told about the program while it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// What is logged: a level, or levels by target, such as `info,cape_services=debug`.
    pub log: String,
    /// How it is written.
    pub format: Format,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people.
    Pretty,
    /// For machines, one object on a line.
    Json,
}

impl Telemetry {
    pub(super) fn defaults(environment: Environment) -> Self {
        Self {
            log: "info".to_owned(),
            format: if environment.is_local() { Format::Pretty } else { Format::Json },
        }
    }

    pub(super) fn check(&self, rules: &mut Rules) {
        let unreadable = EnvFilter::try_new(&self.log).is_err();
        rules.refuse(unreadable, "telemetry.log", || {
            "is no filter such as `info` or `info,cape_services=debug`".to_owned()
        });
    }
}
