//! Signing up.
use actix_web::{HttpResponse, get, post, web::Json};
use cape_domain::{
    accounts::{Chooser, Email, PresentedToken, UserType},
    text::Name,
};
use cape_services::accounts::{NewUser, PasswordService, RegistrationService};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::pages;
use crate::{
    error::{ApiError, Failure, Problem},
    extract::{Body, Fields, RequestOrigin, Service},
};

/// Somebody who wants to sign up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterBody {
    /// The address to sign in with.
    #[schema(example = "ada@example.com")]
    email: String,
    /// At least 12 characters, or 8 that are hard to guess; not made from the address or the
    /// name, and not one that leaked before.
    #[schema(example = "correct horse battery")]
    password: String,
    /// The name, at most 100 characters.
    #[schema(example = "Ada Lovelace")]
    full_name: Option<String>,
    /// The employer, at most 100 characters.
    company: Option<String>,
    /// `customer` (unless said) or `developer`.
    #[schema(example = "customer")]
    user_type: Option<String>,
    /// Whether the terms were accepted. Saying no is refused.
    terms_accepted: Option<bool>,
    /// The token of an invitation's link.
    invite_token: Option<String>,
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

/// A password that somebody thinks of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckPasswordBody {
    /// The password. It is neither stored nor logged.
    password: String,
    /// The address it would be for.
    email: Option<String>,
    /// The name of whoever would choose it.
    full_name: Option<String>,
}

/// How good a password is.
#[derive(Serialize, ToSchema)]
pub struct PasswordView {
    /// Whether it can be chosen.
    acceptable: bool,
    /// 0 (guessed at once) to 4 (hard to guess).
    #[schema(example = 3)]
    score: u8,
    /// Why it cannot be chosen.
    reasons: Vec<ReasonView>,
    /// What would make it better.
    suggestions: Vec<String>,
}

/// Why a password cannot be chosen.
#[derive(Serialize, ToSchema)]
pub struct ReasonView {
    /// For programs.
    #[schema(example = "too_short")]
    code: &'static str,
    /// For people.
    detail: String,
}

impl RegisterBody {
    fn read(self, passwords: &PasswordService) -> Result<NewUser, ApiError> {
        let mut fields = Fields::default();
        let email: Option<Email> = fields.read("email", &self.email);
        let full_name: Option<Name> = fields.read_optional("full_name", self.full_name.as_deref());
        let company: Option<Name> = fields.read_optional("company", self.company.as_deref());
        let user_type: Option<UserType> =
            fields.read_optional("user_type", self.user_type.as_deref());
        let invitation: Option<PresentedToken> =
            fields.read_optional("invite_token", self.invite_token.as_deref());
        if self.terms_accepted == Some(false) {
            fields.refuse("terms_accepted", "must be accepted");
        }
        let chooser = Chooser {
            email: email.as_ref(),
            full_name: full_name.as_ref(),
            company: company.as_ref(),
        };
        let password =
            fields.accept_password("password", passwords.choose(&self.password, chooser));
        let new = email.zip(password).map(|(email, password)| NewUser {
            email,
            password,
            full_name,
            company,
            user_type: user_type.unwrap_or_default(),
            invitation,
        });
        fields.finish(new)
    }
}

impl RegisteredView {
    fn of(new: &NewUser) -> Self {
        let user = RegisteredUserView {
            email: new.email.to_string(),
            user_type: new.user_type.name(),
            is_verified: new.invitation.is_some(),
        };
        Self { user }
    }
}

/// Show the page behind the link of an invitation.
///
/// It changes nothing; its form signs up with the token.
#[utoipa::path(
    tag = "accounts", operation_id = "showRegisterPage",
    security(()),
    params(("token" = Option<String>, Query, description = "The token of the link; the page reads it")),
    responses((status = 200, description = "The page", body = String, content_type = "text/html"), Failure),
)]
#[get("/auth/register")]
pub async fn page() -> HttpResponse {
    pages::register()
}

/// Sign up.
///
/// Makes a user, a profile and a workspace it owns, and sends a mail with a link and a code. The
/// answer is the same for an address that is known already, whose owner is told by mail.
#[utoipa::path(
    tag = "accounts", operation_id = "register",
    security(()),
    request_body = RegisterBody,
    responses(
        (status = 201, description = "Signed up", body = RegisteredView),
        (status = 400, description = "`auth.invalid_invitation`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`request.invalid_fields`", body = Problem, content_type = "application/problem+json"),
        Failure,
    ),
)]
#[post("/auth/register")]
pub async fn register(
    RequestOrigin(origin): RequestOrigin,
    Body(body): Body<RegisterBody>,
    registration: Service<RegistrationService>,
    passwords: Service<PasswordService>,
) -> Result<HttpResponse, ApiError> {
    let new = body.read(&passwords)?;
    let answer = RegisteredView::of(&new);
    registration.register(origin, new).await?;
    Ok(HttpResponse::Created().json(answer))
}

/// Check a password.
///
/// Says how good it is, and why it could not be chosen, if so.
#[utoipa::path(
    tag = "accounts", operation_id = "checkPassword",
    security(()),
    request_body = CheckPasswordBody,
    responses(
        (status = 200, description = "Checked", body = PasswordView),
        (status = 422, description = "`request.invalid_fields`", body = Problem, content_type = "application/problem+json"),
        Failure,
    ),
)]
#[post("/auth/password/check")]
pub async fn check_password(
    Body(body): Body<CheckPasswordBody>,
    passwords: Service<PasswordService>,
) -> Result<Json<PasswordView>, ApiError> {
    let mut fields = Fields::default();
    let email: Option<Email> = fields.read_optional("email", body.email.as_deref());
    let full_name: Option<Name> = fields.read_optional("full_name", body.full_name.as_deref());
    fields.finish(Some(()))?;
    let chooser = Chooser { email: email.as_ref(), full_name: full_name.as_ref(), company: None };
    let (appraisal, wrong) = passwords.appraise(&body.password, chooser);
    let reasons = wrong
        .iter()
        .map(|reason| ReasonView { code: reason.name(), detail: reason.to_string() })
        .collect();
    Ok(Json(PasswordView {
        acceptable: wrong.is_empty(),
        score: appraisal.score,
        reasons,
        suggestions: appraisal.suggestions,
    }))
}
