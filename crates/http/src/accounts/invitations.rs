//! Asking people to join the active workspace, and joining one.
use actix_web::{HttpResponse, delete, get, post, web::Json};
use cape_domain::{
    access::{ManageMembers, ManageSessions, Role, ViewMembers},
    accounts::Invitation,
    ids::InvitationId,
};
use cape_services::accounts::{MemberError, MemberService};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{Body, Fields, PathId, Permitted, QueryOf, Service},
    page::{ListView, PageQuery},
};

/// Who is asked to join, and as what.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteBody {
    #[schema(example = "grace@example.com")]
    email: String,
    /// `owner`, `member` or `viewer`.
    #[schema(example = "member")]
    role: String,
}

/// Somebody who was asked to join.
#[derive(Serialize, ToSchema)]
pub struct InvitationView {
    #[schema(example = "inv_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    id: String,
    email: String,
    role: &'static str,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

/// An invitation that is accepted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptBody {
    /// The token of the link.
    token: String,
}

/// The workspace that was joined.
#[derive(Serialize, ToSchema)]
pub struct JoinedView {
    #[schema(example = "wsp_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    workspace_id: String,
}

impl From<Invitation> for InvitationView {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id.to_string(),
            email: invitation.email.to_string(),
            role: invitation.role.name(),
            created_at: invitation.created_at,
            expires_at: invitation.expires_at,
        }
    }
}

/// Ask somebody to join the workspace.
///
/// By mail, with a link that is good for a week. Asking again replaces the link.
#[utoipa::path(
    tag = "accounts", operation_id = "inviteMember",
    security(("access_token" = [])),
    request_body = InviteBody,
    responses(
        (status = 201, description = "Asked", body = InvitationView),
        (status = 422, description = "`request.invalid_fields`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`integration_disabled`: mail is not configured", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[post("/workspace/invitations")]
pub async fn invite(
    Permitted(permit): Permitted<ManageMembers>,
    Body(body): Body<InviteBody>,
    members: Service<MemberService>,
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::default();
    let email = fields.read("email", &body.email);
    let role: Option<Role> = fields.read("role", &body.role);
    let (email, role) = fields.finish(email.zip(role))?;
    let invitation = members.invite(permit, &email, role).await?;
    Ok(HttpResponse::Created().json(InvitationView::from(invitation)))
}

/// List who was asked to join.
#[utoipa::path(
    tag = "accounts", operation_id = "listInvitations",
    security(("access_token" = [])),
    params(PageQuery),
    responses((status = 200, description = "A page", body = ListView<InvitationView>), Unpermitted, Failure),
)]
#[get("/workspace/invitations")]
pub async fn list(
    Permitted(permit): Permitted<ViewMembers>,
    QueryOf(query): QueryOf<PageQuery>,
    members: Service<MemberService>,
) -> Result<Json<ListView<InvitationView>>, ApiError> {
    let page = members.invitations(permit, query.request()?).await?;
    Ok(Json(ListView::of(page, InvitationView::from)))
}

/// Take an invitation back.
#[utoipa::path(
    tag = "accounts", operation_id = "revokeInvitation",
    security(("access_token" = [])),
    params(("id" = String, Path, description = "The invitation")),
    responses(
        (status = 204, description = "Taken back"),
        (status = 404, description = "`invitation.not_found`, `path.invalid_id`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[delete("/workspace/invitations/{id}")]
pub async fn revoke(
    Permitted(permit): Permitted<ManageMembers>,
    PathId(id): PathId<InvitationId>,
    members: Service<MemberService>,
) -> Result<HttpResponse, ApiError> {
    members.uninvite(permit, id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Join a workspace that one was asked into.
#[utoipa::path(
    tag = "accounts", operation_id = "acceptInvitation",
    security(("access_token" = [])),
    request_body = AcceptBody,
    responses(
        (status = 200, description = "Joined", body = JoinedView),
        (status = 400, description = "`auth.invalid_invitation`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[post("/auth/invitations/accept")]
pub async fn accept(
    Permitted(permit): Permitted<ManageSessions>,
    Body(body): Body<AcceptBody>,
    members: Service<MemberService>,
) -> Result<Json<JoinedView>, ApiError> {
    let token = body.token.parse().map_err(|_| MemberError::InvalidInvitation)?;
    let workspace = members.accept(permit, &token).await?;
    Ok(Json(JoinedView { workspace_id: workspace.to_string() }))
}
