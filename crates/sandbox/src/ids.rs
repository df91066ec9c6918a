//! Identities in the vendors' manner. They differ between two starts of the sandbox, so that a
//! platform which outlives one never meets the same event twice by accident.
use std::{
    hash::{BuildHasher as _, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

use sha2::{Digest as _, Sha256};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Mints identities that are never repeated.
pub(crate) struct Ids {
    seed: u64,
    minted: AtomicU64,
}

impl Ids {
    /// A source that shares no identity with any other.
    pub(crate) fn new() -> Self {
        Self { seed: RandomState::new().hash_one("sandbox"), minted: AtomicU64::new(0) }
    }

    /// The prefix, followed by `length` letters and digits (32 at most).
    pub(crate) fn mint(&self, prefix: &str, length: usize) -> String {
        let number = self.minted.fetch_add(1, Ordering::Relaxed);
        let mut digest = Sha256::new();
        digest.update(self.seed.to_be_bytes());
        digest.update(number.to_be_bytes());
        let bytes = digest.finalize();
        let letters =
            bytes.iter().take(length).map(|byte| char::from(ALPHABET[usize::from(*byte) % 62]));
        prefix.chars().chain(letters).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_differ_and_keep_their_prefix() {
        let ids = Ids::new();
        let (first, second) = (ids.mint("cs_test_", 24), ids.mint("cs_test_", 24));
        assert_ne!(first, second);
        assert_eq!(first.len(), 32);
        assert!(first.starts_with("cs_test_"));
        assert_ne!(Ids::new().mint("", 24), Ids::new().mint("", 24));
    }
}
