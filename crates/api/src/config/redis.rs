//! Section `redis`: a server that is probed. Nothing is kept there yet.
use serde::{Deserialize, Serialize};

use super::values::RedisUrl;

/// A server that is probed, where one is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    /// `redis://…` or `rediss://…`.
    pub url: Option<RedisUrl>,
}
