//! Signing and reading of access tokens.
pub mod tokens;

pub use tokens::{JwtOptions, JwtTokens};
