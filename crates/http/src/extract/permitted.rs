//! Who calls, and whether they may.
use actix_web::{
    FromRequest, HttpMessage as _, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderMap},
    web,
};
use cape_domain::{
    access::{Permission, Permit},
    accounts::Device,
};
use cape_services::access::{Authenticator, Origin};
use futures_util::future::{LocalBoxFuture, Ready, ready};

use crate::error::{ApiError, Shape};

/// A person who holds `P`, by an access token. The use case asks for the permit, so the handler
/// has to.
pub struct Permitted<P>(pub Permit<P>);

/// A program that holds `P`, by an API key.
pub struct KeyPermitted<P>(pub Permit<P>);

/// The request through which somebody acts.
pub struct RequestOrigin(pub Origin);

/// What a program says it is, as far as that is worth showing.
pub struct ClientDevice(pub Option<Device>);

/// Where Anthropic's clients put a key.
const KEY_HEADER: &str = "x-api-key";

/// Where Google's clients put a key.
pub(crate) const GOOGLE_KEY_HEADER: &str = "x-goog-api-key";

/// As many characters as a [`Device`] has at most.
const LONGEST_DEVICE: usize = 200;

impl<P: Permission> FromRequest for Permitted<P> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (door, origin, bearer) = presented(request);
        Box::pin(async move {
            let bearer = bearer.ok_or_else(ApiError::unauthenticated)?;
            let caller = door.person(&bearer, origin).await?;
            Ok(Self(door.permit(caller)?))
        })
    }
}

impl<P: Permission> FromRequest for KeyPermitted<P> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (door, origin, bearer) = presented(request);
        let in_query = || in_query(request.path(), request.headers(), request.query_string());
        let key = bearer.or_else(|| in_header(request)).or_else(in_query);
        Box::pin(async move {
            let key = key.ok_or_else(ApiError::key_missing)?;
            let caller = door.program(&key, origin).await?;
            Ok(Self(door.permit(caller)?))
        })
    }
}

impl FromRequest for RequestOrigin {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(origin(request))))
    }
}

impl FromRequest for ClientDevice {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let header = request.headers().get(header::USER_AGENT);
        let text = header.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let cut: String = text.chars().take(LONGEST_DEVICE).collect();
        ready(Ok(Self(cut.parse().ok())))
    }
}

fn presented(request: &HttpRequest) -> (web::Data<Authenticator>, Origin, Option<String>) {
    let door = request.app_data::<web::Data<Authenticator>>().expect("the door is mounted");
    (door.clone(), origin(request), bearer(request))
}

/// The key where Anthropic's or Google's clients put it.
fn in_header(request: &HttpRequest) -> Option<String> {
    let header = |name: &str| request.headers().get(name)?.to_str().ok().map(str::to_owned);
    header(KEY_HEADER).or_else(|| header(GOOGLE_KEY_HEADER))
}

/// The key in the address, where some of Google's clients put it, and nobody else. No log of ours
/// shows it.
fn in_query(path: &str, headers: &HeaderMap, query: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Keyed {
        key: Option<String>,
    }
    if query.is_empty() || Shape::of(path, headers) != Shape::Gemini {
        return None;
    }
    web::Query::<Keyed>::from_query(query).ok()?.into_inner().key
}

/// Whether something is presented, wherever it stands.
pub(crate) fn presents_key(path: &str, headers: &HeaderMap, query: &str) -> bool {
    let names = [header::AUTHORIZATION.as_str(), KEY_HEADER, GOOGLE_KEY_HEADER];
    names.iter().any(|name| headers.contains_key(*name)) || in_query(path, headers, query).is_some()
}

/// What somebody presents as bearer.
pub(crate) fn bearer(request: &HttpRequest) -> Option<String> {
    let header = request.headers().get(header::AUTHORIZATION)?;
    let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// What was found out when the request came in.
fn origin(request: &HttpRequest) -> Origin {
    *request.extensions().get::<Origin>().expect("every request has an origin")
}
