//! Who calls, and whether they may.
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload, http::header, web};
use cape_domain::access::{Permission, Permit};
use cape_services::access::{Authenticator, Origin};
use futures_util::future::{LocalBoxFuture, Ready, ready};

use crate::error::ApiError;

/// A person who holds `P`, by an access token. The use case asks for the permit, so the handler
/// has to.
pub struct Permitted<P>(pub Permit<P>);

/// A program that holds `P`, by an API key.
pub struct KeyPermitted<P>(pub Permit<P>);

/// The request through which somebody acts.
pub struct RequestOrigin(pub Origin);

impl<P: Permission> FromRequest for Permitted<P> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (door, origin, bearer) = presented(request);
        Box::pin(async move {
            let bearer = bearer.ok_or_else(ApiError::unauthenticated)?;
            let caller = door.person(&bearer, origin).await?;
            Ok(Self(caller.grants.permit(caller.actor)?))
        })
    }
}

impl<P: Permission> FromRequest for KeyPermitted<P> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (door, origin, bearer) = presented(request);
        Box::pin(async move {
            let bearer = bearer.ok_or_else(ApiError::key_missing)?;
            let caller = door.program(&bearer, origin).await?;
            Ok(Self(caller.grants.permit(caller.actor)?))
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

fn presented(request: &HttpRequest) -> (web::Data<Authenticator>, Origin, Option<String>) {
    let door = request.app_data::<web::Data<Authenticator>>().expect("the door is mounted");
    let header = request.headers().get(header::AUTHORIZATION);
    let bearer = header.and_then(|value| value.to_str().ok()).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    });
    (door.clone(), origin(request), bearer)
}

/// What was found out when the request came in.
fn origin(request: &HttpRequest) -> Origin {
    *request.extensions().get::<Origin>().expect("every request has an origin")
}
