//! Signing in, staying signed in, and signing out.
use actix_web::{HttpRequest, HttpResponse, post};
use cape_domain::{
    access::{ManageSessions, SignOut},
    accounts::{Password, RefreshToken},
    secret::Secret,
};
use cape_services::accounts::{
    Carried, Client, Factor, LoginService, Proof, SessionService, SignInError,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    cookies,
    views::{LoginView, SignedInView, Transport},
};
use crate::{
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{Body, ClientDevice, Fields, Permitted, RequestOrigin, Service},
};

/// What somebody signs in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginBody {
    #[schema(example = "ada@example.com")]
    email: String,
    #[schema(example = "correct horse battery")]
    password: String,
    /// `body` (unless said), or `cookie` for browsers.
    #[serde(default)]
    transport: Transport,
}

/// A second factor, for a sign-in that asked for one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginMfaBody {
    /// What the sign-in answered.
    challenge: String,
    /// The six digits that the app shows, or a recovery code.
    #[schema(example = "287082")]
    code: String,
    /// `body` (unless said), or `cookie` for browsers.
    #[serde(default)]
    transport: Transport,
}

/// What somebody stays signed in with. A browser sends an empty object, and its cookie.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshBody {
    /// The refresh token, unless it is in a cookie.
    refresh_token: Option<String>,
}

/// What somebody shows again who it is with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReauthenticateBody {
    password: String,
    /// The second factor, where one is in use.
    code: Option<String>,
}

/// Sign in.
///
/// Where a second factor is in use, the answer is the question for it.
#[utoipa::path(
    tag = "accounts", operation_id = "login",
    security(()),
    request_body = LoginBody,
    responses(
        (status = 200, description = "Signed in, or asked for a second factor", body = LoginView),
        (status = 401, description = "`auth.invalid_credentials`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`auth.email_not_verified`, `auth.deactivated`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`auth.throttled`", body = Problem, content_type = "application/problem+json"),
        Failure,
    ),
)]
#[post("/auth/login")]
pub async fn login(
    RequestOrigin(origin): RequestOrigin,
    ClientDevice(device): ClientDevice,
    Body(body): Body<LoginBody>,
    logins: Service<LoginService>,
) -> Result<HttpResponse, ApiError> {
    let email = body.email.parse().map_err(|_| SignInError::InvalidCredentials)?;
    let (client, password) = (Client { origin, device }, Password::given(body.password));
    let outcome = logins.with_password(&client, &email, &password).await?;
    Ok(LoginView::answer(outcome, body.transport))
}

/// End a sign-in with a second factor.
#[utoipa::path(
    tag = "accounts", operation_id = "loginWithSecondFactor",
    security(()),
    request_body = LoginMfaBody,
    responses(
        (status = 200, description = "Signed in", body = SignedInView),
        (status = 400, description = "`auth.invalid_token`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`auth.invalid_code`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`auth.throttled`", body = Problem, content_type = "application/problem+json"),
        Failure,
    ),
)]
#[post("/auth/login/mfa")]
pub async fn login_mfa(
    RequestOrigin(origin): RequestOrigin,
    ClientDevice(device): ClientDevice,
    Body(body): Body<LoginMfaBody>,
    logins: Service<LoginService>,
) -> Result<HttpResponse, ApiError> {
    let challenge = body.challenge.parse().map_err(|_| SignInError::InvalidToken)?;
    let factor: Factor = body.code.parse().map_err(|_| SignInError::InvalidCode)?;
    let client = Client { origin, device };
    let signed_in = logins.with_second_factor(&client, &challenge, &factor).await?;
    Ok(SignedInView::answer(signed_in, body.transport))
}

/// Stay signed in.
///
/// Hands out the next pair of tokens. Asking again with the same token within ten seconds, or
/// before the new pair was used, gives the same pair; a token that should be gone ends the
/// session. A browser sends an empty object, its cookie, and the header `X-CSRF-Token`.
#[utoipa::path(
    tag = "accounts", operation_id = "refresh",
    security(()),
    request_body = RefreshBody,
    params(("x-csrf-token" = Option<String>, Header, description = "What the cookie `__Host-cape_csrf` holds, when the refresh token is in a cookie")),
    responses(
        (status = 200, description = "The next pair", body = SignedInView),
        (status = 400, description = "`auth.ambiguous_credentials`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`auth.invalid_refresh_token`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`auth.csrf`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`auth.throttled`", body = Problem, content_type = "application/problem+json"),
        Failure,
    ),
)]
#[post("/auth/refresh")]
pub async fn refresh(
    RequestOrigin(origin): RequestOrigin,
    request: HttpRequest,
    Body(body): Body<RefreshBody>,
    sessions: Service<SessionService>,
) -> Result<HttpResponse, ApiError> {
    let (presented, carried, transport) =
        match (body.refresh_token.map(Secret::new), cookies::refresh_token(&request)) {
            (Some(token), None) => (token, Carried::InBody, Transport::Body),
            (None, Some(token)) => {
                let csrf = cookies::csrf_token(&request);
                (token, Carried::InCookie { csrf }, Transport::Cookie)
            }
            (Some(_), Some(_)) => return Err(ApiError::ambiguous_credentials()),
            (None, None) => return Err(SignInError::InvalidRefreshToken.into()),
        };
    let token: RefreshToken =
        presented.expose().parse().map_err(|_| SignInError::InvalidRefreshToken)?;
    let signed_in = sessions.refresh(origin, &token, &carried).await?;
    Ok(SignedInView::answer(signed_in, transport))
}

/// Sign out.
///
/// Ends this session. Within a second its access tokens are refused everywhere.
#[utoipa::path(
    tag = "accounts", operation_id = "logout",
    security(("access_token" = [])),
    responses((status = 204, description = "Signed out"), Unpermitted, Failure),
)]
#[post("/auth/logout")]
pub async fn logout(
    Permitted(permit): Permitted<SignOut>,
    sessions: Service<SessionService>,
) -> Result<HttpResponse, ApiError> {
    sessions.log_out(permit).await?;
    Ok(signed_out())
}

/// Sign out everywhere.
///
/// Ends all of one's sessions, this one too.
#[utoipa::path(
    tag = "accounts", operation_id = "logoutAll",
    security(("access_token" = [])),
    responses((status = 204, description = "Signed out everywhere"), Unpermitted, Failure),
)]
#[post("/auth/logout-all")]
pub async fn logout_all(
    Permitted(permit): Permitted<SignOut>,
    sessions: Service<SessionService>,
) -> Result<HttpResponse, ApiError> {
    sessions.log_out_everywhere(permit).await?;
    Ok(signed_out())
}

/// Show again who one is.
///
/// For what needs a fresh proof: making keys, second factors, another address, members. The
/// answer has an access token that says so; the refresh token stays as it is.
#[utoipa::path(
    tag = "accounts", operation_id = "reauthenticate",
    security(("access_token" = [])),
    request_body = ReauthenticateBody,
    responses(
        (status = 200, description = "Shown", body = SignedInView),
        (status = 429, description = "`auth.throttled`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[post("/auth/reauthenticate")]
pub async fn reauthenticate(
    Permitted(permit): Permitted<ManageSessions>,
    Body(body): Body<ReauthenticateBody>,
    sessions: Service<SessionService>,
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::default();
    let factor = fields.read_optional("code", body.code.as_deref());
    fields.finish(Some(()))?;
    let proof = Proof { password: Password::given(body.password), factor };
    let signed_in = sessions.reauthenticate(permit, &proof).await?;
    Ok(SignedInView::renewed(signed_in))
}

fn signed_out() -> HttpResponse {
    let mut answer = HttpResponse::NoContent();
    cookies::clear(&mut answer);
    answer.finish()
}
