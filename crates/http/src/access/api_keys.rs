//! Keys that programs sign in with.
use actix_web::{HttpResponse, delete, get, post, web::Json};
use cape_domain::{
    access::{ApiKey, CreateKeys, KeyRules, ManageKeys},
    billing::Credits,
    ids::ApiKeyId,
    text::Name,
};
use cape_services::access::{ApiKeyService, NewApiKey, Overlap};
use chrono::{DateTime, SubsecRound as _, Utc};
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
    /// What may be done with it: `chat`, `models`. All, unless said.
    #[schema(example = json!(["chat", "models"]))]
    scopes: Option<Vec<String>>,
    /// When it stops being good. Never, unless said.
    expires_at: Option<DateTime<Utc>>,
    /// The models it may call, by the names that `/v1/models` lists. All that the plan reaches,
    /// unless said.
    #[schema(example = json!(["gpt-4o-mini"]))]
    allowed_models: Option<Vec<String>>,
    /// The addresses or networks it may be used from. Anywhere, unless said.
    #[schema(example = json!(["203.0.113.0/24", "2001:db8::/48"]))]
    allowed_addresses: Option<Vec<String>>,
    /// The most credits that may be spent with it, in all. No bound of its own, unless said.
    #[schema(example = "250.5")]
    spending_cap: Option<String>,
    /// Whether it dies when the password of its maker changes. No, unless said.
    #[serde(default)]
    ends_with_password: bool,
}

/// How a key is replaced.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateKeyBody {
    /// How many hours the old key stays good: 24, unless said; 168 at most.
    #[schema(example = 24)]
    overlap_hours: Option<u32>,
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
    /// What may be done with it.
    #[schema(example = json!(["chat", "models"]))]
    scopes: Vec<&'static str>,
    /// When it stops being good.
    expires_at: Option<DateTime<Utc>>,
    /// The models it may call; none means all that the plan reaches.
    allowed_models: Vec<String>,
    /// Where it may be used from; none means anywhere.
    allowed_addresses: Vec<String>,
    /// The most credits that may be spent with it, in all.
    spending_cap: Option<String>,
    /// Whether it dies when the password of its maker changes.
    ends_with_password: bool,
    created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    last_used_at: Option<DateTime<Utc>>,
}

/// A key that was just made. Its secret is shown this once.
#[derive(Serialize, ToSchema)]
pub struct NewApiKeyView {
    #[serde(flatten)]
    shown: ApiKeyView,
    /// The whole key.
    key: String,
}

/// The most models, networks or scopes that a key names.
const MOST_NAMED: usize = 100;

impl CreateKeyBody {
    fn read(self) -> Result<(Name, KeyRules), ApiError> {
        let mut fields = Fields::default();
        let name = fields.read("name", &self.name);
        let unlimited = KeyRules::unlimited();
        let scopes = match self.scopes {
            Some(scopes) => fields.read_all("scopes", &scopes, 1..=MOST_NAMED),
            None => Some(unlimited.scopes),
        };
        let models = self.allowed_models.unwrap_or_default();
        let models = fields.read_all("allowed_models", &models, 0..=MOST_NAMED);
        let networks = self.allowed_addresses.unwrap_or_default();
        let networks = fields.read_all("allowed_addresses", &networks, 0..=MOST_NAMED);
        let spending_cap: Option<Credits> =
            fields.read_optional("spending_cap", self.spending_cap.as_deref());
        if spending_cap.is_some_and(|cap| !cap.is_positive()) {
            fields.refuse("spending_cap", "must be more than nothing");
        }
        let rules = scopes.zip(models).zip(networks).map(|((scopes, models), networks)| KeyRules {
            scopes,
            expires_at: self.expires_at.map(|at| at.trunc_subsecs(6)),
            models,
            networks,
            spending_cap,
            ends_with_password: self.ends_with_password,
        });
        fields.finish(name.zip(rules))
    }
}

impl From<ApiKey> for ApiKeyView {
    fn from(key: ApiKey) -> Self {
        let (id, prefix) = (key.id.to_string(), key.prefix());
        let rules = key.rules;
        Self {
            id,
            prefix,
            name: key.name.to_string(),
            scopes: rules.scopes.iter().map(|scope| scope.name()).collect(),
            expires_at: rules.expires_at,
            allowed_models: rules.models.iter().map(ToString::to_string).collect(),
            allowed_addresses: rules.networks.iter().map(ToString::to_string).collect(),
            spending_cap: rules.spending_cap.map(|cap| cap.to_string()),
            ends_with_password: rules.ends_with_password,
            created_at: key.created_at,
            last_used_at: key.last_used_at,
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
/// The whole key is in this answer alone. Needs a fresh proof of who one is.
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
    Permitted(permit): Permitted<CreateKeys>,
    Body(body): Body<CreateKeyBody>,
    keys: Service<ApiKeyService>,
) -> Result<HttpResponse, ApiError> {
    let (name, rules) = body.read()?;
    let new = keys.create(permit, name, rules).await?;
    Ok(HttpResponse::Created().json(NewApiKeyView::from(new)))
}

/// Replace an API key.
///
/// Makes a key with the same name and for the same, and lets the old one run out. What was spent
/// with the old one does not count towards the cap of the new one.
#[utoipa::path(
    tag = "access", operation_id = "rotateApiKey",
    security(("access_token" = [])),
    params(("id" = String, Path, description = "The key")),
    request_body = RotateKeyBody,
    responses(
        (status = 201, description = "Replaced", body = NewApiKeyView),
        (status = 404, description = "`api_key.not_found`, `path.invalid_id`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`request.invalid_fields`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[post("/keys/{id}/rotate")]
pub async fn rotate(
    Permitted(permit): Permitted<CreateKeys>,
    PathId(id): PathId<ApiKeyId>,
    Body(body): Body<RotateKeyBody>,
    keys: Service<ApiKeyService>,
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::default();
    let overlap = match body.overlap_hours {
        Some(hours) => fields.accept("overlap_hours", Overlap::hours(hours)),
        None => Some(Overlap::default()),
    };
    let new = keys.rotate(permit, id, fields.finish(overlap)?).await?;
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
