//! Who is in the active workspace, and which one is active.
use actix_web::{HttpResponse, delete, get, patch, post, web::Json};
use cape_domain::{
    access::{ManageMembers, ManageSessions, Role, ViewMembers},
    ids::{UserId, WorkspaceId},
};
use cape_services::accounts::{Member, MemberService};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::views::SignedInView;
use crate::{
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{Body, Fields, PathId, Permitted, Service},
};

/// Everybody in the workspace.
#[derive(Serialize, ToSchema)]
pub struct MemberListView {
    /// The oldest member first.
    data: Vec<MemberView>,
}

/// Somebody in the workspace.
#[derive(Serialize, ToSchema)]
pub struct MemberView {
    #[schema(example = "usr_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    user_id: String,
    email: String,
    /// `owner`, `member` or `viewer`.
    #[schema(example = "member")]
    role: &'static str,
    since: DateTime<Utc>,
}

/// What somebody is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleBody {
    /// `owner`, `member` or `viewer`.
    #[schema(example = "viewer")]
    role: String,
}

/// The workspace that is to be active.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SwitchBody {
    #[schema(example = "wsp_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    workspace_id: String,
}

impl From<Member> for MemberView {
    fn from(Member { membership, user }: Member) -> Self {
        Self {
            user_id: user.id.to_string(),
            email: user.email.to_string(),
            role: membership.role.name(),
            since: membership.created_at,
        }
    }
}

/// List who is in the workspace.
#[utoipa::path(
    tag = "accounts", operation_id = "listMembers",
    security(("access_token" = [])),
    responses((status = 200, description = "Found", body = MemberListView), Unpermitted, Failure),
)]
#[get("/workspace/members")]
pub async fn list(
    Permitted(permit): Permitted<ViewMembers>,
    members: Service<MemberService>,
) -> Result<Json<MemberListView>, ApiError> {
    let data = members.list(permit).await?.into_iter().map(MemberView::from).collect();
    Ok(Json(MemberListView { data }))
}

/// Change what a member is.
///
/// Its access tokens are refused within a second; its next ones say what it is now. Needs a fresh
/// proof of who one is.
#[utoipa::path(
    tag = "accounts", operation_id = "changeMemberRole",
    security(("access_token" = [])),
    params(("id" = String, Path, description = "The user")),
    request_body = RoleBody,
    responses(
        (status = 204, description = "Changed"),
        (status = 404, description = "`member.not_found`, `path.invalid_id`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`member.last_owner`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`request.invalid_fields`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[patch("/workspace/members/{id}")]
pub async fn change_role(
    Permitted(permit): Permitted<ManageMembers>,
    PathId(id): PathId<UserId>,
    Body(body): Body<RoleBody>,
    members: Service<MemberService>,
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::default();
    let role: Option<Role> = fields.read("role", &body.role);
    members.change_role(permit, id, fields.finish(role)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Remove a member.
#[utoipa::path(
    tag = "accounts", operation_id = "removeMember",
    security(("access_token" = [])),
    params(("id" = String, Path, description = "The user")),
    responses(
        (status = 204, description = "Removed"),
        (status = 404, description = "`member.not_found`, `path.invalid_id`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`member.last_owner`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[delete("/workspace/members/{id}")]
pub async fn remove(
    Permitted(permit): Permitted<ManageMembers>,
    PathId(id): PathId<UserId>,
    members: Service<MemberService>,
) -> Result<HttpResponse, ApiError> {
    members.remove(permit, id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Make another workspace the active one.
///
/// The answer has an access token for it; those for the former one are refused within a second.
#[utoipa::path(
    tag = "accounts", operation_id = "switchWorkspace",
    security(("access_token" = [])),
    request_body = SwitchBody,
    responses(
        (status = 200, description = "Switched", body = SignedInView),
        (status = 404, description = "`workspace.not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`request.invalid_fields`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[post("/auth/switch")]
pub async fn switch(
    Permitted(permit): Permitted<ManageSessions>,
    Body(body): Body<SwitchBody>,
    members: Service<MemberService>,
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::default();
    let workspace: Option<WorkspaceId> = fields.read("workspace_id", &body.workspace_id);
    let signed_in = members.switch(permit, fields.finish(workspace)?).await?;
    Ok(SignedInView::renewed(signed_in))
}
