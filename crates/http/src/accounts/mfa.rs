//! Second factors: an app that shows codes, and recovery codes.
use actix_web::{HttpResponse, get, post, web::Json};
use cape_domain::{
    access::{ManageMfa, ViewProfile},
    accounts::RecoveryCode,
    secret::Secret,
};
use cape_services::accounts::{Factor, MfaService, SignInError};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    error::{ApiError, Failure, Problem, Unpermitted},
    extract::{Body, Permitted, Service},
};

/// How one stands with second factors.
#[derive(Serialize, ToSchema)]
pub struct MfaStatusView {
    /// Whether signing in asks for one.
    enabled: bool,
    /// Since when.
    enabled_at: Option<DateTime<Utc>>,
    /// How many recovery codes are left.
    #[schema(example = 10)]
    recovery_codes_left: u32,
}

/// What goes into an app.
#[derive(Serialize, ToSchema)]
pub struct MfaSetupView {
    /// To be typed in, in base 32.
    #[schema(example = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")]
    secret: String,
    /// To be shown as a QR code.
    #[schema(example = "otpauth://totp/CapeControl:ada%40example.com?secret=…&issuer=CapeControl")]
    otpauth_uri: String,
}

/// A code of the app, or a recovery code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MfaCodeBody {
    #[schema(example = "287082")]
    code: String,
}

/// Recovery codes, shown this once.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodesView {
    /// Each is good once.
    #[schema(example = json!(["ABCD-EFGH-IJKL-MNOP"]))]
    recovery_codes: Vec<String>,
}

impl RecoveryCodesView {
    fn answer(codes: &[RecoveryCode]) -> HttpResponse {
        let reveal = |code: &RecoveryCode| code.reveal().expose().to_owned();
        let recovery_codes = codes.iter().map(reveal).collect();
        HttpResponse::Ok()
            .insert_header(("cache-control", "no-store"))
            .json(Self { recovery_codes })
    }
}

impl MfaCodeBody {
    fn factor(&self) -> Result<Factor, ApiError> {
        Ok(self.code.parse().map_err(|_| SignInError::InvalidCode)?)
    }
}

/// Show how one stands with second factors.
#[utoipa::path(
    tag = "accounts", operation_id = "getMfaStatus",
    security(("access_token" = [])),
    responses((status = 200, description = "Found", body = MfaStatusView), Unpermitted, Failure),
)]
#[get("/auth/mfa/status")]
pub async fn status(
    Permitted(permit): Permitted<ViewProfile>,
    mfa: Service<MfaService>,
) -> Result<Json<MfaStatusView>, ApiError> {
    let status = mfa.status(permit).await?;
    Ok(Json(MfaStatusView {
        enabled: status.active_since.is_some(),
        enabled_at: status.active_since,
        recovery_codes_left: status.recovery_codes_left,
    }))
}

/// Set up an app that shows codes.
///
/// Signing in asks for it once its first code was shown to `/api/auth/mfa/verify`. Needs a fresh
/// proof of who one is.
#[utoipa::path(
    tag = "accounts", operation_id = "setUpMfa",
    security(("access_token" = [])),
    responses(
        (status = 200, description = "Set up", body = MfaSetupView),
        (status = 409, description = "`mfa.already_active`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[post("/auth/mfa/setup")]
pub async fn set_up(
    Permitted(permit): Permitted<ManageMfa>,
    mfa: Service<MfaService>,
) -> Result<HttpResponse, ApiError> {
    let setup = mfa.set_up(permit).await?;
    Ok(HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(MfaSetupView {
        secret: setup.secret.expose().to_owned(),
        otpauth_uri: setup.uri.expose().to_owned(),
    }))
}

/// Switch the app on with its first code.
///
/// The answer holds ten recovery codes; they are shown this once. The first code cannot be used
/// again to sign in.
#[utoipa::path(
    tag = "accounts", operation_id = "verifyMfa",
    security(("access_token" = [])),
    request_body = MfaCodeBody,
    responses(
        (status = 200, description = "Switched on", body = RecoveryCodesView),
        (status = 409, description = "`mfa.already_active`, `mfa.not_set_up`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`auth.throttled`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[post("/auth/mfa/verify")]
pub async fn verify(
    Permitted(permit): Permitted<ManageMfa>,
    Body(body): Body<MfaCodeBody>,
    mfa: Service<MfaService>,
) -> Result<HttpResponse, ApiError> {
    let codes = mfa.switch_on(permit, &Secret::new(body.code)).await?;
    Ok(RecoveryCodesView::answer(&codes))
}

/// Switch the second factor off.
///
/// With a code of the app, or a recovery code.
#[utoipa::path(
    tag = "accounts", operation_id = "disableMfa",
    security(("access_token" = [])),
    request_body = MfaCodeBody,
    responses(
        (status = 204, description = "Switched off"),
        (status = 409, description = "`mfa.not_set_up`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`auth.throttled`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[post("/auth/mfa/disable")]
pub async fn disable(
    Permitted(permit): Permitted<ManageMfa>,
    Body(body): Body<MfaCodeBody>,
    mfa: Service<MfaService>,
) -> Result<HttpResponse, ApiError> {
    mfa.switch_off(permit, &body.factor()?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Get new recovery codes.
///
/// The old ones are no longer good.
#[utoipa::path(
    tag = "accounts", operation_id = "renewRecoveryCodes",
    security(("access_token" = [])),
    request_body = MfaCodeBody,
    responses(
        (status = 200, description = "New codes", body = RecoveryCodesView),
        (status = 409, description = "`mfa.not_set_up`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`auth.throttled`", body = Problem, content_type = "application/problem+json"),
        Unpermitted,
        Failure,
    ),
)]
#[post("/auth/mfa/recovery-codes")]
pub async fn renew(
    Permitted(permit): Permitted<ManageMfa>,
    Body(body): Body<MfaCodeBody>,
    mfa: Service<MfaService>,
) -> Result<HttpResponse, ApiError> {
    let codes = mfa.renew_recovery_codes(permit, &body.factor()?).await?;
    Ok(RecoveryCodesView::answer(&codes))
}
