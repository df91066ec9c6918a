//! Use cases: permit, begin, load, decide, store, announce, commit.
//!
//! What is *not* here: rules (they are in the domain), SQL, status codes, JSON and vendors.
pub mod access;
pub mod accounts;
pub mod audit;
mod base;
mod batch;
pub mod billing;
pub mod health;
pub mod idempotency;
pub mod jobs;
pub mod processes;
mod retry;
mod tasks;
pub mod usage;

pub use base::Base;
pub use tasks::Tasks;
