//! The body of a request: bounded in size and depth, and read into a type that knows all of its
//! fields.
use std::{collections::BTreeMap, fmt, ops::RangeInclusive, str::FromStr};

use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload, http::StatusCode, web};
use bytes::Bytes;
use cape_domain::accounts::{Password, WeakPassword};
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// How deeply JSON may be nested.
const DEEPEST: usize = 64;

/// A JSON body. An unknown field, a wrong type or anything after it is an error.
pub struct Body<T>(pub T);

/// The bytes of a body, as they came.
pub struct RawBody(pub Bytes);

/// The bytes that came, among the extensions of the request: for whoever asks whether the same came
/// before.
#[derive(Clone, Default)]
pub(crate) struct SentBody(pub(crate) Bytes);

impl FromRequest for RawBody {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = web::Bytes::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let bytes = bytes.await.map_err(|error| unreadable(&error))?;
            request.extensions_mut().insert(SentBody(bytes.clone()));
            Ok(Self(bytes))
        })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let kind = request.content_type().to_owned();
        let raw = RawBody::from_request(request, payload);
        Box::pin(async move {
            let RawBody(bytes) = raw.await?;
            if kind != "application/json" {
                let (status, code) = (StatusCode::UNSUPPORTED_MEDIA_TYPE, "request.not_json");
                return Err(ApiError::client(status, code, "send application/json"));
            }
            read(&bytes).map(Self)
        })
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let wrong = |code, detail: String| ApiError::client(StatusCode::BAD_REQUEST, code, detail);
    if !depth_within(bytes) {
        return Err(wrong("request.too_deep", format!("JSON is nested deeper than {DEEPEST}")));
    }
    if bytes.trim_ascii_start().starts_with(b"[") {
        // It would be read as the fields of an object, in a row and without their names.
        return Err(wrong("request.wrong_shape", "expected an object".to_owned()));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let code = if error.is_data() { "request.wrong_shape" } else { "request.malformed_json" };
        wrong(code, error.to_string())
    })
}

/// Whether a JSON text is nested as deeply as it may be, and no deeper.
#[must_use]
pub fn depth_within(json: &[u8]) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                if depth > DEEPEST {
                    return false;
                }
            }
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

fn unreadable(error: &actix_web::Error) -> ApiError {
    let status = error.as_response_error().status_code();
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        return ApiError::client(status, "request.too_large", "the body is too large");
    }
    ApiError::client(StatusCode::BAD_REQUEST, "request.unreadable", error)
}

/// Reads the fields of a body into the domain's types, and collects what is wrong with them.
#[derive(Default)]
pub struct Fields(BTreeMap<String, String>);

impl Fields {
    /// Reads a required field.
    pub fn read<T>(&mut self, name: &str, text: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        self.accept(name, text.parse())
    }

    /// Reads a field that may be absent.
    pub fn read_optional<T>(&mut self, name: &str, text: Option<&str>) -> Option<T>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        text.and_then(|text| self.read(name, text))
    }

    /// Takes a value, or notes why there is none.
    pub fn accept<T, E: fmt::Display>(&mut self, name: &str, read: Result<T, E>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                self.0.insert(name.to_owned(), error.to_string());
                None
            }
        }
    }

    /// Reads every text of a list, which has so many.
    pub fn read_all<T, C>(
        &mut self,
        name: &str,
        texts: &[String],
        many: RangeInclusive<usize>,
    ) -> Option<C>
    where
        T: FromStr,
        T::Err: fmt::Display,
        C: FromIterator<T>,
    {
        if !many.contains(&texts.len()) {
            self.refuse(name, format!("must have {} to {} entries", many.start(), many.end()));
            return None;
        }
        self.accept(name, texts.iter().map(|text| text.parse()).collect())
    }

    /// Takes a password, or notes everything that is wrong with it.
    pub fn accept_password(
        &mut self,
        name: &str,
        chosen: Result<Password, Vec<WeakPassword>>,
    ) -> Option<Password> {
        self.accept(name, chosen.map_err(|wrong| reasons(&wrong)))
    }

    /// Notes that a field is wrong.
    pub fn refuse(&mut self, name: &str, why: impl Into<String>) {
        self.0.insert(name.to_owned(), why.into());
    }

    /// The value, unless something was wrong. It is there whenever nothing was.
    ///
    /// # Errors
    ///
    /// 422, with every field that is wrong.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, ApiError> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            Some(_) | None => Err(ApiError::fields(self.0)),
        }
    }
}

/// Everything that is wrong with a password, in one sentence.
pub(crate) fn reasons(wrong: &[WeakPassword]) -> String {
    wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_count_outside_of_texts_only() {
        let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
        assert!(depth_within(nested(DEEPEST).as_bytes()));
        assert!(!depth_within(nested(DEEPEST + 1).as_bytes()));
        assert!(depth_within(format!("\"{}\"", "[".repeat(1_000)).as_bytes()));
        assert!(depth_within(format!("\"\\\"{}\"", "{".repeat(1_000)).as_bytes()));
        assert!(!depth_within(format!("\"\\\\\"{}", "{".repeat(1_000)).as_bytes()));
        assert!(depth_within(b"]]]]"));
    }
}
