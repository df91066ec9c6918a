//! Section `database`: where everything is kept.
use std::{num::NonZeroU32, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    Environment,
    values::{DatabaseUrl, duration},
};

const CONNECTIONS: NonZeroU32 = NonZeroU32::new(8).expect("eight is not zero");

/// Where everything is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `sqlite://…` or `postgres://…`.
    pub url: DatabaseUrl,
    /// Connections for reads; half as many besides for those of one statement.
    pub readers: NonZeroU32,
    /// Connections for units of work, on PostgreSQL. SQLite has one.
    pub writers: NonZeroU32,
    /// How long a caller waits for a connection, or for its turn.
    #[serde(with = "duration")]
    pub patience: Duration,
    /// Whether the schema is brought up to date at the start.
    pub migrate: bool,
}

impl Database {
    pub(super) fn defaults(environment: Environment) -> Self {
        Self {
            url: DatabaseUrl::embedded(),
            readers: CONNECTIONS,
            writers: CONNECTIONS,
            patience: Duration::from_secs(30),
            migrate: environment.is_local(),
        }
    }
}
