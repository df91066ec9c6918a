//! The query of a request.
use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::StatusCode, web::Query};
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// The query, read into a type that knows all of its parameters.
pub struct QueryOf<T>(pub T);

impl<T: DeserializeOwned> FromRequest for QueryOf<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let read = Query::<T>::from_query(request.query_string());
        let wrong = |error| ApiError::client(StatusCode::BAD_REQUEST, "request.query", error);
        ready(read.map(|query| Self(query.into_inner())).map_err(wrong))
    }
}
