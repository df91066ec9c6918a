//! Kinds of values: what they look like as text, and which of them are masked when shown.
mod base_url;
mod connection_url;
mod cors_origin;
pub(super) mod duration;
pub(super) mod host;
mod key;
pub(super) mod list;
mod network;
mod provider_name;
mod secret_text;
pub(super) mod size;

pub use base_url::{BaseUrl, InvalidBaseUrl};
pub use connection_url::{DatabaseUrl, InvalidConnectionUrl, RedisUrl};
pub use cors_origin::{CorsOrigin, InvalidCorsOrigin};
pub use key::{InvalidKey, Key};
pub use network::Network;
pub use provider_name::ProviderName;
pub use secret_text::{EmptySecret, SecretText};

/// What stands in place of a secret.
pub const MASK: &str = "********";
