//! Access tokens that a test can read.
use std::str::FromStr;

use cape_domain::{
    access::{AccessClaims, AccessTokens, TokenRefused},
    json::RawJson,
    secret::Secret,
    time::Timestamp,
};

use super::digest;

const PREFIX: &str = "plain";

/// Writes the claims in the clear, with a check sum over them and the key.
#[derive(Clone, Debug, Default)]
pub struct PlainTokens {
    key: u64,
}

impl PlainTokens {
    /// Tokens of another signer, which the usual one does not accept unless the key is 0.
    #[must_use]
    pub const fn signed_with(key: u64) -> Self {
        Self { key }
    }

    fn check(&self, body: &str) -> String {
        format!("{:016x}", digest([&self.key.to_be_bytes()[..], body.as_bytes()]))
    }
}

impl AccessTokens for PlainTokens {
    fn sign(&self, claims: &AccessClaims) -> Secret {
        let AccessClaims { user, session, epoch, workspace, role, operator, id, .. } = claims;
        let [authenticated, issued, expires] =
            [claims.authenticated_at, claims.issued_at, claims.expires_at]
                .map(|time| time.timestamp_micros());
        let who = format!("{user}:{session}:{epoch}:{workspace}:{}:{operator}", role.name());
        let body = format!("{PREFIX}:{who}:{authenticated}:{issued}:{expires}:{id}");
        let check = self.check(&body);
        Secret::new(format!("{body}:{check}"))
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<AccessClaims, TokenRefused> {
        let (body, check) = token.rsplit_once(':').ok_or(TokenRefused::Malformed)?;
        if self.check(body) != check {
            return Err(TokenRefused::Malformed);
        }
        let parts: Vec<&str> = body.split(':').collect();
        let [PREFIX, user, session, epoch, workspace, role, operator, times @ .., id] = &parts[..]
        else {
            return Err(TokenRefused::Malformed);
        };
        let [authenticated, issued, expires] = times else {
            return Err(TokenRefused::Malformed);
        };
        let claims = AccessClaims {
            user: read(user)?,
            session: read(session)?,
            epoch: read(epoch)?,
            workspace: read(workspace)?,
            role: read(role)?,
            operator: read(operator)?,
            authenticated_at: time(authenticated)?,
            issued_at: time(issued)?,
            expires_at: time(expires)?,
            id: id.parse()?,
        };
        if claims.issued_at <= now && now < claims.expires_at {
            Ok(claims)
        } else {
            Err(TokenRefused::Expired)
        }
    }

    /// There is no public key: the set is empty.
    fn key_set(&self, _: Timestamp) -> RawJson {
        RawJson::new(r#"{"keys":[]}"#)
    }

    fn issuer(&self) -> &'static str {
        "https://cape.example"
    }

    fn audience(&self) -> &'static str {
        "cape"
    }
}

fn read<T: FromStr>(text: &str) -> Result<T, TokenRefused> {
    text.parse().map_err(|_| TokenRefused::Malformed)
}

fn time(micros: &str) -> Result<Timestamp, TokenRefused> {
    Timestamp::from_timestamp_micros(read(micros)?).ok_or(TokenRefused::Malformed)
}

#[cfg(test)]
mod tests {
    use cape_domain::access::{Role, TokenId};
    use chrono::TimeDelta;

    use super::*;
    use crate::fixtures::{ACME, ADA, SESSION, at};

    fn claims() -> AccessClaims {
        AccessClaims {
            user: ADA,
            session: SESSION,
            epoch: 2,
            workspace: ACME,
            role: Role::Member,
            operator: false,
            authenticated_at: at(-60),
            issued_at: at(0),
            expires_at: at(0) + AccessClaims::LIFE,
            id: TokenId { session: SESSION, generation: 3 },
        }
    }

    #[test]
    fn a_token_is_good_between_its_making_and_its_end() {
        let tokens = PlainTokens::default();
        let token = tokens.sign(&claims());
        let moment = TimeDelta::microseconds(1);
        for (now, expected) in [
            (at(0) - moment, Err(TokenRefused::Expired)),
            (at(0), Ok(claims())),
            (claims().expires_at - moment, Ok(claims())),
            (claims().expires_at, Err(TokenRefused::Expired)),
        ] {
            assert_eq!(tokens.verify(token.expose(), now), expected, "{now}");
        }
    }

    #[test]
    fn a_changed_or_foreign_token_is_malformed() {
        let tokens = PlainTokens::default();
        let token = tokens.sign(&claims());
        let older = token.expose().replace(":2:", ":1:");
        let foreign = PlainTokens::signed_with(1).sign(&claims());
        for wrong in ["", "plain", ":", &older, foreign.expose()] {
            assert_eq!(tokens.verify(wrong, at(0)), Err(TokenRefused::Malformed), "{wrong}");
        }
    }
}
