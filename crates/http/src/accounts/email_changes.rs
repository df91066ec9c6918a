//! Moving to another address.
use actix_web::{HttpResponse, get, post, web::Json};
use cape_domain::access::ChangeEmail;
use cape_services::accounts::{EmailChangeProgress, EmailChangeService, SignInError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::pages;
use crate::{
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{Body, Fields, Permitted, RequestOrigin, Service},
};

/// Where to move.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeEmailBody {
    #[schema(example = "ada@example.org")]
    new_email: String,
}

/// The agreement of an address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmEmailBody {
    /// The token of the link.
    token: String,
}

/// How far a move is.
#[derive(Serialize, ToSchema)]
pub struct EmailChangeView {
    /// `waiting` for the other address, or `done`.
    #[schema(example = "waiting")]
    status: &'static str,
}

/// Ask to move to another address.
///
/// Both the old and the new address get a mail, and both have to agree. Needs a fresh proof of
/// who one is. The answer is the same for an address that somebody else signs in with.
#[utoipa::path(
    tag = "accounts", operation_id = "changeEmail",
    security(("access_token" = [])),
    request_body = ChangeEmailBody,
    responses(
        (status = 202, description = "Both addresses were asked", body = EmailChangeView),
        (status = 422, description = "`request.invalid_fields`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`integration_disabled`: mail is not configured", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[post("/auth/email/change")]
pub async fn request(
    Permitted(permit): Permitted<ChangeEmail>,
    Body(body): Body<ChangeEmailBody>,
    changes: Service<EmailChangeService>,
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::default();
    let new_email = fields.read("new_email", &body.new_email);
    changes.request(permit, &fields.finish(new_email)?).await?;
    Ok(HttpResponse::Accepted().json(EmailChangeView { status: "waiting" }))
}

/// Show the page behind the link of a mail.
///
/// It changes nothing; its button posts the token.
#[utoipa::path(
    tag = "accounts", operation_id = "showEmailChangePage",
    security(()),
    params(("token" = Option<String>, Query, description = "The token of the link; the page reads it")),
    responses((status = 200, description = "The page", body = String, content_type = "text/html"), Failure),
)]
#[get("/auth/email/confirm")]
pub async fn page() -> HttpResponse {
    pages::confirm_email()
}

/// Agree to a move, as one of its two addresses.
///
/// When both agreed, the user signs in with the new address, and all its sessions end.
#[utoipa::path(
    tag = "accounts", operation_id = "confirmEmailChange",
    security(()),
    request_body = ConfirmEmailBody,
    responses(
        (status = 200, description = "Taken note of", body = EmailChangeView),
        (status = 400, description = "`auth.invalid_token`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`auth.throttled`", body = Problem, content_type = "application/problem+json"),
        Failure,
    ),
)]
#[post("/auth/email/confirm")]
pub async fn confirm(
    RequestOrigin(origin): RequestOrigin,
    Body(body): Body<ConfirmEmailBody>,
    changes: Service<EmailChangeService>,
) -> Result<Json<EmailChangeView>, ApiError> {
    let token = body.token.parse().map_err(|_| SignInError::InvalidToken)?;
    let status = match changes.agree(origin, &token).await? {
        EmailChangeProgress::Waiting => "waiting",
        EmailChangeProgress::Done => "done",
    };
    Ok(Json(EmailChangeView { status }))
}
