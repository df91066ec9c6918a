//! Passwords under Argon2id, a bounded number at a time.
//!
//! What a strong password is, is *not* decided here.
use std::{fmt, sync::Arc};

use argon2::{
    Algorithm, CustomizedPasswordHasher as _, Params, PasswordVerifier as _, Version,
    password_hash::{Error as HashError, phc},
};
use async_trait::async_trait;
use cape_domain::{
    accounts::{Password, PasswordHash, PasswordHasher, Verified},
    secret::SecretSource,
    store::BoxError,
};

use super::{argon2id::Argon2id, turns::Turns};

/// How hard hashing is, and how much of it there is at a time. The default is what OWASP asks
/// for (Password Storage Cheat Sheet, 2025).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Options {
    /// Memory for one password, in KiB: at least eight for each lane.
    pub memory_kib: u32,
    /// How often that memory is gone through.
    pub passes: u32,
    /// How many lanes the memory has.
    pub lanes: u32,
    /// How many passwords are hashed at the same time; more wait.
    pub concurrent: usize,
}

impl Default for Argon2Options {
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2, lanes: 1, concurrent: 2 }
    }
}

/// Options that nothing can be hashed with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidArgon2Options {
    /// Argon2 does not allow them.
    #[error("Argon2 does not allow these parameters: {0}")]
    Parameters(argon2::Error),
    /// Nobody would ever get a turn.
    #[error("at least one password has to be hashed at a time")]
    NoTurns,
}

/// A password longer than any that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the password is too long to hash")]
struct TooLong;

/// Hashes with Argon2id on threads of their own. New hashes have the parameters of the options;
/// old ones are verified with theirs.
pub struct Argon2Hasher {
    params: Params,
    nobodys: PasswordHash,
    turns: Turns,
    secrets: Arc<dyn SecretSource>,
}

impl Argon2Hasher {
    /// A hasher whose salts come from `secrets`.
    ///
    /// # Errors
    ///
    /// [`InvalidArgon2Options`] when nothing can be hashed with them.
    pub fn new(
        options: Argon2Options,
        secrets: Arc<dyn SecretSource>,
    ) -> Result<Self, InvalidArgon2Options> {
        let Argon2Options { memory_kib, passes, lanes, concurrent } = options;
        if concurrent == 0 {
            return Err(InvalidArgon2Options::NoTurns);
        }
        let params = Params::new(memory_kib, passes, lanes, None)
            .map_err(InvalidArgon2Options::Parameters)?;
        Ok(Self { params, nobodys: nobodys_hash(options), turns: Turns::new(concurrent), secrets })
    }
}

/// A hash with the current parameters that is no password's: comparing with it takes as long as
/// comparing with a real one.
fn nobodys_hash(options: Argon2Options) -> PasswordHash {
    let Argon2Options { memory_kib, passes, lanes, .. } = options;
    let (salt, output) = ("A".repeat(22), "A".repeat(43));
    let params = format!("m={memory_kib},t={passes},p={lanes}");
    PasswordHash::from_phc(format!("$argon2id$v=19${params}${salt}${output}"))
}

impl fmt::Debug for Argon2Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Argon2Hasher").field("params", &self.params).finish_non_exhaustive()
    }
}

#[async_trait]
impl PasswordHasher for Argon2Hasher {
    async fn hash(&self, password: &Password) -> Result<PasswordHash, BoxError> {
        if password.is_absurd() {
            return Err(TooLong.into());
        }
        let mut salt = [0; 16];
        self.secrets.fill(&mut salt);
        let (params, password) = (self.params.clone(), password.clone());
        let hash = self.turns.run(move || {
            Argon2id.hash_password_with_params(password.expose().as_bytes(), &salt, params)
        });
        let hash = hash.await??;
        Ok(PasswordHash::from_phc(hash.to_string()))
    }

    async fn verify(
        &self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<Verified, BoxError> {
        // An absurd password is not even read: it is nobody's, and takes as long to refuse.
        let (password, known) = if password.is_absurd() {
            (Password::given(""), None)
        } else {
            (password.clone(), hash)
        };
        let answerable = known.is_some();
        let hash = known.unwrap_or(&self.nobodys).clone();
        let current = self.params.clone();
        let outcome = self.turns.run(move || compare(&password, &hash, &current)).await?;
        match outcome {
            Ok(verified) => Ok(if answerable { verified } else { Verified::No }),
            Err(HashError::PasswordInvalid) => Ok(Verified::No),
            Err(error) => Err(error.into()),
        }
    }
}

fn compare(
    password: &Password,
    stored: &PasswordHash,
    current: &Params,
) -> Result<Verified, HashError> {
    let stored = phc::PasswordHash::new(stored.expose()).map_err(HashError::from)?;
    if stored.salt.is_none() || stored.hash.is_none() {
        return Err(HashError::EncodingInvalid);
    }
    Argon2id.verify_password(password.expose().as_bytes(), &stored)?;
    Ok(if is_less_work(&stored, current)? { Verified::Outdated } else { Verified::Yes })
}

/// Whether a hash is in anything easier to attack than a new one would be, or of a variant that
/// is no longer made. More in one thing does not make up for less in another.
fn is_less_work(stored: &phc::PasswordHash, current: &Params) -> Result<bool, HashError> {
    let params = Params::try_from(stored)?;
    let version = stored.version.map(Version::try_from).transpose()?.unwrap_or_default();
    Ok(Algorithm::try_from(stored.algorithm.as_str())? != Algorithm::default()
        || version < Version::default()
        || params.m_cost() < current.m_cost()
        || params.t_cost() < current.t_cost()
        || params.p_cost() < current.p_cost())
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use super::*;
    use crate::secrets::OsSecrets;

    const TINY: Argon2Options = Argon2Options { memory_kib: 8, passes: 1, lanes: 1, concurrent: 2 };

    fn hasher(options: Argon2Options) -> Argon2Hasher {
        Argon2Hasher::new(options, Arc::new(OsSecrets)).expect("a hasher")
    }

    async fn verdict(
        hasher: &Argon2Hasher,
        password: &str,
        hash: Option<&PasswordHash>,
    ) -> Verified {
        hasher.verify(&Password::given(password), hash).await.expect("a verdict")
    }

    #[tokio::test]
    async fn only_the_password_that_was_hashed_is_right() {
        let hasher = hasher(TINY);
        let hash = hasher.hash(&Password::given("correct horse battery")).await.expect("a hash");
        assert!(hash.expose().starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{}", hash.expose());
        assert_eq!(verdict(&hasher, "correct horse battery", Some(&hash)).await, Verified::Yes);
        for wrong in ["", "correct horse", "correct horse batterx", "Correct horse battery"] {
            assert_eq!(verdict(&hasher, wrong, Some(&hash)).await, Verified::No, "{wrong}");
        }
        let again = hasher.hash(&Password::given("correct horse battery")).await.expect("a hash");
        assert_ne!(hash, again, "the salt is new");
    }

    #[tokio::test]
    async fn a_hash_of_the_reference_implementation_is_verified_with_its_own_parameters() {
        // phc-winner-argon2, src/test.c, version 0x13, argon2id.
        let hash = PasswordHash::from_phc(
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
        );
        assert_eq!(verdict(&hasher(TINY), "password", Some(&hash)).await, Verified::Yes);
        assert_eq!(verdict(&hasher(TINY), "sassword", Some(&hash)).await, Verified::No);
    }

    #[tokio::test]
    async fn a_hash_that_took_less_work_than_a_new_one_is_outdated_and_no_other() {
        let current = Argon2Options { memory_kib: 64, passes: 2, lanes: 2, concurrent: 2 };
        let hasher = hasher(current);
        for (algorithm, version, m, t, p, expected) in [
            (Algorithm::Argon2id, Version::V0x13, 64, 2, 2, Verified::Yes),
            (Algorithm::Argon2id, Version::V0x13, 128, 3, 4, Verified::Yes),
            (Algorithm::Argon2id, Version::V0x13, 63, 2, 2, Verified::Outdated),
            (Algorithm::Argon2id, Version::V0x13, 64, 1, 2, Verified::Outdated),
            (Algorithm::Argon2id, Version::V0x13, 64, 2, 1, Verified::Outdated),
            (Algorithm::Argon2id, Version::V0x13, 1024, 1, 2, Verified::Outdated),
            (Algorithm::Argon2id, Version::V0x10, 64, 2, 2, Verified::Outdated),
            (Algorithm::Argon2i, Version::V0x13, 64, 2, 2, Verified::Outdated),
            (Algorithm::Argon2d, Version::V0x13, 1024, 9, 8, Verified::Outdated),
        ] {
            let params = Params::new(m, t, p, None).expect("parameters");
            let (algorithm, version) = (Some(algorithm.as_str()), Some(version.into()));
            let hash = Argon2id
                .hash_password_customized(b"secret", &[7; 16], algorithm, version, params)
                .expect("a hash")
                .to_string();
            let stored = PasswordHash::from_phc(hash.clone());
            assert_eq!(verdict(&hasher, "secret", Some(&stored)).await, expected, "{hash}");
            assert_eq!(verdict(&hasher, "secreu", Some(&stored)).await, Verified::No, "{hash}");
        }
    }

    #[tokio::test]
    async fn what_was_outdated_is_not_after_it_was_hashed_anew() {
        let old = hasher(TINY).hash(&Password::given("secret")).await.expect("a hash");
        let hasher = hasher(Argon2Options { passes: 2, ..TINY });
        assert_eq!(verdict(&hasher, "secret", Some(&old)).await, Verified::Outdated);
        let new = hasher.hash(&Password::given("secret")).await.expect("a hash");
        assert_eq!(verdict(&hasher, "secret", Some(&new)).await, Verified::Yes);
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn five_hundred_at_once_take_the_memory_of_two() {
        let peak = || {
            let status = std::fs::read_to_string("/proc/self/status").expect("the kernel tells");
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
            let number = line.split_whitespace().next().expect("a number");
            number.parse::<usize>().expect("a number") / 1024
        };
        let options = Argon2Options { memory_kib: 4 * 1024, ..TINY };
        let hasher = Arc::new(hasher(options));
        let hash = hasher.hash(&Password::given("secret")).await.expect("a hash");
        let before = peak();
        let mut tasks = JoinSet::new();
        for _ in 0..500 {
            let (hasher, hash) = (Arc::clone(&hasher), hash.clone());
            tasks.spawn(async move { verdict(&hasher, "secret", Some(&hash)).await });
        }
        let verdicts = tasks.join_all().await;
        assert_eq!(verdicts, [Verified::Yes; 500]);
        // Other tests run beside this one. Without turns it would be 2000 MiB.
        assert!(peak() < before + 200, "{before} MiB before, {} MiB at most", peak());
    }

    #[tokio::test]
    async fn nobodys_password_is_never_right_and_costs_a_real_hash() {
        let hasher = hasher(TINY);
        assert_eq!(verdict(&hasher, "correct horse battery", None).await, Verified::No);
        let real = hasher.hash(&Password::given("correct horse battery")).await.expect("a hash");
        let (real, nobodys) = (real.expose(), hasher.nobodys.expose());
        let params = |phc: &str| {
            let hash = phc::PasswordHash::new(phc).expect("a PHC string");
            let length = |bytes: Option<usize>| bytes.expect("is there");
            let salt = length(hash.salt.as_ref().map(|salt| salt.len()));
            let output = length(hash.hash.as_ref().map(|output| output.as_bytes().len()));
            (hash.algorithm.to_string(), hash.version, hash.params.to_string(), salt, output)
        };
        assert_eq!(params(real), params(nobodys));
    }

    #[tokio::test]
    async fn an_absurdly_long_password_is_refused_whatever_it_is_compared_with() {
        let hasher = hasher(TINY);
        let hash = hasher.hash(&Password::given("")).await.expect("a hash");
        let absurd = "x".repeat(10_000_000);
        assert_eq!(verdict(&hasher, &absurd, Some(&hash)).await, Verified::No);
        assert_eq!(verdict(&hasher, &absurd, None).await, Verified::No);
        assert!(hasher.hash(&Password::given(absurd)).await.is_err());
    }

    #[tokio::test]
    async fn a_stored_hash_that_is_none_is_an_error_and_not_a_wrong_password() {
        let hasher = hasher(TINY);
        for broken in ["", "hunter2", "$argon2id$v=19$m=8", "$scrypt$ln=1$c2FsdHNhbHQ$aGFzaGhhc2g"]
        {
            let hash = PasswordHash::from_phc(broken);
            assert!(hasher.verify(&Password::given("x"), Some(&hash)).await.is_err(), "{broken}");
        }
    }

    #[test]
    fn options_that_cannot_hash_are_refused_at_once() {
        for options in [
            Argon2Options { concurrent: 0, ..TINY },
            Argon2Options { memory_kib: 7, ..TINY },
            Argon2Options { passes: 0, ..TINY },
            Argon2Options { lanes: 0, ..TINY },
        ] {
            assert!(Argon2Hasher::new(options, Arc::new(OsSecrets)).is_err(), "{options:?}");
        }
    }
}
