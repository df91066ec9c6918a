//! A workspace's own keys at providers of models. No key is ever shown again.
use actix_web::{
    HttpResponse, delete, get,
    http::StatusCode,
    put,
    web::{Json, Path},
};
use cape_domain::{
    access::{ManageCredentials, ViewCredentials},
    usage::{Provider, ProviderCredential},
};
use cape_services::usage::CredentialService;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{Body, Fields, Permitted, Service},
};

/// A key at a provider.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialBody {
    /// As the provider gave it out: 8 to 512 visible ASCII characters.
    #[schema(format = Password, example = "sk-proj-…")]
    api_key: String,
}

/// What is told of a workspace's own key at a provider.
#[derive(Serialize, ToSchema)]
pub struct CredentialView {
    #[schema(example = "crd_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    id: String,
    #[schema(example = "openai")]
    provider: String,
    /// The last four characters.
    #[schema(example = "x7Qa")]
    ending: String,
    created_at: DateTime<Utc>,
    /// Who stored it.
    #[schema(example = "usr_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    created_by: String,
}

/// A workspace's own keys at providers.
#[derive(Serialize, ToSchema)]
pub struct CredentialListView {
    /// By the names of their providers.
    data: Vec<CredentialView>,
}

impl From<ProviderCredential> for CredentialView {
    fn from(credential: ProviderCredential) -> Self {
        Self {
            id: credential.id.to_string(),
            provider: credential.provider.to_string(),
            ending: credential.ending,
            created_at: credential.created_at,
            created_by: credential.created_by.to_string(),
        }
    }
}

/// What the path means.
fn provider(path: &Path<String>) -> Result<Provider, ApiError> {
    let wrong = |error| ApiError::client(StatusCode::NOT_FOUND, "path.invalid_id", error);
    path.parse().map_err(wrong)
}

/// List the workspace's own keys at providers.
///
/// Calls of the workspace to these providers are made under them. The keys themselves are not
/// shown.
#[utoipa::path(
    tag = "usage", operation_id = "listProviderCredentials",
    security(("access_token" = [])),
    responses(
        (status = 200, description = "Found", body = CredentialListView),
        Unpermitted,
        Failure,
    ),
)]
#[get("/ai/credentials")]
pub async fn list(
    Permitted(permit): Permitted<ViewCredentials>,
    credentials: Service<CredentialService>,
) -> Result<Json<CredentialListView>, ApiError> {
    let all = credentials.list(permit).await?;
    Ok(Json(CredentialListView { data: all.into_iter().map(CredentialView::from).collect() }))
}

/// Show the workspace's own key at a provider.
#[utoipa::path(
    tag = "usage", operation_id = "getProviderCredential",
    security(("access_token" = [])),
    params(("provider" = String, Path, description = "Its name, such as `openai`")),
    responses(
        (status = 200, description = "Found", body = CredentialView),
        (status = 404, description = "`path.invalid_id`, `credential.not_found`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[get("/ai/credentials/{provider}")]
pub async fn show(
    Permitted(permit): Permitted<ViewCredentials>,
    path: Path<String>,
    credentials: Service<CredentialService>,
) -> Result<Json<CredentialView>, ApiError> {
    Ok(Json(credentials.find(permit, provider(&path)?).await?.into()))
}

/// Store a key of the workspace's own at a provider.
///
/// It takes the place of the one that is there. Within a second all calls of the workspace to that
/// provider are made under it, and never under the platform's; the provider is paid by whom it
/// belongs to, and the mark-up alone is charged. It is stored encrypted and never shown again. For
/// owners, with a fresh proof of who one is.
#[utoipa::path(
    tag = "usage", operation_id = "putProviderCredential",
    security(("access_token" = [])),
    params(("provider" = String, Path, description = "Its name, such as `openai`")),
    request_body = CredentialBody,
    responses(
        (status = 200, description = "Stored", body = CredentialView),
        (status = 404, description = "`path.invalid_id`, `credential.unknown_provider`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`request.invalid_fields`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[put("/ai/credentials/{provider}")]
pub async fn put(
    Permitted(permit): Permitted<ManageCredentials>,
    path: Path<String>,
    Body(body): Body<CredentialBody>,
    credentials: Service<CredentialService>,
) -> Result<Json<CredentialView>, ApiError> {
    let provider = provider(&path)?;
    let mut fields = Fields::default();
    let key = fields.read("api_key", &body.api_key);
    let stored = credentials.put(permit, provider, fields.finish(key)?).await?;
    Ok(Json(stored.into()))
}

/// Remove the workspace's own key at a provider.
///
/// Within a second it is used by no process. Calls of the workspace are then made under the
/// platform's key again, where there is one, and are charged in full. For owners, with a fresh
/// proof of who one is.
#[utoipa::path(
    tag = "usage", operation_id = "removeProviderCredential",
    security(("access_token" = [])),
    params(("provider" = String, Path, description = "Its name, such as `openai`")),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "`path.invalid_id`, `credential.not_found`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[delete("/ai/credentials/{provider}")]
pub async fn remove(
    Permitted(permit): Permitted<ManageCredentials>,
    path: Path<String>,
    credentials: Service<CredentialService>,
) -> Result<HttpResponse, ApiError> {
    credentials.remove(permit, provider(&path)?).await?;
    Ok(HttpResponse::NoContent().finish())
}
