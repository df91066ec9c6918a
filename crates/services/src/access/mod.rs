//! Who is calling, and what was taken back since.
mod api_keys;
mod authenticator;
mod control;

pub use api_keys::{ApiKeyError, ApiKeyService, NewApiKey};
pub use authenticator::{Authenticator, Caller, Origin, Refused};
pub use control::{ControlFeed, ObeysControl};
