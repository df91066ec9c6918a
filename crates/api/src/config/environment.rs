//! What the program runs for.
use std::fmt;

use serde::{Deserialize, Serialize};

/// Defaults and refusals depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// One person's machine: nothing needs to be set.
    Local,
    /// A shared place to try things.
    Dev,
    /// A rehearsal: it is as strict as production.
    Staging,
    /// The real thing.
    Production,
}

impl Environment {
    /// All of them, from the laxest to the strictest.
    pub const ALL: [Self; 4] = [Self::Local, Self::Dev, Self::Staging, Self::Production];

    /// Its name, as it is set and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Dev => "dev",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }

    /// Whether it is somebody's own machine.
    #[must_use]
    pub const fn is_local(self) -> bool {
        match self {
            Self::Local => true,
            Self::Dev | Self::Staging | Self::Production => false,
        }
    }

    /// Whether customers may be behind it: nothing generated, emulated or lax is accepted there.
    #[must_use]
    pub const fn is_guarded(self) -> bool {
        match self {
            Self::Local | Self::Dev => false,
            Self::Staging | Self::Production => true,
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
