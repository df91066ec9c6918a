//! What handlers ask of a request.
pub mod address;
mod body;
mod path;
mod permitted;
mod query;

use actix_web::web;

pub use address::client_address;
pub use body::{Body, Fields, RawBody, depth_within};
pub(crate) use body::{SentBody, reasons};
pub use path::PathId;
pub use permitted::{ClientDevice, KeyPermitted, Permitted, RequestOrigin};
pub(crate) use permitted::{GOOGLE_KEY_HEADER, bearer, presents_key};
pub use query::QueryOf;

/// A shared service.
pub type Service<T> = web::Data<T>;
