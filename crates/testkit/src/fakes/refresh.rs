//! Secrets of refresh tokens, derived without a key.
use cape_domain::{
    accounts::{RefreshSecrets, Session},
    secret::Secret,
};

use super::digest;

/// Derives secrets that change with the session, its salt and the generation.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainRefreshSecrets;

impl RefreshSecrets for PlainRefreshSecrets {
    fn derive(&self, session: &Session, generation: u32) -> Secret {
        let (id, generation) = (session.id.raw(), generation.to_be_bytes());
        let secret = digest([&session.salt[..], id.as_bytes(), &generation]);
        Secret::new(format!("{secret:016x}"))
    }

    fn matches(&self, derived: &Secret, presented: &Secret) -> bool {
        derived == presented
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::session;

    #[test]
    fn every_generation_of_every_session_has_its_own_secret() {
        let secrets = PlainRefreshSecrets;
        let own = secrets.derive(&session(10), 1);
        assert!(secrets.matches(&own, &secrets.derive(&session(10), 1)));
        let salted = Session { salt: [8; 32], ..session(10) };
        for other in [
            secrets.derive(&session(10), 2),
            secrets.derive(&session(11), 1),
            secrets.derive(&salted, 1),
        ] {
            assert!(!secrets.matches(&own, &other));
        }
    }
}
