//! What handlers ask of a request.
pub mod address;
mod body;
mod path;
mod permitted;
mod query;

use actix_web::web;

pub use address::client_address;
pub(crate) use body::reasons;
pub use body::{Body, Fields, RawBody, depth_within};
pub use path::PathId;
pub use permitted::{ClientDevice, KeyPermitted, Permitted, RequestOrigin};
pub(crate) use permitted::{KEY_HEADER, bearer};
pub use query::QueryOf;

/// A shared service.
pub type Service<T> = web::Data<T>;
