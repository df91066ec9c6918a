//! What a user sees of itself.
use actix_web::{HttpResponse, delete, get, put, web::Json};
use cape_domain::access::{CloseAccount, EditProfile, ViewProfile};
use cape_services::accounts::{ClosingService, NewProfile, ProfileService, UserWithProfile};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::views::UserView;
use crate::{
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{Body, Fields, Permitted, Service},
};

/// A user, and what it tells about itself.
#[derive(Serialize, ToSchema)]
pub struct UserProfileView {
    user: UserView,
    profile: ProfileView,
}

/// What a user tells about itself.
#[derive(Serialize, ToSchema)]
pub struct ProfileView {
    full_name: Option<String>,
    company: Option<String>,
    updated_at: DateTime<Utc>,
}

impl From<UserWithProfile> for UserProfileView {
    fn from(UserWithProfile { user, profile }: UserWithProfile) -> Self {
        let profile = ProfileView {
            full_name: profile.full_name.map(|name| name.to_string()),
            company: profile.company.map(|name| name.to_string()),
            updated_at: profile.updated_at,
        };
        Self { user: user.into(), profile }
    }
}

/// What a user tells about itself. What is absent is taken away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileBody {
    /// The name, at most 100 characters.
    #[schema(example = "Ada Lovelace")]
    full_name: Option<String>,
    /// The employer, at most 100 characters.
    company: Option<String>,
}

impl ProfileBody {
    fn read(self) -> Result<NewProfile, ApiError> {
        let mut fields = Fields::default();
        let full_name = fields.read_optional("full_name", self.full_name.as_deref());
        let company = fields.read_optional("company", self.company.as_deref());
        fields.finish(Some(NewProfile { full_name, company }))
    }
}

/// Show one's own user and profile.
#[utoipa::path(
    tag = "accounts", operation_id = "getProfile",
    security(("access_token" = [])),
    responses((status = 200, description = "Found", body = UserProfileView), Unpermitted, Failure),
)]
#[get("/user/profile")]
pub async fn own(
    Permitted(permit): Permitted<ViewProfile>,
    profiles: Service<ProfileService>,
) -> Result<Json<UserProfileView>, ApiError> {
    Ok(Json(profiles.own(permit).await?.into()))
}

/// Replace one's own profile.
#[utoipa::path(
    tag = "accounts", operation_id = "changeProfile",
    security(("access_token" = [])),
    request_body = ProfileBody,
    responses(
        (status = 200, description = "Changed", body = UserProfileView),
        (status = 422, description = "`request.invalid_fields`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[put("/user/profile")]
pub async fn change(
    Permitted(permit): Permitted<EditProfile>,
    Body(body): Body<ProfileBody>,
    profiles: Service<ProfileService>,
) -> Result<Json<UserProfileView>, ApiError> {
    Ok(Json(profiles.change(permit, body.read()?).await?.into()))
}

/// Close one's own account.
///
/// All sessions end, and one's keys are refused. What belongs to a workspace stays. An operator
/// can open the account again. Needs a fresh proof of who one is.
#[utoipa::path(
    tag = "accounts", operation_id = "closeAccount",
    security(("access_token" = [])),
    responses((status = 204, description = "Closed"), Unpermitted, Failure),
)]
#[delete("/user/profile")]
pub async fn close(
    Permitted(permit): Permitted<CloseAccount>,
    closing: Service<ClosingService>,
) -> Result<HttpResponse, ApiError> {
    closing.close_own(permit).await?;
    Ok(HttpResponse::NoContent().finish())
}
