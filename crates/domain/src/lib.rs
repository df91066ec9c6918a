//! Business rules. Synchronous, deterministic, free of frameworks.
//!
//! What is *not* here: I/O, SQL, HTTP, serialisation, clocks and the making of ids. Those are
//! ports, which the outer crates implement.
pub mod access;
pub mod accounts;
pub mod audit;
pub mod billing;
pub mod idempotency;
pub mod ids;
pub mod jobs;
pub mod json;
pub mod page;
pub mod probe;
pub mod processes;
pub mod secret;
pub mod store;
pub mod text;
pub mod time;
pub mod usage;
