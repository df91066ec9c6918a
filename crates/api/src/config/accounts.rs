//! Section `accounts`: how people sign up and in.
use std::num::{NonZeroU32, NonZeroUsize};

use serde::{Deserialize, Serialize};

use super::{Environment, problem::Rules};

/// The most that a new workspace may be given.
const MOST_WELCOME_CREDITS: u64 = 1_000_000;

/// How people sign up and in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    /// How many passwords are hashed at the same time; more wait.
    pub hash_threads: NonZeroUsize,
    /// Whether only people with a verified address sign in.
    pub verified_only: bool,
    /// Credits that a new workspace is given.
    pub welcome_credits: u64,
    /// How hard hashing a password is.
    pub hash: Hash,
}

/// How hard hashing a password is, in the words of Argon2id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hash {
    /// Memory for one password, in KiB.
    pub memory_kib: NonZeroU32,
    /// How often that memory is gone through.
    pub iterations: NonZeroU32,
    /// How many lanes the memory has.
    pub parallel: NonZeroU32,
}

impl Accounts {
    /// Hashing is as hard as OWASP asks for (Password Storage Cheat Sheet, 2025).
    pub(super) const fn defaults(environment: Environment) -> Self {
        Self {
            hash_threads: NonZeroUsize::new(2).expect("two is not zero"),
            verified_only: !environment.is_local(),
            welcome_credits: if environment.is_local() { 100 } else { 0 },
            hash: Hash {
                memory_kib: NonZeroU32::new(19 * 1024).expect("19 MiB is not zero"),
                iterations: NonZeroU32::new(2).expect("two is not zero"),
                parallel: NonZeroU32::MIN,
            },
        }
    }

    pub(super) fn check(&self, rules: &mut Rules) {
        let Hash { memory_kib, parallel, .. } = self.hash;
        let lanes_fit = u64::from(memory_kib.get()) >= 8 * u64::from(parallel.get());
        rules.refuse(!lanes_fit, "accounts.hash.memory_kib", || {
            "is less than 8 KiB for each lane of accounts.hash.parallel".to_owned()
        });
        rules.refuse(
            self.welcome_credits > MOST_WELCOME_CREDITS,
            "accounts.welcome_credits",
            || format!("is more than {MOST_WELCOME_CREDITS}"),
        );
    }
}
