//! Secrets of refresh tokens: derived from a server key, never stored.
//!
//! Which generation may be used is *not* decided here.
use std::fmt;

use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use cape_domain::{
    accounts::{RefreshSecrets, Session},
    secret::Secret,
};
use subtle::ConstantTimeEq as _;

/// HKDF with SHA-256 (RFC 5869). The input is the server's key, the salt is the session's, and
/// the info is the session's id and the generation, both in network order.
pub struct HkdfRefreshSecrets {
    server_key: [u8; 32],
}

impl HkdfRefreshSecrets {
    /// Secrets under a server key of 256 random bits. With another key, every refresh token that
    /// was handed out is dead.
    #[must_use]
    pub const fn new(server_key: [u8; 32]) -> Self {
        Self { server_key }
    }
}

impl fmt::Debug for HkdfRefreshSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HkdfRefreshSecrets(…)")
    }
}

impl RefreshSecrets for HkdfRefreshSecrets {
    fn derive(&self, session: &Session, generation: u32) -> Secret {
        let id = session.id.raw();
        let generation = generation.to_be_bytes();
        let info: [&[u8]; 2] = [id.as_bytes(), &generation];
        let mut secret = [0; 32];
        Salt::new(HKDF_SHA256, &session.salt)
            .extract(&self.server_key)
            .expand(&info, HKDF_SHA256.hmac_algorithm())
            .and_then(|derived| derived.fill(&mut secret))
            .expect("one block is never too much to derive");
        Secret::new(hex::encode(secret))
    }

    fn matches(&self, derived: &Secret, presented: &Secret) -> bool {
        derived.expose().as_bytes().ct_eq(presented.expose().as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use cape_domain::{
        ids::{SessionId, UserId, WorkspaceId},
        time::Timestamp,
    };
    use uuid::Uuid;

    use super::*;

    fn session(id: u128, salt: [u8; 32]) -> Session {
        Session::begin(
            SessionId::new(Uuid::from_u128(id)),
            UserId::new(Uuid::nil()),
            WorkspaceId::new(Uuid::nil()),
            salt,
            Timestamp::UNIX_EPOCH,
        )
    }

    #[test]
    fn another_implementation_of_hkdf_derives_the_same() {
        // Python's `cryptography`: HKDF(SHA256(), 32, salt=b"\x02"*32, info=UUID(int=0xACE).bytes
        // + (7).to_bytes(4, "big")).derive(b"\x01"*32).hex()
        let secrets = HkdfRefreshSecrets::new([1; 32]);
        let derived = secrets.derive(&session(0xACE, [2; 32]), 7);
        assert_eq!(
            derived.expose(),
            "71958b23a8a1ef91f06f7b6e8c16db0c44176dfef812342e4958269e37e81061"
        );
    }

    #[test]
    fn whatever_differs_gives_another_secret_and_the_same_gives_the_same() {
        let secrets = HkdfRefreshSecrets::new([1; 32]);
        let base = secrets.derive(&session(1, [2; 32]), 1);
        for (what, other) in [
            ("the next generation", secrets.derive(&session(1, [2; 32]), 2)),
            ("another session", secrets.derive(&session(2, [2; 32]), 1)),
            ("another salt", secrets.derive(&session(1, [3; 32]), 1)),
            ("another server", HkdfRefreshSecrets::new([9; 32]).derive(&session(1, [2; 32]), 1)),
        ] {
            assert!(!secrets.matches(&base, &other), "{what}");
        }
        assert!(secrets.matches(&base, &secrets.derive(&session(1, [2; 32]), 1)));
    }

    #[test]
    fn a_part_of_the_secret_is_not_the_secret() {
        let secrets = HkdfRefreshSecrets::new([1; 32]);
        let base = secrets.derive(&session(1, [2; 32]), 1);
        assert_eq!(base.expose().len(), 64);
        for presented in ["", &base.expose()[..63], &base.expose().to_uppercase()] {
            assert!(!secrets.matches(&base, &Secret::new(presented)), "{presented}");
        }
        assert_eq!(format!("{secrets:?}"), "HkdfRefreshSecrets(…)");
    }
}
