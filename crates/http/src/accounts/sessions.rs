//! Where one is signed in.
use actix_web::{HttpResponse, delete, get, post, web::Json};
use cape_domain::{
    access::ManageSessions,
    accounts::{Session, SessionState},
    ids::SessionId,
};
use cape_services::accounts::{OwnSessions, SessionService};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{PathId, Permitted, Service},
};

/// Where one is signed in.
#[derive(Serialize, ToSchema)]
pub struct SessionListView {
    /// The newest first.
    data: Vec<SessionView>,
}

/// A sign-in that lives.
#[derive(Serialize, ToSchema)]
pub struct SessionView {
    #[schema(example = "ses_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    id: String,
    /// What the program said it was.
    device: Option<String>,
    /// Where it signed in from.
    #[schema(example = "203.0.113.9")]
    address: Option<String>,
    created_at: DateTime<Utc>,
    /// When it was last seen, to a quarter of an hour.
    last_seen_at: DateTime<Utc>,
    /// When it ends, unless it is refreshed.
    expires_at: Option<DateTime<Utc>>,
    /// Whether it is the one that asks.
    current: bool,
}

impl SessionView {
    fn of(session: Session, current: SessionId) -> Self {
        let expires_at = match session.state {
            SessionState::Live { expires_at } => Some(expires_at),
            SessionState::Ended { .. } => None,
        };
        Self {
            id: session.id.to_string(),
            device: session.device.map(|device| device.to_string()),
            address: session.address.map(|address| address.to_string()),
            created_at: session.created_at,
            last_seen_at: session.last_seen_at,
            expires_at,
            current: session.id == current,
        }
    }
}

impl From<OwnSessions> for SessionListView {
    fn from(own: OwnSessions) -> Self {
        let view = |session| SessionView::of(session, own.current);
        Self { data: own.sessions.into_iter().map(view).collect() }
    }
}

/// List where one is signed in.
#[utoipa::path(
    tag = "accounts", operation_id = "listSessions",
    security(("access_token" = [])),
    responses((status = 200, description = "Found", body = SessionListView), Unpermitted, Failure),
)]
#[get("/auth/sessions")]
pub async fn list(
    Permitted(permit): Permitted<ManageSessions>,
    sessions: Service<SessionService>,
) -> Result<Json<SessionListView>, ApiError> {
    Ok(Json(sessions.list(permit).await?.into()))
}

/// End one of one's sessions.
#[utoipa::path(
    tag = "accounts", operation_id = "revokeSession",
    security(("access_token" = [])),
    params(("id" = String, Path, description = "The session")),
    responses(
        (status = 204, description = "Ended"),
        (status = 404, description = "`session.not_found`, `path.invalid_id`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[delete("/auth/sessions/{id}")]
pub async fn revoke(
    Permitted(permit): Permitted<ManageSessions>,
    PathId(id): PathId<SessionId>,
    sessions: Service<SessionService>,
) -> Result<HttpResponse, ApiError> {
    sessions.revoke(permit, id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// End all of one's sessions but this one.
#[utoipa::path(
    tag = "accounts", operation_id = "revokeOtherSessions",
    security(("access_token" = [])),
    responses((status = 204, description = "Ended"), Unpermitted, Failure),
)]
#[post("/auth/sessions/revoke-others")]
pub async fn revoke_others(
    Permitted(permit): Permitted<ManageSessions>,
    sessions: Service<SessionService>,
) -> Result<HttpResponse, ApiError> {
    sessions.revoke_others(permit).await?;
    Ok(HttpResponse::NoContent().finish())
}
