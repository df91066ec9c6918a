//! What handlers ask of a request.
pub mod address;
mod body;
mod path;
mod permitted;
mod query;

use actix_web::web;

pub use address::{InvalidNetwork, TrustedNetwork, client_address};
pub use body::{Body, Fields, RawBody, depth_within};
pub use path::PathId;
pub use permitted::{KeyPermitted, Permitted, RequestOrigin};
pub use query::QueryOf;

/// A shared service.
pub type Service<T> = web::Data<T>;
