//! Showing that an address is one's own.
use actix_web::{HttpResponse, get, post};
use cape_domain::secret::Secret;
use cape_services::accounts::{Evidence, SignInError, VerificationService};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{codes::EmailBody, pages, views::AcceptedView};
use crate::{
    error::{ApiError, Failure, Problem},
    extract::{Body, RequestOrigin, Service},
};

/// What somebody shows from its mail box: the link's token, or the address and the code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyBody {
    /// The token of the link.
    token: Option<String>,
    /// The address, with `code`.
    email: Option<String>,
    /// The six digits, with `email`.
    #[schema(example = "123456")]
    code: Option<String>,
}

impl VerifyBody {
    fn read(self) -> Result<Evidence, ApiError> {
        match (self.token, self.email, self.code) {
            (Some(token), None, None) => {
                Ok(Evidence::Link(token.parse().map_err(|_| SignInError::InvalidToken)?))
            }
            (None, Some(email), Some(code)) => {
                let email = email.parse().map_err(|_| SignInError::InvalidCode)?;
                Ok(Evidence::Code { email, code: Secret::new(code) })
            }
            _ => Err(ApiError::field("token", "give `token`, or `email` and `code`")),
        }
    }
}

/// Show the page behind the link of a mail.
///
/// It changes nothing: programs that look at links before their receivers do burn none. Its
/// button posts the token.
#[utoipa::path(
    tag = "accounts", operation_id = "showVerifyPage",
    security(()),
    params(("token" = Option<String>, Query, description = "The token of the link; the page reads it")),
    responses((status = 200, description = "The page", body = String, content_type = "text/html"), Failure),
)]
#[get("/auth/verify")]
pub async fn page() -> HttpResponse {
    pages::verify()
}

/// Verify an address.
///
/// With the token of the link, or with the address and the code. Each is good once.
#[utoipa::path(
    tag = "accounts", operation_id = "verifyEmail",
    security(()),
    request_body = VerifyBody,
    responses(
        (status = 204, description = "Verified"),
        (status = 400, description = "`auth.invalid_token`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`auth.invalid_code`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`request.invalid_fields`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`auth.throttled`", body = Problem, content_type = "application/problem+json"),
        Failure,
    ),
)]
#[post("/auth/verify")]
pub async fn verify(
    RequestOrigin(origin): RequestOrigin,
    Body(body): Body<VerifyBody>,
    verification: Service<VerificationService>,
) -> Result<HttpResponse, ApiError> {
    verification.verify(origin, &body.read()?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Ask for another mail.
///
/// The answer is the same for every address. Within a minute the first mail is not repeated.
#[utoipa::path(
    tag = "accounts", operation_id = "resendVerification",
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
#[post("/auth/verify/resend")]
pub async fn resend(
    RequestOrigin(origin): RequestOrigin,
    Body(body): Body<EmailBody>,
    verification: Service<VerificationService>,
) -> Result<HttpResponse, ApiError> {
    verification.resend(origin, &body.read()?).await?;
    Ok(AcceptedView::answer())
}
