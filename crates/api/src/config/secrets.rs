//! Section `secrets`: what is signed and sealed with.
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Environment, problem::Rules, values::Key};

/// What is signed and sealed with. Keys that are not set are generated, where that is allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// Where generated keys are kept.
    pub file: PathBuf,
    /// Signs access tokens.
    pub signing_key: Option<Key>,
    /// What the secrets of refresh tokens are derived from.
    pub refresh_key: Option<Key>,
    /// What personal data is sealed under.
    pub vault_key: Option<Key>,
}

impl Secrets {
    pub(super) fn defaults() -> Self {
        Self {
            file: PathBuf::from("data/secrets.toml"),
            signing_key: None,
            refresh_key: None,
            vault_key: None,
        }
    }

    fn keys(&self) -> [(&'static str, Option<&Key>); 3] {
        [
            ("secrets.signing_key", self.signing_key.as_ref()),
            ("secrets.refresh_key", self.refresh_key.as_ref()),
            ("secrets.vault_key", self.vault_key.as_ref()),
        ]
    }

    pub(super) fn check(&self, environment: Environment, rules: &mut Rules) {
        let keys = self.keys();
        for (index, (path, key)) in keys.iter().enumerate() {
            let Some(key) = key else {
                rules.refuse(environment.is_guarded(), path, || {
                    format!("is not set, and {environment} uses no generated keys")
                });
                continue;
            };
            let same = keys[..index].iter().find(|(_, other)| *other == Some(key));
            if let Some((other, _)) = same {
                rules.refuse(true, path, || format!("is the same as {other}"));
            }
        }
    }
}
