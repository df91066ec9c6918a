//! Who is acting, what they may do, and how that is taken back everywhere within a second.
//!
//! Not here: profiles and passwords, which are `accounts`'.
mod actor;
mod api_key;
mod control;
mod network;
mod permit;
mod ports;
mod throttle;
mod token;

pub use actor::{Actor, Principal};
pub use api_key::{
    ApiKey, InvalidApiKey, KeyRules, KeyScope, KeyState, PresentedKey, UnknownScope,
};
pub use control::{ControlChange, ControlEntry, FEED_OVERLAP, FEED_STALE_AFTER, Revocations};
pub use network::{InvalidNetwork, Network};
pub use permit::{
    ChangeEmail, ChangePassword, CloseAccount, CreateKeys, EditProfile, FRESH_FOR, Forbidden,
    Grants, ManageBilling, ManageCredentials, ManageKeys, ManageMembers, ManageMfa, ManageSessions,
    OperatePlatform, Permission, Permit, Role, SignOut, UnknownRole, UseAi, ViewBilling,
    ViewCredentials, ViewMembers, ViewModels, ViewPlatform, ViewProfile, ViewUsage,
};
pub use ports::{
    AccessReads, AccessRepositories, AccessTokens, ApiKeyReads, ApiKeyRepository, ControlReads,
    ControlRepository, Throttle,
};
pub use throttle::{Attempt, Axis, Door, Tally, Throttled};
pub use token::{AccessClaims, TokenId, TokenRefused};
