//! The public keys of access tokens.
use std::sync::Arc;

use actix_web::{HttpResponse, get, web};
use cape_domain::access::AccessTokens;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Failure;

/// A JSON Web Key Set (RFC 7517).
#[derive(Serialize, ToSchema)]
pub struct KeySetView {
    /// The keys.
    #[schema(value_type = Vec<Object>)]
    keys: Vec<()>,
}

/// Show the public keys of access tokens.
#[utoipa::path(
    tag = "access", operation_id = "getKeySet",
    security(()),
    responses((status = 200, description = "The keys", body = KeySetView), Failure),
)]
#[get("/.well-known/jwks.json")]
pub async fn key_set(tokens: web::Data<Arc<dyn AccessTokens>>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header(("cache-control", "public, max-age=300"))
        .body(tokens.key_set().as_str().to_owned())
}
