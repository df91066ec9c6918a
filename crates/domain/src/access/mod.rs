//! Who is acting, what they may do, and how that is taken back everywhere within a second.
//!
//! Not here: profiles and passwords, which are `accounts`'.
mod actor;
mod api_key;
mod control;
mod permit;
mod ports;
mod token;

pub use actor::{Actor, Principal};
pub use api_key::{ApiKey, InvalidApiKey, KeyState, PresentedKey};
pub use control::{ControlChange, ControlEntry, FEED_OVERLAP, FEED_STALE_AFTER, Revocations};
pub use permit::{
    Forbidden, Grants, ManageBilling, ManageKeys, Permission, Permit, Role, SignOut, UnknownRole,
    UseAi, ViewBilling, ViewProfile, ViewUsage,
};
pub use ports::{
    AccessReads, AccessRepositories, AccessTokens, ApiKeyReads, ApiKeyRepository, ControlReads,
    ControlRepository,
};
pub use token::{AccessClaims, TokenId, TokenRefused};
