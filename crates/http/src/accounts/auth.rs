//! Signing up, in and out.
use actix_web::{HttpResponse, post, web::Json};
use cape_domain::{
    access::SignOut,
    accounts::{Email, Password, RefreshToken, User, UserType},
    text::Name,
};
use cape_services::accounts::{
    NewUser, RegistrationService, SessionError, SessionService, SignedIn,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{Body, Fields, Permitted, RequestOrigin, Service},
};

/// Somebody who wants to sign up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterBody {
    /// The address to sign in with.
    #[schema(example = "ada@example.com")]
    email: String,
    /// At least 12 characters, and not made from the address.
    #[schema(example = "correct horse battery staple")]
    password: String,
    /// The name, at most 100 characters.
    #[schema(example = "Ada Lovelace")]
    full_name: Option<String>,
    /// The employer, at most 100 characters.
    company: Option<String>,
    /// `customer` (unless said) or `developer`.
    #[schema(example = "customer")]
    user_type: Option<String>,
}

/// The answer to a sign-up: the same whether the address was known or not.
#[derive(Serialize, ToSchema)]
pub struct RegisteredView {
    user: RegisteredUserView,
}

/// Somebody who signed up. Ids come with the first sign-in.
#[derive(Serialize, ToSchema)]
pub struct RegisteredUserView {
    email: String,
    user_type: &'static str,
    is_verified: bool,
}

/// What somebody signs in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginBody {
    #[schema(example = "ada@example.com")]
    email: String,
    #[schema(example = "correct horse battery staple")]
    password: String,
}

/// What somebody stays signed in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshBody {
    refresh_token: String,
}

/// Somebody who is signed in.
#[derive(Serialize, ToSchema)]
pub struct SignedInView {
    /// For `/api`, as bearer.
    access_token: String,
    /// For the next pair, once.
    refresh_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds until the access token is no longer good.
    #[schema(example = 900)]
    expires_in: i64,
    user: UserView,
    workspace: WorkspaceView,
}

/// A user, as it sees itself.
#[derive(Serialize, ToSchema)]
pub struct UserView {
    #[schema(example = "usr_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    id: String,
    email: String,
    user_type: &'static str,
    is_verified: bool,
    created_at: chrono::DateTime<chrono::Utc>,
}

/// The workspace that is active.
#[derive(Serialize, ToSchema)]
pub struct WorkspaceView {
    #[schema(example = "wsp_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    id: String,
    name: String,
}

impl RegisterBody {
    fn read(self) -> Result<NewUser, ApiError> {
        let mut fields = Fields::default();
        let email: Option<Email> = fields.read("email", &self.email);
        let password = email.as_ref().and_then(|email| {
            fields.accept("password", Password::choose(self.password.clone(), email))
        });
        let full_name: Option<Name> = fields.read_optional("full_name", self.full_name.as_deref());
        let company: Option<Name> = fields.read_optional("company", self.company.as_deref());
        let user_type = fields.read_optional("user_type", self.user_type.as_deref());
        let new = email.zip(password).map(|(email, password)| NewUser {
            email,
            password,
            full_name,
            company,
            user_type: user_type.unwrap_or_default(),
        });
        fields.finish(new)
    }
}

impl RegisteredView {
    fn of(email: &Email, user_type: UserType) -> Self {
        let user = RegisteredUserView {
            email: email.to_string(),
            user_type: user_type.name(),
            is_verified: false,
        };
        Self { user }
    }
}

impl From<SignedIn> for SignedInView {
    fn from(signed_in: SignedIn) -> Self {
        let life = signed_in.access_expires_at - signed_in.access_issued_at;
        Self {
            access_token: signed_in.access_token.expose().to_owned(),
            refresh_token: signed_in.refresh_token.expose().to_owned(),
            token_type: "Bearer",
            expires_in: life.num_seconds(),
            user: signed_in.user.into(),
            workspace: WorkspaceView {
                id: signed_in.workspace.id.to_string(),
                name: signed_in.workspace.name.to_string(),
            },
        }
    }
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id.to_string(),
            email: user.email.to_string(),
            user_type: user.user_type.name(),
            is_verified: user.is_verified(),
            created_at: user.created_at,
        }
    }
}

/// Sign up.
///
/// Makes a user, a profile and a workspace it owns. The answer is the same for an address that
/// is known already, which is then left alone.
#[utoipa::path(
    tag = "accounts", operation_id = "register",
    security(()),
    request_body = RegisterBody,
    responses(
        (status = 201, description = "Signed up", body = RegisteredView),
        (status = 422, description = "`request.invalid_fields`", body = Problem, content_type = "application/problem+json"),
        Failure,
    ),
)]
#[post("/auth/register")]
pub async fn register(
    RequestOrigin(origin): RequestOrigin,
    Body(body): Body<RegisterBody>,
    registration: Service<RegistrationService>,
) -> Result<HttpResponse, ApiError> {
    let new = body.read()?;
    let answer = RegisteredView::of(&new.email, new.user_type);
    registration.register(origin, new).await?;
    Ok(HttpResponse::Created().json(answer))
}

/// Sign in.
#[utoipa::path(
    tag = "accounts", operation_id = "login",
    security(()),
    request_body = LoginBody,
    responses(
        (status = 200, description = "Signed in", body = SignedInView),
        (status = 401, description = "`auth.invalid_credentials`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`auth.email_not_verified`", body = Problem, content_type = "application/problem+json"),
        Failure,
    ),
)]
#[post("/auth/login")]
pub async fn login(
    RequestOrigin(origin): RequestOrigin,
    Body(body): Body<LoginBody>,
    sessions: Service<SessionService>,
) -> Result<Json<SignedInView>, ApiError> {
    let email = body.email.parse().map_err(|_| SessionError::InvalidCredentials)?;
    let password = Password::given(body.password);
    Ok(Json(sessions.log_in(origin, &email, &password).await?.into()))
}

/// Stay signed in.
///
/// Hands out the next pair of tokens. Asking again with the same token within ten seconds, or
/// before the new pair was used, gives the same pair; a token that should be gone ends the
/// session.
#[utoipa::path(
    tag = "accounts", operation_id = "refresh",
    security(()),
    request_body = RefreshBody,
    responses(
        (status = 200, description = "The next pair", body = SignedInView),
        (status = 401, description = "`auth.invalid_refresh_token`", body = Problem, content_type = "application/problem+json"),
        Failure,
    ),
)]
#[post("/auth/refresh")]
pub async fn refresh(
    RequestOrigin(origin): RequestOrigin,
    Body(body): Body<RefreshBody>,
    sessions: Service<SessionService>,
) -> Result<Json<SignedInView>, ApiError> {
    let token: RefreshToken =
        body.refresh_token.parse().map_err(|_| SessionError::InvalidRefreshToken)?;
    Ok(Json(sessions.refresh(origin, &token).await?.into()))
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
    Ok(HttpResponse::NoContent().finish())
}
