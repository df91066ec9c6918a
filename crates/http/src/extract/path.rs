//! Identifiers in the path.
use std::{
    fmt,
    future::{Ready, ready},
    str::FromStr,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::StatusCode};

use crate::error::ApiError;

/// An identifier in the path, already of the right kind.
pub struct PathId<T>(pub T);

impl<T> FromRequest for PathId<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let raw = request.match_info().get("id").unwrap_or_default();
        let wrong = |error| ApiError::client(StatusCode::NOT_FOUND, "path.invalid_id", error);
        ready(raw.parse().map(Self).map_err(wrong))
    }
}
