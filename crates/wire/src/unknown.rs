//! Fields of a caller's request that no type here names.
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Fields that were sent and are not known, by name. Written back as they were read.
pub type Unknown = BTreeMap<String, Value>;

/// Reads them where the object also has a `type`, which is known.
pub fn beside_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Unknown, D::Error> {
    let mut unknown = Unknown::deserialize(deserializer)?;
    unknown.remove("type");
    Ok(unknown)
}
