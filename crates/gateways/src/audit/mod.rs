//! Encryption of personal data.
pub mod vault;

pub use vault::AesVault;
