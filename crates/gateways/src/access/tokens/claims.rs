//! What stands in a token, by the names that are documented.
use cape_domain::access::{AccessClaims, TokenRefused};
use chrono::DateTime;
use serde::{Deserialize, Serialize};

use super::JwtOptions;

/// The claim that tells an access token from whatever else may be signed with the key one day.
pub(super) const KIND: &str = "access";

#[derive(Serialize, Deserialize)]
pub(super) struct WireClaims {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    epoch: u32,
    wsp: String,
    role: String,
    /// Absent unless it is so: also in what was signed before there were operators.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    operator: bool,
    pub typ: String,
    auth_time: i64,
    iat: i64,
    exp: i64,
    jti: String,
}

impl WireClaims {
    pub fn new(claims: &AccessClaims, options: &JwtOptions) -> Self {
        Self {
            iss: options.issuer.clone(),
            aud: options.audience.clone(),
            sub: claims.user.to_string(),
            sid: claims.session.to_string(),
            epoch: claims.epoch,
            wsp: claims.workspace.to_string(),
            role: claims.role.name().to_owned(),
            operator: claims.operator,
            typ: KIND.to_owned(),
            auth_time: claims.authenticated_at.timestamp(),
            iat: claims.issued_at.timestamp(),
            exp: claims.expires_at.timestamp(),
            jti: claims.id.to_string(),
        }
    }

    pub fn into_claims(self) -> Result<AccessClaims, TokenRefused> {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).ok_or(TokenRefused::Malformed);
        Ok(AccessClaims {
            user: self.sub.parse().map_err(|_| TokenRefused::Malformed)?,
            session: self.sid.parse().map_err(|_| TokenRefused::Malformed)?,
            epoch: self.epoch,
            workspace: self.wsp.parse().map_err(|_| TokenRefused::Malformed)?,
            role: self.role.parse().map_err(|_| TokenRefused::Malformed)?,
            operator: self.operator,
            authenticated_at: at(self.auth_time)?,
            issued_at: at(self.iat)?,
            expires_at: at(self.exp)?,
            id: self.jti.parse()?,
        })
    }
}
