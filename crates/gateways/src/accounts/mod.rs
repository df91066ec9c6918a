//! Hashing of passwords, and the secrets of refresh tokens.
mod argon2id;
pub mod hasher;
pub mod refresh;

pub use hasher::{Argon2Hasher, Argon2Options, InvalidArgon2Options};
pub use refresh::HkdfRefreshSecrets;
