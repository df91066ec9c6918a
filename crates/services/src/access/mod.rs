//! Who is calling, and what was taken back since.
mod api_keys;
mod authenticator;
mod control;
mod door;
mod introspection;
mod key_ring;

pub use api_keys::{ApiKeyError, ApiKeyService, InvalidOverlap, NewApiKey, Overlap};
pub use authenticator::{Authenticator, Caller, Origin, Refused};
pub use control::{ControlFeed, ObeysControl};
pub use door::{Doorkeeper, Wait};
pub use introspection::{Introspection, IntrospectionError, IntrospectionService};
pub use key_ring::KeyRing;
