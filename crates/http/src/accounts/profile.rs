//! What a user sees of itself.
use actix_web::{get, web::Json};
use cape_domain::access::ViewProfile;
use cape_services::accounts::{ProfileService, UserWithProfile};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::UserView;
use crate::{
    error::{ApiError, Failure, Unpermitted},
    extract::{Permitted, Service},
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
