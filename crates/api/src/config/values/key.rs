//! Keys of 256 random bits.
use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{MASK, secret_text};

const LENGTH: usize = 32;

/// 256 random bits. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; LENGTH]);

/// A text that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// It is something else.
    #[error("must be 32 bytes in hexadecimal or base64, as `openssl rand -hex 32` gives them")]
    Malformed,
    /// All its bytes are the same.
    #[error("is not random: all its bytes are the same")]
    Monotonous,
}

impl Key {
    /// The key's bytes. Whoever calls this answers for where they go.
    #[must_use]
    pub const fn expose(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

impl TryFrom<String> for Key {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, InvalidKey> {
        let text = text.trim();
        let bytes = if text.len() == 2 * LENGTH {
            hex::decode(text).ok()
        } else {
            let standard = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
            STANDARD_NO_PAD.decode(standard).ok()
        };
        let bytes: [u8; LENGTH] =
            bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(InvalidKey::Malformed)?;
        if bytes.iter().all(|byte| *byte == bytes[0]) {
            return Err(InvalidKey::Monotonous);
        }
        Ok(Self(bytes))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(secret_text::text(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    #[test]
    fn a_key_is_read_in_every_usual_spelling() {
        let mut bytes = [0xfb; LENGTH];
        bytes[0] = 0xff;
        for text in [
            hex::encode(bytes),
            hex::encode_upper(bytes),
            STANDARD.encode(bytes),
            URL_SAFE_NO_PAD.encode(bytes),
        ] {
            assert_eq!(Key::try_from(text), Ok(Key(bytes)));
        }
    }

    #[test]
    fn what_is_too_short_or_not_random_is_no_key() {
        for text in ["", "secret", &"a".repeat(62), &"g".repeat(64), &"ab".repeat(33)] {
            assert_eq!(Key::try_from(text.to_owned()), Err(InvalidKey::Malformed), "{text}");
        }
        assert_eq!(Key::try_from("00".repeat(LENGTH)), Err(InvalidKey::Monotonous));
    }

    #[test]
    fn a_key_is_not_shown() {
        let key = Key([7; LENGTH]);
        assert_eq!(format!("{key:?}"), "Key(…)");
        assert_eq!(serde_json::to_string(&key).expect("JSON"), "\"********\"");
    }
}
