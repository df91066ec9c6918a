//! Forgetting and changing passwords.
use actix_web::{HttpResponse, get, post};
use cape_domain::{access::ChangePassword, accounts::Password};
use cape_services::accounts::{PasswordService, SignInError};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{codes::EmailBody, pages, views::AcceptedView};
use crate::{
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{Body, Permitted, RequestOrigin, Service},
};

/// A new password for who has the mail box.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPasswordBody {
    /// The token of the link.
    token: String,
    /// The new password.
    new_password: String,
}

/// A new password for who knows the old one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePasswordBody {
    old_password: String,
    new_password: String,
}

/// Ask for a link to choose a new password.
///
/// The answer is the same for every address. The link is good for half an hour, once.
#[utoipa::path(
    tag = "accounts", operation_id = "forgotPassword",
    security(()),
    request_body = EmailBody,
    responses(
        (status = 202, description = "A mail is on its way, if there is an account", body = AcceptedView),
        (status = 422, description = "`request.invalid_fields`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`auth.throttled`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`integration_disabled`: mail is not configured", body = Problem, content_type = "application/problem+json"),
        Failure,
    ),
)]
#[post("/auth/password/forgot")]
pub async fn forgot(
    RequestOrigin(origin): RequestOrigin,
    Body(body): Body<EmailBody>,
    passwords: Service<PasswordService>,
) -> Result<HttpResponse, ApiError> {
    passwords.forgot(origin, &body.read()?).await?;
    Ok(AcceptedView::answer())
}

/// Show the page behind the link of a mail.
///
/// It changes nothing; its form posts the token and the new password.
#[utoipa::path(
    tag = "accounts", operation_id = "showResetPage",
    security(()),
    params(("token" = Option<String>, Query, description = "The token of the link; the page reads it")),
    responses((status = 200, description = "The page", body = String, content_type = "text/html"), Failure),
)]
#[get("/auth/password/reset")]
pub async fn page() -> HttpResponse {
    pages::reset_password()
}

/// Choose a new password with the link of a mail.
///
/// All sessions end, and so do the keys that are marked so. The user is told by mail.
#[utoipa::path(
    tag = "accounts", operation_id = "resetPassword",
    security(()),
    request_body = ResetPasswordBody,
    responses(
        (status = 204, description = "Changed"),
        (status = 400, description = "`auth.invalid_token`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`request.invalid_fields`: the link stays good", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`auth.throttled`", body = Problem, content_type = "application/problem+json"),
        Failure,
    ),
)]
#[post("/auth/password/reset")]
pub async fn reset(
    RequestOrigin(origin): RequestOrigin,
    Body(body): Body<ResetPasswordBody>,
    passwords: Service<PasswordService>,
) -> Result<HttpResponse, ApiError> {
    let token = body.token.parse().map_err(|_| SignInError::InvalidToken)?;
    passwords.reset(origin, &token, &body.new_password).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Change one's own password.
///
/// All other sessions end, and so do the keys that are marked so. The user is told by mail.
#[utoipa::path(
    tag = "accounts", operation_id = "changePassword",
    security(("access_token" = [])),
    request_body = ChangePasswordBody,
    responses(
        (status = 204, description = "Changed"),
        (status = 422, description = "`request.invalid_fields`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`auth.throttled`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[post("/auth/password/change")]
pub async fn change(
    Permitted(permit): Permitted<ChangePassword>,
    Body(body): Body<ChangePasswordBody>,
    passwords: Service<PasswordService>,
) -> Result<HttpResponse, ApiError> {
    let old = Password::given(body.old_password);
    passwords.change(permit, &old, &body.new_password).await?;
    Ok(HttpResponse::NoContent().finish())
}
