//! HTTP, and nothing else: parsing, authentication, permits, views, errors, and the `OpenAPI`
//! document.
//!
//! What is *not* here: rules and transactions. A handler parses, calls one service method and
//! returns a view.
pub mod access;
pub mod accounts;
pub mod billing;
pub mod csv;
pub mod error;
pub mod extract;
pub mod idempotency;
pub mod middleware;
pub mod openapi;
pub mod operations;
mod page;
mod server;
pub mod usage;

pub use server::{HttpRules, Services, serve};
