//! Secrets, derived without a key.
use cape_domain::{
    accounts::{Invitation, OneTimeToken, SecretDeriver, Session},
    secret::Secret,
};

use super::digest;

/// Derives secrets that change with the kind, the identity, the salt and, where there is one, the
/// generation.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainSecrets;

impl SecretDeriver for PlainSecrets {
    fn refresh(&self, session: &Session, generation: u32) -> Secret {
        let generation = generation.to_be_bytes();
        secret("refresh", &[&session.salt, session.id.raw().as_bytes(), &generation])
    }

    fn csrf(&self, session: &Session) -> Secret {
        secret("csrf", &[&session.salt, session.id.raw().as_bytes()])
    }

    fn link(&self, token: &OneTimeToken) -> Secret {
        secret("link", &[&token.salt, token.id.raw().as_bytes()])
    }

    fn code(&self, token: &OneTimeToken) -> Secret {
        let number = digest([&b"code"[..], &token.salt, token.id.raw().as_bytes()]);
        Secret::new(format!("{:06}", number % 1_000_000))
    }

    fn invitation(&self, invitation: &Invitation) -> Secret {
        secret("invitation", &[&invitation.salt, invitation.id.raw().as_bytes()])
    }

    fn matches(&self, derived: &Secret, presented: &Secret) -> bool {
        derived == presented
    }
}

/// 256 bits in hex, as the real ones are.
fn secret(kind: &str, parts: &[&[u8]]) -> Secret {
    let words = [0, 1, 2, 3].map(|place| {
        let kind = [kind.as_bytes(), &[place]];
        digest(kind.into_iter().chain(parts.iter().copied()))
    });
    Secret::new(words.map(|word| format!("{word:016x}")).concat())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use cape_domain::accounts::Purpose;

    use super::*;
    use crate::fixtures::{invitation, one_time, session};

    #[test]
    fn every_kind_identity_salt_and_generation_has_its_own_secret() {
        let salted = Session { salt: [8; 32], ..session(10) };
        let token = |number| OneTimeToken { salt: [7; 32], ..one_time(number, Purpose::SignIn) };
        let invited = |number| Invitation { salt: [7; 32], ..invitation(number) };
        let all = [
            PlainSecrets.refresh(&session(10), 1),
            PlainSecrets.refresh(&session(10), 2),
            PlainSecrets.refresh(&session(11), 1),
            PlainSecrets.refresh(&salted, 1),
            PlainSecrets.csrf(&session(10)),
            PlainSecrets.csrf(&salted),
            PlainSecrets.link(&token(10)),
            PlainSecrets.link(&token(11)),
            PlainSecrets.invitation(&invited(10)),
            PlainSecrets.invitation(&invited(11)),
        ];
        let texts: HashSet<&str> = all.iter().map(Secret::expose).collect();
        assert_eq!(texts.len(), all.len());
        for text in texts {
            assert!(text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
        let again = PlainSecrets.refresh(&session(10), 1);
        assert!(PlainSecrets.matches(&all[0], &again) && !PlainSecrets.matches(&all[1], &again));
    }

    #[test]
    fn every_token_has_a_code_of_six_digits_of_its_own() {
        let code = |number| PlainSecrets.code(&one_time(number, Purpose::SignIn));
        let codes: Vec<_> = (10..40).map(code).collect();
        let texts: HashSet<&str> = codes.iter().map(Secret::expose).collect();
        assert_eq!(texts.len(), codes.len());
        for text in texts {
            assert!(text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit()));
        }
        assert_eq!(code(10), code(10));
    }
}
