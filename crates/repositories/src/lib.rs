//! The store, in SQL. `SQLite` and `PostgreSQL` share every query; where they differ in how to
//! connect, to begin and to make a commit last is in `connection.rs`, all of it.
//!
//! Not here: decisions, defaults, timestamps and the making of ids; and not the schema, which
//! is `cape-migration`'s.
mod access;
mod accounts;
mod audit;
mod billing;
mod connection;
mod database;
mod error;
mod flush;
mod home;
mod idempotency;
mod jobs;
mod lock;
mod page;
mod pool;
mod prepared;
mod processes;
mod store;
mod transaction;
mod usage;

pub use connection::{Options, SqlStore};
pub use database::{Database, UnknownDatabase};
pub use lock::{LockError, ProcessLock};
