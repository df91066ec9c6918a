//! Signing and reading of access tokens, and slowing down who guesses.
pub mod throttle;
pub mod tokens;

pub use throttle::{InProcessThrottle, InProcessThrottleOptions};
pub use tokens::{Algorithm, InvalidJwtOptions, JwtOptions, JwtTokens};
