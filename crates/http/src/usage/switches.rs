//! What operators stop: keys, workspaces, models and providers.
use actix_web::{
    HttpResponse, delete, get,
    http::StatusCode,
    put,
    web::{Json, Path},
};
use cape_domain::{
    access::{OperatePlatform, ViewPlatform},
    usage::{Switch, SwitchTarget},
};
use cape_services::usage::SwitchService;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{Body, Fields, Permitted, Service},
};

/// Why something is stopped.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StopBody {
    /// For those who are refused, at most 200 characters.
    #[schema(example = "the key was found in a public repository")]
    reason: String,
}

/// Something that is stopped.
#[derive(Serialize, ToSchema)]
pub struct SwitchView {
    /// `key`, `workspace`, `model` or `provider`.
    #[schema(example = "model")]
    kind: &'static str,
    /// Which one: an id, or the name of a provider.
    #[schema(example = "gpt-4o-mini")]
    target: String,
    /// Why.
    #[schema(example = "the key was found in a public repository")]
    reason: String,
    since: DateTime<Utc>,
    /// The operator who said so last.
    #[schema(example = "usr_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    stopped_by: String,
}

/// Everything that is stopped.
#[derive(Serialize, ToSchema)]
pub struct SwitchListView {
    /// Keys, workspaces, models, providers.
    data: Vec<SwitchView>,
}

impl From<Switch> for SwitchView {
    fn from(switch: Switch) -> Self {
        Self {
            kind: switch.target.kind(),
            target: switch.target.name(),
            reason: switch.reason.to_string(),
            since: switch.since,
            stopped_by: switch.by.to_string(),
        }
    }
}

/// What the path means.
fn target(path: &Path<(String, String)>) -> Result<SwitchTarget, ApiError> {
    let (kind, name) = &**path;
    let wrong = |error| ApiError::client(StatusCode::NOT_FOUND, "path.invalid_id", error);
    SwitchTarget::read(kind, name).map_err(wrong)
}

/// List what is stopped.
#[utoipa::path(
    tag = "usage", operation_id = "listSwitches",
    security(("access_token" = [])),
    responses((status = 200, description = "Found", body = SwitchListView), Unpermitted, Failure),
)]
#[get("/admin/switches")]
pub async fn list(
    Permitted(permit): Permitted<ViewPlatform>,
    switches: Service<SwitchService>,
) -> Result<Json<SwitchListView>, ApiError> {
    let data = switches.list(permit).await?.into_iter().map(SwitchView::from).collect();
    Ok(Json(SwitchListView { data }))
}

/// Stop a key, a workspace, a model or a provider.
///
/// Within a second new calls are refused everywhere, and running ones end: what was produced until
/// then is charged. For operators, with a fresh proof of who one is. What is stopped already is
/// given this reason.
#[utoipa::path(
    tag = "usage", operation_id = "stopCalls",
    security(("access_token" = [])),
    params(
        ("kind" = String, Path, description = "`key`, `workspace`, `model` or `provider`"),
        ("target" = String, Path, description = "Which one: its id, or the name of a provider"),
    ),
    request_body = StopBody,
    responses(
        (status = 200, description = "Stopped", body = SwitchView),
        (status = 404, description = "`path.invalid_id`, `switch.unknown_target`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`request.invalid_fields`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[put("/admin/switches/{kind}/{target}")]
pub async fn stop(
    Permitted(permit): Permitted<OperatePlatform>,
    path: Path<(String, String)>,
    Body(body): Body<StopBody>,
    switches: Service<SwitchService>,
) -> Result<Json<SwitchView>, ApiError> {
    let target = target(&path)?;
    let mut fields = Fields::default();
    let reason = fields.read("reason", &body.reason);
    let switch = switches.stop(permit, target, fields.finish(reason)?).await?;
    Ok(Json(switch.into()))
}

/// Release what is stopped.
///
/// Within a second calls are let through everywhere. For operators, with a fresh proof of who one
/// is.
#[utoipa::path(
    tag = "usage", operation_id = "releaseCalls",
    security(("access_token" = [])),
    params(
        ("kind" = String, Path, description = "`key`, `workspace`, `model` or `provider`"),
        ("target" = String, Path, description = "Which one: its id, or the name of a provider"),
    ),
    responses(
        (status = 204, description = "Released"),
        (status = 404, description = "`path.invalid_id`, `switch.not_found`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[delete("/admin/switches/{kind}/{target}")]
pub async fn release(
    Permitted(permit): Permitted<OperatePlatform>,
    path: Path<(String, String)>,
    switches: Service<SwitchService>,
) -> Result<HttpResponse, ApiError> {
    switches.release(permit, &target(&path)?).await?;
    Ok(HttpResponse::NoContent().finish())
}
