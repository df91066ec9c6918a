//! Passwords, derived secrets, and codes of apps.
mod argon2id;
pub mod breached;
pub mod deriver;
pub mod hasher;
pub mod mail;
pub mod meter;
pub mod totp;
mod turns;

pub use deriver::HkdfSecrets;
pub use hasher::{Argon2Hasher, Argon2Options, InvalidArgon2Options};
pub use mail::{InvalidSmtpOptions, InvalidTemplate, SmtpMailer, SmtpOptions};
pub use meter::ZxcvbnMeter;
pub use totp::{InvalidIssuer, TotpApp};
