//! Section `redis`: a server where processes count together what limits allow.
use serde::{Deserialize, Serialize};

use super::values::RedisUrl;

/// A server that limits are counted on, where one is set. Without one, each process counts for
/// itself; with one that cannot be reached, paid calls are closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Redis {
    /// `redis://…` or `rediss://…`.
    pub url: Option<RedisUrl>,
    /// With what all keys there begin: those who share a server and count for themselves have one
    /// each.
    pub prefix: String,
}

impl Default for Redis {
    fn default() -> Self {
        Self { url: None, prefix: "cape:".to_owned() }
    }
}
