//! Keys that programs sign in with.
use actix_web::{HttpResponse, delete, get, post, web::Json};
use cape_domain::{
    access::{ApiKey, ManageKeys},
    ids::ApiKeyId,
};
use cape_services::access::{ApiKeyService, NewApiKey};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{Body, Fields, PathId, Permitted, QueryOf, Service},
    page::{ListView, PageQuery},
};

/// A key that somebody wants to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateKeyBody {
    /// What to call it, at most 100 characters.
    #[schema(example = "my first key")]
    name: String,
}

/// A key, without its secret.
#[derive(Serialize, ToSchema)]
pub struct ApiKeyView {
    #[schema(example = "key_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    id: String,
    name: String,
    /// Enough to recognise it by.
    #[schema(example = "cape_sk_0Bcd3fGh1jKlMn0pQrStUv")]
    prefix: String,
    created_at: DateTime<Utc>,
}

/// A key that was just made. Its secret is shown this once.
#[derive(Serialize, ToSchema)]
pub struct NewApiKeyView {
    #[serde(flatten)]
    shown: ApiKeyView,
    /// The whole key.
    key: String,
}

impl From<ApiKey> for ApiKeyView {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            prefix: key.prefix(),
            name: key.name.to_string(),
            created_at: key.created_at,
        }
    }
}

impl From<NewApiKey> for NewApiKeyView {
    fn from(NewApiKey { key, secret }: NewApiKey) -> Self {
        Self { shown: key.into(), key: secret.expose().to_owned() }
    }
}

/// Make an API key.
///
/// The whole key is in this answer alone.
#[utoipa::path(
    tag = "access", operation_id = "createApiKey",
    security(("access_token" = [])),
    request_body = CreateKeyBody,
    responses(
        (status = 201, description = "Made", body = NewApiKeyView),
        (status = 422, description = "`request.invalid_fields`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[post("/keys")]
pub async fn create(
    Permitted(permit): Permitted<ManageKeys>,
    Body(body): Body<CreateKeyBody>,
    keys: Service<ApiKeyService>,
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::default();
    let name = fields.read("name", &body.name);
    let name = fields.finish(name)?;
    let new = keys.create(permit, name).await?;
    Ok(HttpResponse::Created().json(NewApiKeyView::from(new)))
}

/// List API keys.
#[utoipa::path(
    tag = "access", operation_id = "listApiKeys",
    security(("access_token" = [])),
    params(PageQuery),
    responses((status = 200, description = "A page", body = ListView<ApiKeyView>), Unpermitted, Failure),
)]
#[get("/keys")]
pub async fn list(
    Permitted(permit): Permitted<ManageKeys>,
    QueryOf(query): QueryOf<PageQuery>,
    keys: Service<ApiKeyService>,
) -> Result<Json<ListView<ApiKeyView>>, ApiError> {
    let page = keys.list(permit, query.request()?).await?;
    Ok(Json(ListView::of(page, ApiKeyView::from)))
}

/// Take an API key back.
///
/// Within a second it is refused everywhere.
#[utoipa::path(
    tag = "access", operation_id = "revokeApiKey",
    security(("access_token" = [])),
    params(("id" = String, Path, description = "The key")),
    responses(
        (status = 204, description = "Taken back"),
        (status = 404, description = "`api_key.not_found`, `path.invalid_id`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[delete("/keys/{id}")]
pub async fn revoke(
    Permitted(permit): Permitted<ManageKeys>,
    PathId(id): PathId<ApiKeyId>,
    keys: Service<ApiKeyService>,
) -> Result<HttpResponse, ApiError> {
    keys.revoke(permit, id).await?;
    Ok(HttpResponse::NoContent().finish())
}
