//! Access tokens as JSON Web Tokens, under keys that follow one another.
//!
//! Sessions, epochs and permissions are *not* checked here, only that a token is one of ours, for
//! this purpose, and that its time has come and is not over.
mod claims;
mod key;
mod options;
mod schedule;
mod verified;

use std::fmt;

use cape_domain::{
    access::{AccessClaims, AccessTokens, TokenRefused},
    json::RawJson,
    secret::Secret,
    time::Timestamp,
};
use jsonwebtoken::{Validation, decode};

pub use self::options::{Algorithm, InvalidJwtOptions, JwtOptions};
use self::{
    claims::{KIND, WireClaims},
    key::Keys,
    schedule::{CLOCK_SKEW, Schedule},
    verified::{Verified, VerifiedTokens},
};

/// Signs and reads access tokens. Times in a token are whole seconds, rounded down.
///
/// Which key signs is a matter of the time alone, so every process that has the root key signs
/// and accepts the same at the same moment, and nothing is stored.
pub struct JwtTokens {
    options: JwtOptions,
    schedule: Schedule,
    keys: Keys,
    validation: Validation,
    verified: VerifiedTokens,
}

impl JwtTokens {
    /// Tokens under keys that are derived from this root key of 256 random bits. With another
    /// one, every access token that was handed out is dead.
    ///
    /// # Errors
    ///
    /// [`InvalidJwtOptions`] when a token would outlive its key, or be signed with one that
    /// nobody was told of.
    pub fn new(options: JwtOptions, root: &[u8; 32]) -> Result<Self, InvalidJwtOptions> {
        let schedule = Schedule::new(&options)?;
        let mut validation = Validation::new(options.algorithm.pinned());
        validation.validate_exp = false; // ours is compared with the clock we are given
        validation.set_required_spec_claims(&["iss", "aud", "sub"]);
        validation.set_issuer(&[&options.issuer]);
        validation.set_audience(&[&options.audience]);
        let keys = Keys::new(*root, options.algorithm);
        let verified = VerifiedTokens::new();
        Ok(Self { options, schedule, keys, validation, verified })
    }

    /// What a token says that is one of ours, whatever its time: everything about it that stays
    /// as it is for as long as its key is accepted.
    fn read(&self, token: &str, now: Timestamp) -> Result<Verified, TokenRefused> {
        let mut accepted = self.schedule.accepted(now).rev().map(|period| self.keys.of(period));
        let key = accepted.find(|key| key.begins(token)).ok_or(TokenRefused::Malformed)?;
        let read = decode::<WireClaims>(token, key.verifying(), &self.validation)
            .map_err(|_| TokenRefused::Malformed)?;
        if read.claims.typ != KIND {
            return Err(TokenRefused::Malformed);
        }
        let (claims, period) = (read.claims.into_claims()?, key.period());
        // Whoever gets hold of a key once it is replaced makes no new tokens with it.
        let in_time = self.schedule.period(claims.issued_at) == period;
        if claims.id.session != claims.session || !in_time {
            return Err(TokenRefused::Malformed);
        }
        Ok(Verified { period, claims })
    }
}

impl fmt::Debug for JwtTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtTokens").field("options", &self.options).finish_non_exhaustive()
    }
}

impl AccessTokens for JwtTokens {
    fn sign(&self, claims: &AccessClaims) -> Secret {
        let key = self.keys.of(self.schedule.period(claims.issued_at));
        key.sign(&WireClaims::new(claims, &self.options))
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<AccessClaims, TokenRefused> {
        let remembered = self.verified.find(token);
        let known = remembered.is_some();
        let verified = remembered.map_or_else(|| self.read(token, now), Ok)?;
        if !self.schedule.accepted(now).contains(&verified.period) {
            return Err(TokenRefused::Malformed);
        }
        let claims = &verified.claims;
        if now >= claims.expires_at || claims.issued_at - now > CLOCK_SKEW {
            return Err(TokenRefused::Expired);
        }
        if !known {
            self.verified.remember(token, verified.clone(), now);
        }
        Ok(verified.claims)
    }

    fn key_set(&self, now: Timestamp) -> RawJson {
        let keys = self.schedule.published(now).map(|period| self.keys.of(period));
        let public: Vec<String> = keys.filter_map(|key| key.public().map(str::to_owned)).collect();
        RawJson::new(format!(r#"{{"keys":[{}]}}"#, public.join(",")))
    }

    fn issuer(&self) -> &str {
        &self.options.issuer
    }

    fn audience(&self) -> &str {
        &self.options.audience
    }
}

#[cfg(test)]
mod tests;
