//! Section `access`: how access tokens are signed, and who may ask about them.
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    problem::Rules,
    values::{SecretText, duration, list},
};

/// How access tokens are signed, and who may ask about them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// What they are signed with.
    pub algorithm: SigningAlgorithm,
    /// How long a signing key signs, until the next one does.
    #[serde(with = "duration")]
    pub key_rotation: Duration,
    /// What other services sign in with, to ask whose a token is. Nobody may, if none is set.
    #[serde(with = "list")]
    pub introspection_secrets: Vec<SecretText>,
}

/// What access tokens are signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SigningAlgorithm {
    /// Ed25519: others check tokens with a public key.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// HMAC-SHA-256: nobody else checks tokens. For clients that know nothing else.
    #[serde(rename = "HS256")]
    Hs256,
}

/// A key is published a day before it signs.
const SHORTEST_ROTATION: Duration = Duration::from_hours(48);
/// What nobody can guess.
const SHORTEST_SECRET: usize = 32;

impl Access {
    pub(super) const fn defaults() -> Self {
        Self {
            algorithm: SigningAlgorithm::EdDsa,
            key_rotation: Duration::from_hours(24 * 30),
            introspection_secrets: Vec::new(),
        }
    }

    pub(super) fn check(&self, rules: &mut Rules) {
        rules.refuse(self.key_rotation < SHORTEST_ROTATION, "access.key_rotation", || {
            "is less than two days".to_owned()
        });
        let short = |secret: &SecretText| secret.expose().len() < SHORTEST_SECRET;
        let short = self.introspection_secrets.iter().any(short);
        rules.refuse(short, "access.introspection_secrets", || {
            format!("has one of less than {SHORTEST_SECRET} characters")
        });
    }
}
