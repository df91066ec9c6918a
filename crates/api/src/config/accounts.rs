//! Section `accounts`: how people sign up and in.
use std::num::{NonZeroU32, NonZeroUsize};

use serde::{Deserialize, Serialize};

use super::{Environment, problem::Rules, values::BaseUrl};

/// The most that a new workspace may be given.
const MOST_WELCOME_CREDITS: u64 = 1_000_000;

/// How people sign up and in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    /// How many passwords are hashed at the same time; more wait.
    pub hash_threads: NonZeroUsize,
    /// Whether only people with a verified address sign in, and their keys alone are good.
    pub verified_only: bool,
    /// Whether whoever guesses passwords and codes is slowed down. It is lifted for load tests
    /// alone.
    pub throttle: Throttling,
    /// Credits that a new workspace is given.
    pub welcome_credits: u64,
    /// Where the links of mails lead, if not to the pages that the platform shows itself.
    pub links: Links,
    /// How hard hashing a password is.
    pub hash: Hash,
}

/// Whether whoever guesses is slowed down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Throttling {
    /// It is.
    On,
    /// It is not.
    Off,
}

/// Where the links of mails lead. Each gets the parameter `token`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Links {
    /// Shows that an address is one's own.
    pub verify_email: Option<BaseUrl>,
    /// Chooses a new password.
    pub reset_password: Option<BaseUrl>,
    /// Agrees to move to another address.
    pub change_email: Option<BaseUrl>,
    /// Joins a workspace.
    pub invitation: Option<BaseUrl>,
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
            throttle: Throttling::On,
            welcome_credits: if environment.is_local() { 100 } else { 0 },
            links: Links {
                verify_email: None,
                reset_password: None,
                change_email: None,
                invitation: None,
            },
            hash: Hash {
                memory_kib: NonZeroU32::new(19 * 1024).expect("19 MiB is not zero"),
                iterations: NonZeroU32::new(2).expect("two is not zero"),
                parallel: NonZeroU32::MIN,
            },
        }
    }

    pub(super) fn check(&self, environment: Environment, rules: &mut Rules) {
        let lifted = self.throttle == Throttling::Off && !environment.is_local();
        rules.refuse(lifted, "accounts.throttle", || format!("cannot be off in {environment}"));
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
