//! Passwords under Argon2id, a bounded number at a time.
//!
//! What a strong password is, is *not* decided here.
use std::{fmt, sync::Arc};

use argon2::{
    CustomizedPasswordHasher as _, Params, PasswordVerifier as _,
    password_hash::{Error as HashError, phc},
};
use async_trait::async_trait;
use cape_domain::{
    accounts::{Password, PasswordHash, PasswordHasher},
    secret::SecretSource,
    store::BoxError,
};
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::argon2id::Argon2id;

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
    ) -> Result<bool, BoxError> {
        // An absurd password is not even read: it is nobody's, and takes as long to refuse.
        let (password, known) = if password.is_absurd() {
            (Password::given(""), None)
        } else {
            (password.clone(), hash)
        };
        let answerable = known.is_some();
        let hash = known.unwrap_or(&self.nobodys).clone();
        let outcome = self
            .turns
            .run(move || {
                let hash = phc::PasswordHash::new(hash.expose()).map_err(HashError::from)?;
                if hash.salt.is_none() || hash.hash.is_none() {
                    return Err(HashError::EncodingInvalid);
                }
                Argon2id.verify_password(password.expose().as_bytes(), &hash)
            })
            .await?;
        match outcome {
            Ok(()) => Ok(answerable),
            Err(HashError::PasswordInvalid) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Runs heavy work on threads of its own, so much of it at a time and no more.
struct Turns(Arc<Semaphore>);

impl Turns {
    fn new(concurrent: usize) -> Self {
        Self(Arc::new(Semaphore::new(concurrent.min(Semaphore::MAX_PERMITS))))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, BoxError> {
        let turn = Arc::clone(&self.0).acquire_owned().await?;
        let done = spawn_blocking(move || {
            let result = work();
            // Given back by the work, not by who waits for it: a caller that leaves does not
            // make room for work that is still going on.
            drop(turn);
            result
        });
        Ok(done.await?)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use tokio::{task::JoinSet, time::timeout};

    use super::*;
    use crate::secrets::OsSecrets;

    const TINY: Argon2Options = Argon2Options { memory_kib: 8, passes: 1, lanes: 1, concurrent: 2 };

    fn hasher(options: Argon2Options) -> Argon2Hasher {
        Argon2Hasher::new(options, Arc::new(OsSecrets)).expect("a hasher")
    }

    async fn verdict(hasher: &Argon2Hasher, password: &str, hash: Option<&PasswordHash>) -> bool {
        hasher.verify(&Password::given(password), hash).await.expect("a verdict")
    }

    #[tokio::test]
    async fn only_the_password_that_was_hashed_is_right() {
        let hasher = hasher(TINY);
        let hash = hasher.hash(&Password::given("correct horse battery")).await.expect("a hash");
        assert!(hash.expose().starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{}", hash.expose());
        assert!(verdict(&hasher, "correct horse battery", Some(&hash)).await);
        for wrong in ["", "correct horse", "correct horse batterx", "Correct horse battery"] {
            assert!(!verdict(&hasher, wrong, Some(&hash)).await, "{wrong}");
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
        assert!(verdict(&hasher(TINY), "password", Some(&hash)).await);
        assert!(!verdict(&hasher(TINY), "sassword", Some(&hash)).await);
    }

    #[tokio::test]
    async fn nobodys_password_is_never_right_and_costs_a_real_hash() {
        let hasher = hasher(TINY);
        assert!(!verdict(&hasher, "correct horse battery", None).await);
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
        assert!(!verdict(&hasher, &absurd, Some(&hash)).await);
        assert!(!verdict(&hasher, &absurd, None).await);
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

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_more_than_so_many_run_at_a_time_and_all_get_their_turn() {
        const CONCURRENT: usize = 3;
        let turns = Arc::new(Turns::new(CONCURRENT));
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut tasks = JoinSet::new();
        for _ in 0..24 {
            let (turns, running, most) =
                (Arc::clone(&turns), Arc::clone(&running), Arc::clone(&most));
            tasks.spawn(async move {
                turns
                    .run(move || {
                        let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        std::thread::sleep(Duration::from_millis(5));
                        running.fetch_sub(1, Ordering::SeqCst);
                    })
                    .await
                    .expect("a turn");
            });
        }
        assert_eq!(tasks.join_all().await.len(), 24);
        assert_eq!(most.load(Ordering::SeqCst), CONCURRENT);
    }

    #[tokio::test]
    async fn a_caller_that_leaves_does_not_give_its_turn_away_before_the_work_is_done() {
        let turns = Turns::new(1);
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let left = turns.run(move || wait.recv());
        assert!(timeout(Duration::from_millis(50), left).await.is_err(), "the caller left");
        assert_eq!(turns.0.available_permits(), 0);
        release.send(()).expect("the work is still going on");
        timeout(Duration::from_secs(10), turns.run(|| ())).await.expect("in time").expect("a turn");
    }
}
