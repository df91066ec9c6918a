//! Secrets that are derived from a server key, and never stored.
//!
//! Which of them may be used, and how often, is *not* decided here.
use std::fmt;

use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use cape_domain::{
    accounts::{Invitation, OneTimeToken, SecretDeriver, Session},
    secret::Secret,
};
use subtle::ConstantTimeEq as _;

/// How many codes there are: six digits.
const CODES: u64 = 1_000_000;

/// HKDF with SHA-256 (RFC 5869). The input is the server's key, the salt is that of the session,
/// the token or the invitation, and the info says what is derived, in network order:
///
/// ```text
/// refresh     session generation
/// csrf        "csrf" 0 session
/// link        "link" 0 purpose 0 token user
/// code        "code" 0 purpose 0 token user
/// invitation  "invitation" 0 invitation
/// ```
///
/// That of a refresh token has twenty bytes and every other has more, so the missing word before
/// it lets nothing pass for it.
pub struct HkdfSecrets {
    server_key: [u8; 32],
}

impl HkdfSecrets {
    /// Secrets under a server key of 256 random bits. With another key, everything that was
    /// handed out is dead.
    #[must_use]
    pub const fn new(server_key: [u8; 32]) -> Self {
        Self { server_key }
    }

    fn derive(&self, salt: &[u8; 32], info: &[&[u8]]) -> [u8; 32] {
        let mut secret = [0; 32];
        Salt::new(HKDF_SHA256, salt)
            .extract(&self.server_key)
            .expand(info, HKDF_SHA256.hmac_algorithm())
            .and_then(|derived| derived.fill(&mut secret))
            .expect("one block is never too much to derive");
        secret
    }

    fn of_token(&self, kind: &[u8], token: &OneTimeToken) -> [u8; 32] {
        let purpose = token.purpose.name().as_bytes();
        let (id, user) = (token.id.raw(), token.user.raw());
        self.derive(&token.salt, &[kind, b"\0", purpose, b"\0", id.as_bytes(), user.as_bytes()])
    }
}

impl fmt::Debug for HkdfSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HkdfSecrets(…)")
    }
}

impl SecretDeriver for HkdfSecrets {
    fn refresh(&self, session: &Session, generation: u32) -> Secret {
        let id = session.id.raw();
        in_hex(self.derive(&session.salt, &[id.as_bytes(), &generation.to_be_bytes()]))
    }

    fn csrf(&self, session: &Session) -> Secret {
        let id = session.id.raw();
        in_hex(self.derive(&session.salt, &[b"csrf\0", id.as_bytes()]))
    }

    fn link(&self, token: &OneTimeToken) -> Secret {
        in_hex(self.of_token(b"link", token))
    }

    fn code(&self, token: &OneTimeToken) -> Secret {
        let derived = self.of_token(b"code", token);
        let (number, _) = derived.split_first_chunk().expect("32 bytes begin with eight");
        // 2^64 is no multiple of a million: some codes are likelier than others, by less than one
        // part in 10^13.
        Secret::new(format!("{:06}", u64::from_be_bytes(*number) % CODES))
    }

    fn invitation(&self, invitation: &Invitation) -> Secret {
        let id = invitation.id.raw();
        in_hex(self.derive(&invitation.salt, &[b"invitation\0", id.as_bytes()]))
    }

    fn matches(&self, derived: &Secret, presented: &Secret) -> bool {
        derived.expose().as_bytes().ct_eq(presented.expose().as_bytes()).into()
    }
}

fn in_hex(secret: [u8; 32]) -> Secret {
    Secret::new(hex::encode(secret))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use cape_domain::{
        access::Role,
        accounts::{Beginning, Purpose},
        ids::{InvitationId, OneTimeId, SessionId, UserId, WorkspaceId},
        time::Timestamp,
    };
    use uuid::Uuid;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn session(id: u128, salt: [u8; 32]) -> Session {
        let beginning = Beginning {
            id: SessionId::new(Uuid::from_u128(id)),
            user: UserId::new(Uuid::nil()),
            workspace: WorkspaceId::new(Uuid::nil()),
            salt,
            device: None,
            address: None,
        };
        Session::begin(beginning, NOW)
    }

    fn token(id: u128, user: u128, purpose: Purpose, salt: [u8; 32]) -> OneTimeToken {
        let (id, user) = (Uuid::from_u128(id), Uuid::from_u128(user));
        OneTimeToken::issue(OneTimeId::new(id), UserId::new(user), purpose, salt, None, NOW)
    }

    fn invitation(id: u128, salt: [u8; 32]) -> Invitation {
        Invitation {
            id: InvitationId::new(Uuid::from_u128(id)),
            workspace: WorkspaceId::new(Uuid::nil()),
            email: "ada@example.com".parse().expect("an address"),
            role: Role::Viewer,
            invited_by: UserId::new(Uuid::nil()),
            salt,
            created_at: NOW,
            expires_at: NOW + Invitation::LIFE,
        }
    }

    #[test]
    fn another_implementation_of_hkdf_derives_the_same() {
        // Python's `cryptography`: HKDF(SHA256(), 32, salt=b"\x02"*32, info).derive(b"\x01"*32),
        // where id = UUID(int=0xACE).bytes, user = UUID(int=0xADA).bytes and info is …
        let secrets = HkdfSecrets::new([1; 32]);
        let reset = token(0xACE, 0xADA, Purpose::ResetPassword, [2; 32]);
        for (what, derived, expected) in [
            (
                "id + (7).to_bytes(4, 'big')",
                secrets.refresh(&session(0xACE, [2; 32]), 7),
                "71958b23a8a1ef91f06f7b6e8c16db0c44176dfef812342e4958269e37e81061",
            ),
            (
                "b'csrf\\0' + id",
                secrets.csrf(&session(0xACE, [2; 32])),
                "58e593a1fe322c2ccb84d6e7ae0dfecf0e1f50ab999e18d0b96d2bc3d0a1341f",
            ),
            (
                "b'link\\0reset_password\\0' + id + user",
                secrets.link(&reset),
                "28c304c0bda0e2d9ff58e96fc0f7abd79c4e442dd4558829fd1c4376fa87dfae",
            ),
            // It begins with 0x02234cbc3741eb30, which is 154 051 183 525 358 384.
            ("b'code\\0reset_password\\0' + id + user", secrets.code(&reset), "358384"),
            (
                "b'invitation\\0' + id",
                secrets.invitation(&invitation(0xACE, [2; 32])),
                "0ddd858a7cac95d39a093c20f6cf4879199518d997c8ec8010718d166228fa4f",
            ),
        ] {
            assert_eq!(derived.expose(), expected, "{what}");
        }
    }

    #[test]
    fn whatever_differs_gives_another_secret_and_the_same_gives_the_same() {
        let secrets = HkdfSecrets::new([1; 32]);
        let base = secrets.refresh(&session(1, [2; 32]), 1);
        for (what, other) in [
            ("the next generation", secrets.refresh(&session(1, [2; 32]), 2)),
            ("another session", secrets.refresh(&session(2, [2; 32]), 1)),
            ("another salt", secrets.refresh(&session(1, [3; 32]), 1)),
            ("another server", HkdfSecrets::new([9; 32]).refresh(&session(1, [2; 32]), 1)),
        ] {
            assert!(!secrets.matches(&base, &other), "{what}");
        }
        assert!(secrets.matches(&base, &secrets.refresh(&session(1, [2; 32]), 1)));
    }

    #[test]
    fn no_kind_no_purpose_no_user_and_no_token_shares_a_secret_with_another() {
        let mut seen = HashSet::new();
        let mut count = 0;
        let mut see = |secret: Secret| {
            assert!(seen.insert(secret.expose().to_owned()), "{}", secret.expose());
            count += 1;
        };
        for key in [[1; 32], [2; 32]] {
            let secrets = HkdfSecrets::new(key);
            for (id, salt) in [(1, [3; 32]), (2, [3; 32]), (1, [4; 32])] {
                see(secrets.csrf(&session(id, salt)));
                see(secrets.invitation(&invitation(id, salt)));
                for generation in 0..50 {
                    see(secrets.refresh(&session(id, salt), generation));
                }
                for purpose in Purpose::ALL {
                    for user in [1, 2] {
                        see(secrets.link(&token(id, user, purpose, salt)));
                    }
                }
            }
        }
        assert_eq!(count, 2 * 3 * (2 + 50 + 12));
    }

    #[test]
    fn a_code_has_six_digits_and_is_no_part_of_its_link() {
        let secrets = HkdfSecrets::new([1; 32]);
        let mut first_digits = [0; 10];
        for number in 0..10_000_u32 {
            let mut salt = [0; 32];
            salt[..4].copy_from_slice(&number.to_be_bytes());
            let token = token(0xACE, 0xADA, Purpose::SignIn, salt);
            let code = secrets.code(&token);
            let digits = code.expose().as_bytes();
            assert!(digits.len() == 6 && digits.iter().all(u8::is_ascii_digit), "{code:?}");
            first_digits[usize::from(digits[0] - b'0')] += 1;
            let link = u64::from_str_radix(&secrets.link(&token).expose()[..16], 16);
            assert_ne!(code.expose(), format!("{:06}", link.expect("hex") % CODES));
        }
        // A thousand of each are expected, give or take thirty; this is six times that.
        assert!(first_digits.iter().all(|count| (820..=1180).contains(count)), "{first_digits:?}");
    }

    #[test]
    fn purposes_have_codes_of_their_own() {
        let secrets = HkdfSecrets::new([1; 32]);
        let codes = Purpose::ALL.map(|purpose| secrets.code(&token(1, 1, purpose, [2; 32])));
        let distinct: HashSet<&str> = codes.iter().map(Secret::expose).collect();
        assert_eq!(distinct.len(), Purpose::ALL.len());
    }

    #[test]
    fn a_part_of_the_secret_is_not_the_secret() {
        let secrets = HkdfSecrets::new([1; 32]);
        let base = secrets.refresh(&session(1, [2; 32]), 1);
        assert_eq!(base.expose().len(), 64);
        for presented in ["", &base.expose()[..63], &base.expose().to_uppercase()] {
            assert!(!secrets.matches(&base, &Secret::new(presented)), "{presented}");
        }
        assert_eq!(format!("{secrets:?}"), "HkdfSecrets(…)");
    }
}
