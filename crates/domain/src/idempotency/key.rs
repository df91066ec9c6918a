//! What a client calls its request, and what the request says.
use std::{fmt, str::FromStr};

use sha2::{Digest as _, Sha256};

/// What a client calls one request, however often it sends it. It is taken as it is written:
/// quotation marks are a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// A text that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key has 1 to 255 visible ASCII characters")]
pub struct InvalidIdempotencyKey;

impl IdempotencyKey {
    /// The most characters that a key may have.
    pub const LONGEST: usize = 255;

    /// What is stored of it. People put names and addresses into keys, and nobody needs them.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        KeyDigest(Sha256::digest(&self.0).into())
    }
}

impl FromStr for IdempotencyKey {
    type Err = InvalidIdempotencyKey;

    fn from_str(text: &str) -> Result<Self, InvalidIdempotencyKey> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if visible && (1..=Self::LONGEST).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidIdempotencyKey)
        }
    }
}

/// SHA-256 of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyDigest(pub [u8; 32]);

/// SHA-256 of what a request says: who says it the same way again means the same request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// That of a method, a path with its query, and a body in its canonical form. No part can be
    /// mistaken for the end of the one before it.
    #[must_use]
    pub fn of(method: &str, target: &str, body: &[u8]) -> Self {
        let mut hash = Sha256::new();
        for part in [method.as_bytes(), target.as_bytes(), body] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }
}

/// In lower hex.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_1_to_255_visible_ascii_characters() {
        let longest = "x".repeat(255);
        for (text, good) in [
            ("a", true),
            ("0191e2a5-a7f0-7c1e", true),
            ("\"quoted\"", true),
            ("!~", true),
            (&*longest, true),
            ("", false),
            (" ", false),
            ("two words", false),
            ("tab\t", false),
            ("zoë", false),
            ("nul\0", false),
            ("del\u{7f}", false),
            (&*format!("{longest}x"), false),
        ] {
            assert_eq!(text.parse::<IdempotencyKey>().is_ok(), good, "{text:?}");
        }
    }

    #[test]
    fn keys_that_differ_have_other_digests_and_no_digest_shows_its_key() {
        let digest = |text: &str| text.parse::<IdempotencyKey>().expect("a key").digest();
        assert_eq!(digest("order-1"), digest("order-1"));
        for other in ["order-2", "Order-1", "\"order-1\""] {
            assert_ne!(digest("order-1"), digest(other), "{other}");
        }
    }

    #[test]
    fn whatever_a_request_says_otherwise_gives_it_another_fingerprint() {
        let base = Fingerprint::of("POST", "/v1/messages", b"{}");
        assert_eq!(base, Fingerprint::of("POST", "/v1/messages", b"{}"));
        for (what, other) in [
            ("method", Fingerprint::of("PUT", "/v1/messages", b"{}")),
            ("path", Fingerprint::of("POST", "/v1/message", b"{}")),
            ("query", Fingerprint::of("POST", "/v1/messages?a", b"{}")),
            ("body", Fingerprint::of("POST", "/v1/messages", b"[]")),
            ("borders", Fingerprint::of("POST", "/v1/messages{}", b"")),
        ] {
            assert_ne!(base, other, "{what}");
        }
    }
}
