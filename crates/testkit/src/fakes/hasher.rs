//! Passwords, hashed by writing something before them.
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use cape_domain::{
    accounts::{Password, PasswordHash, PasswordHasher, Verified},
    store::BoxError,
};

/// How much work a hasher takes that nobody told anything.
const USUAL: u32 = 1;

/// Hashes at once, however much work it says that it took, and counts what it was asked to
/// verify.
#[derive(Debug)]
pub struct PlainHasher {
    work: u32,
    verifications: AtomicUsize,
    without_hash: AtomicUsize,
}

impl Default for PlainHasher {
    fn default() -> Self {
        Self::demanding(USUAL)
    }
}

impl PlainHasher {
    /// One to whom every hash with less work is outdated. The usual one demands 1.
    #[must_use]
    pub const fn demanding(work: u32) -> Self {
        Self { work, verifications: AtomicUsize::new(0), without_hash: AtomicUsize::new(0) }
    }

    /// What the usual one stores for a password.
    #[must_use]
    pub fn hashed(password: &str) -> String {
        Self::hashed_with(USUAL, password)
    }

    /// What is stored for a password by one that demands so much work.
    #[must_use]
    pub fn hashed_with(work: u32, password: &str) -> String {
        format!("$plain$w={work}${password}")
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
        Ok(PasswordHash::from_phc(Self::hashed_with(self.work, password.expose())))
    }

    async fn verify(
        &self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<Verified, BoxError> {
        self.verifications.fetch_add(1, Ordering::Relaxed);
        let Some(hash) = hash else {
            self.without_hash.fetch_add(1, Ordering::Relaxed);
            return Ok(Verified::No);
        };
        Ok(match read(hash) {
            Some((work, hashed)) if hashed == password.expose() => {
                if work < self.work {
                    Verified::Outdated
                } else {
                    Verified::Yes
                }
            }
            Some(_) | None => Verified::No,
        })
    }
}

/// With how much work what was hashed.
fn read(hash: &PasswordHash) -> Option<(u32, &str)> {
    let (work, hashed) = hash.expose().strip_prefix("$plain$w=")?.split_once('$')?;
    Some((work.parse().ok()?, hashed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn verifications_are_counted_and_without_a_hash_the_answer_is_no() {
        let hasher = PlainHasher::default();
        let (right, wrong) = (Password::given("right"), Password::given("wrong"));
        let hash = hasher.hash(&right).await.expect("hash");
        assert_eq!(hash.expose(), PlainHasher::hashed("right"));
        for (password, hash, expected) in [
            (&right, Some(&hash), Verified::Yes),
            (&wrong, Some(&hash), Verified::No),
            (&right, None, Verified::No),
            (&right, Some(&PasswordHash::from_phc("right")), Verified::No),
        ] {
            assert_eq!(hasher.verify(password, hash).await.expect("verify"), expected);
        }
        assert_eq!((hasher.verifications(), hasher.without_hash()), (4, 1));
    }

    #[tokio::test]
    async fn a_hash_with_less_work_than_is_demanded_is_outdated() {
        let password = Password::given("a $ in it");
        let hash = PlainHasher::demanding(2).hash(&password).await.expect("hash");
        for (work, expected) in [(1, Verified::Yes), (2, Verified::Yes), (3, Verified::Outdated)] {
            let verified = PlainHasher::demanding(work).verify(&password, Some(&hash)).await;
            assert_eq!(verified.expect("verify"), expected, "{work}");
        }
    }
}
