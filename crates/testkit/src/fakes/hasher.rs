//! Passwords, hashed by writing something before them.
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use cape_domain::{
    accounts::{Password, PasswordHash, PasswordHasher},
    store::BoxError,
};

/// Hashes at once, and counts what it was asked to verify.
#[derive(Debug, Default)]
pub struct PlainHasher {
    verifications: AtomicUsize,
    without_hash: AtomicUsize,
}

impl PlainHasher {
    /// What is stored for a password.
    #[must_use]
    pub fn hashed(password: &str) -> String {
        format!("$plain${password}")
    }

    /// How often a password was verified, with a hash or without.
    #[must_use]
    pub fn verifications(&self) -> usize {
        self.verifications.load(Ordering::Relaxed)
    }

    /// How often it was verified without a hash, because nobody was found.
    #[must_use]
    pub fn without_hash(&self) -> usize {
        self.without_hash.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl PasswordHasher for PlainHasher {
    async fn hash(&self, password: &Password) -> Result<PasswordHash, BoxError> {
        Ok(PasswordHash::from_phc(Self::hashed(password.expose())))
    }

    async fn verify(
        &self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, BoxError> {
        self.verifications.fetch_add(1, Ordering::Relaxed);
        let Some(hash) = hash else {
            self.without_hash.fetch_add(1, Ordering::Relaxed);
            return Ok(false);
        };
        Ok(hash.expose() == Self::hashed(password.expose()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn verifications_are_counted_and_without_a_hash_the_answer_is_no() {
        let hasher = PlainHasher::default();
        let (right, wrong) = (Password::given("right"), Password::given("wrong"));
        let hash = hasher.hash(&right).await.expect("hash");
        assert!(hasher.verify(&right, Some(&hash)).await.expect("verify"));
        assert!(!hasher.verify(&wrong, Some(&hash)).await.expect("verify"));
        assert!(!hasher.verify(&right, None).await.expect("verify"));
        assert_eq!((hasher.verifications(), hasher.without_hash()), (3, 1));
    }
}
