//! What is shown of users, and of being signed in.
use actix_web::{HttpResponse, http::StatusCode};
use cape_domain::accounts::User;
use cape_services::accounts::{Login, SignedIn};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::cookies;

/// How tokens are carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// Both in the body, for programs.
    #[default]
    Body,
    /// The refresh token in a cookie, for browsers.
    Cookie,
}

/// Somebody who is signed in.
#[derive(Serialize, ToSchema)]
pub struct SignedInView {
    /// For `/api`, as bearer.
    access_token: String,
    /// For the next pair, once. Absent when it is in a cookie, or did not change.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// To be repeated in the header `X-CSRF-Token`, when the refresh token is in a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf_token: Option<String>,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds until the access token is no longer good.
    #[schema(example = 900)]
    expires_in: i64,
    user: UserView,
    workspace: WorkspaceView,
}

/// Somebody who has to show a second factor yet.
#[derive(Serialize, ToSchema)]
pub struct SecondFactorView {
    /// Always true.
    mfa_required: bool,
    /// To be presented to `/api/auth/login/mfa`, with the code.
    challenge: String,
    /// When it is no longer good.
    expires_at: DateTime<Utc>,
}

/// What came of a sign-in: tokens, or the question for a second factor.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum LoginView {
    /// All was shown.
    SignedIn(SignedInView),
    /// A second factor has to be shown yet.
    SecondFactor(SecondFactorView),
}

/// A user, as it sees itself.
#[derive(Serialize, ToSchema)]
pub struct UserView {
    #[schema(example = "usr_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    id: String,
    email: String,
    user_type: &'static str,
    is_verified: bool,
    /// Whether it operates the platform.
    is_operator: bool,
    created_at: DateTime<Utc>,
}

/// The workspace that is active.
#[derive(Serialize, ToSchema)]
pub struct WorkspaceView {
    #[schema(example = "wsp_0191e2a5a7f07c1e8c8f6a5d1b2c3d4e")]
    id: String,
    name: String,
}

/// The answer to whoever asks for a mail: the same whether there is an account or not.
#[derive(Serialize, ToSchema)]
pub struct AcceptedView {
    /// For people.
    detail: &'static str,
}

impl AcceptedView {
    /// 202, and nothing else.
    pub(super) fn answer() -> HttpResponse {
        let detail = "If this address belongs to an account, a mail is on its way.";
        HttpResponse::Accepted().json(Self { detail })
    }
}

impl SignedInView {
    /// 200, with tokens where they are wanted.
    pub(super) fn answer(signed_in: SignedIn, transport: Transport) -> HttpResponse {
        let mut answer = HttpResponse::build(StatusCode::OK);
        if transport == Transport::Cookie {
            cookies::put(&mut answer, &signed_in);
        }
        answer.insert_header(("cache-control", "no-store"));
        answer.json(Self::of(signed_in, transport))
    }

    /// 200, with another access token alone. The refresh token stays what it is and where it is:
    /// told here, a script in a page would learn what its cookie keeps from it.
    pub(super) fn renewed(signed_in: SignedIn) -> HttpResponse {
        let mut answer = HttpResponse::Ok();
        answer.insert_header(("cache-control", "no-store"));
        answer.json(Self::with(signed_in, None, None))
    }

    fn of(signed_in: SignedIn, transport: Transport) -> Self {
        let (refresh_token, csrf_token) = match transport {
            Transport::Body => (Some(signed_in.refresh_token.expose().to_owned()), None),
            Transport::Cookie => (None, Some(signed_in.csrf_token.expose().to_owned())),
        };
        Self::with(signed_in, refresh_token, csrf_token)
    }

    fn with(
        signed_in: SignedIn,
        refresh_token: Option<String>,
        csrf_token: Option<String>,
    ) -> Self {
        let life = signed_in.access_expires_at - signed_in.access_issued_at;
        Self {
            access_token: signed_in.access_token.expose().to_owned(),
            refresh_token,
            csrf_token,
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

impl LoginView {
    /// 200, with tokens, or with the question for a second factor.
    pub(super) fn answer(login: Login, transport: Transport) -> HttpResponse {
        match login {
            Login::SignedIn(signed_in) => SignedInView::answer(*signed_in, transport),
            Login::SecondFactor { challenge, expires_at } => {
                let challenge = challenge.expose().to_owned();
                HttpResponse::Ok()
                    .insert_header(("cache-control", "no-store"))
                    .json(SecondFactorView { mfa_required: true, challenge, expires_at })
            }
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
            is_operator: user.operator,
            created_at: user.created_at,
        }
    }
}
