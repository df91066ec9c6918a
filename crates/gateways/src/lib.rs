//! The outbound ports: everything that the platform asks of somebody else, in its own words.
//!
//! What is *not* here: rules, and when to ask. A gateway translates a vendor's protocol into the
//! domain's words, waits no longer than it was told to, and retries only what is safe to do twice.
//! Nothing here reads the environment or asks what time it is: values are handed in.
pub mod access;
pub mod accounts;
pub mod audit;
pub mod billing;
pub mod health;
pub mod redis_link;
pub mod secrets;
pub mod usage;
