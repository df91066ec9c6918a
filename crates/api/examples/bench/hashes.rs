//! The rate at which passwords are compared with their hashes, and nothing else is done. Nobody
//! can be signed in sooner.
use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use cape_domain::accounts::{Password, PasswordHash, PasswordHasher as _, Verified};
use cape_gateways::{
    accounts::{Argon2Hasher, Argon2Options},
    secrets::OsSecrets,
};
use tokio::runtime::Runtime;

/// Compares on as many threads as the platform does, with the same parameters: its defaults.
pub struct Hashes {
    runtime: Runtime,
    hasher: Argon2Hasher,
    password: Password,
    hash: PasswordHash,
}

impl Hashes {
    /// Hashes a password.
    pub fn prepare(password: &str) -> anyhow::Result<Self> {
        let runtime = Runtime::new()?;
        let hasher = Argon2Hasher::new(Argon2Options::default(), Arc::new(OsSecrets))?;
        let password = Password::given(password);
        let hash = runtime.block_on(hasher.hash(&password));
        let hash = hash.map_err(anyhow::Error::from_boxed).context("no hash")?;
        Ok(Self { runtime, hasher, password, hash })
    }

    /// Comparisons a second.
    pub fn rate(&self, lasting: Duration) -> anyhow::Result<f64> {
        let begun = Instant::now();
        let compare = || {
            let mut count = 0_u32;
            while begun.elapsed() < lasting {
                let comparison = self.hasher.verify(&self.password, Some(&self.hash));
                let verified = self.runtime.block_on(comparison);
                let verified = verified.map_err(anyhow::Error::from_boxed)?;
                anyhow::ensure!(verified == Verified::Yes, "its own password is wrong");
                count += 1;
            }
            Ok(count)
        };
        let count: anyhow::Result<u32> = thread::scope(|scope| {
            let threads = Argon2Options::default().concurrent;
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(compare)).collect();
            let joined = running
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|_| anyhow::bail!("a thread panicked")));
            joined.sum()
        });
        Ok(f64::from(count?) / begun.elapsed().as_secs_f64())
    }
}
