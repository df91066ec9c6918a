//! The use cases, over a store in memory and fakes of everything outside.
mod access;
mod accounts;
mod audit;
mod billing;
mod health;
mod idempotency;
mod jobs;
mod processes;
mod stored;
mod usage;
mod world;
