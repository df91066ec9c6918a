//! Section `redis`: what replicas share.
use serde::{Deserialize, Serialize};

use super::values::RedisUrl;

/// What replicas share. One process needs none of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    /// `redis://…` or `rediss://…`.
    pub url: Option<RedisUrl>,
}
