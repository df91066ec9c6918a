//! The public keys of access tokens.
use actix_web::{HttpResponse, get};
use cape_services::access::Authenticator;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{error::Failure, extract::Service};

/// A JSON Web Key Set (RFC 7517).
#[derive(Serialize, ToSchema)]
pub struct KeySetView {
    /// The keys.
    #[schema(value_type = Vec<Object>)]
    keys: Vec<()>,
}

/// Show the public keys of access tokens.
///
/// A key is here a day before anything is signed with it, and until the last token that was
/// signed with it has expired; five minutes old is new enough.
#[utoipa::path(
    tag = "access", operation_id = "getKeySet",
    security(()),
    responses((status = 200, description = "The keys", body = KeySetView), Failure),
)]
#[get("/.well-known/jwks.json")]
pub async fn key_set(door: Service<Authenticator>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header(("cache-control", "public, max-age=300"))
        .body(door.key_set().as_str().to_owned())
}
