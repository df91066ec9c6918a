//! Signing in with a code from a mail.
use actix_web::{HttpResponse, post};
use cape_domain::{accounts::Email, secret::Secret};
use cape_services::accounts::{Client, LoginService, SignInError};
use serde::Deserialize;
use utoipa::ToSchema;

use super::views::{AcceptedView, LoginView, Transport};
use crate::{
    error::{ApiError, Failure, Problem},
    extract::{Body, ClientDevice, Fields, RequestOrigin, Service},
};

/// An address that a mail is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailBody {
    #[schema(example = "ada@example.com")]
    email: String,
}

/// A code from a mail.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginCodeBody {
    #[schema(example = "ada@example.com")]
    email: String,
    /// Six digits.
    #[schema(example = "123456")]
    code: String,
    /// `body` (unless said), or `cookie` for browsers.
    #[serde(default)]
    transport: Transport,
}

impl EmailBody {
    pub(super) fn read(&self) -> Result<Email, ApiError> {
        let mut fields = Fields::default();
        let email = fields.read("email", &self.email);
        fields.finish(email)
    }
}

/// Ask for a code to sign in with.
///
/// A mail with six digits, good for fifteen minutes. The answer is the same for every address.
#[utoipa::path(
    tag = "accounts", operation_id = "requestLoginCode",
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
#[post("/auth/code/request")]
pub async fn request(
    RequestOrigin(origin): RequestOrigin,
    Body(body): Body<EmailBody>,
    logins: Service<LoginService>,
) -> Result<HttpResponse, ApiError> {
    logins.request_code(origin, &body.read()?).await?;
    Ok(AcceptedView::answer())
}

/// Sign in with a code from a mail.
#[utoipa::path(
    tag = "accounts", operation_id = "loginWithCode",
    security(()),
    request_body = LoginCodeBody,
    responses(
        (status = 200, description = "Signed in, or asked for a second factor", body = LoginView),
        (status = 401, description = "`auth.invalid_code`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`auth.deactivated`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`auth.throttled`", body = Problem, content_type = "application/problem+json"),
        Failure,
    ),
)]
#[post("/auth/code/login")]
pub async fn login(
    RequestOrigin(origin): RequestOrigin,
    ClientDevice(device): ClientDevice,
    Body(body): Body<LoginCodeBody>,
    logins: Service<LoginService>,
) -> Result<HttpResponse, ApiError> {
    let email = body.email.parse().map_err(|_| SignInError::InvalidCode)?;
    let client = Client { origin, device };
    let outcome = logins.with_code(&client, &email, &Secret::new(body.code)).await?;
    Ok(LoginView::answer(outcome, body.transport))
}
