//! Texts that are not shown.
use cape_domain::secret::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::MASK;

/// A secret that can be configured. However it is shown, it is masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretText(Secret);

/// A secret of no letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must not be empty")]
pub struct EmptySecret;

impl SecretText {
    /// The secret itself. Whoever calls this answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The secret, for a gateway.
    #[must_use]
    pub fn secret(&self) -> Secret {
        self.0.clone()
    }
}

impl TryFrom<String> for SecretText {
    type Error = EmptySecret;

    fn try_from(text: String) -> Result<Self, EmptySecret> {
        let text = text.trim();
        if text.is_empty() { Err(EmptySecret) } else { Ok(Self(Secret::new(text))) }
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(text(deserializer)?).map_err(D::Error::custom)
    }
}

/// A text, or an error that does not repeat what stands in its place.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::deserialize(deserializer).map_err(|_| D::Error::custom("must be a text in quotes"))
}
