//! What a workspace shows a provider of models in place of the platform: a key of its own there.
//!
//! Who pays the provider follows from it. How keys are sealed is *not* said here, and neither is
//! which providers there are.
use std::{fmt, str::FromStr};

use crate::{
    audit::SealedSecret,
    ids::{CredentialId, UserId, WorkspaceId},
    secret::Secret,
    time::Timestamp,
    usage::Provider,
};

/// Under whose key a provider was asked, and so whom it sends the bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialUsed {
    /// The platform's.
    Platform,
    /// The workspace's own.
    Workspace(CredentialId),
}

impl CredentialUsed {
    /// The stable name, as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Workspace(_) => "workspace",
        }
    }

    /// Which one of the workspace's it was.
    #[must_use]
    pub const fn id(self) -> Option<CredentialId> {
        match self {
            Self::Platform => None,
            Self::Workspace(id) => Some(id),
        }
    }
}

/// Which key of the workspace's; the platform's, where it is none of them.
impl From<Option<CredentialId>> for CredentialUsed {
    fn from(id: Option<CredentialId>) -> Self {
        id.map_or(Self::Platform, Self::Workspace)
    }
}

/// A workspace's own key at a provider, sealed. There is one at most for each provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderCredential {
    /// Its identity: another key has another one.
    pub id: CredentialId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// Where it is good.
    pub provider: Provider,
    /// The key.
    pub sealed: SealedSecret,
    /// The last four characters of the key, to tell it from others.
    pub ending: String,
    /// When it was stored.
    pub created_at: Timestamp,
    /// Who stored it.
    pub created_by: UserId,
}

/// A key as a provider gives it out: 8 to 512 visible ASCII characters.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderKey(Secret);

/// A text that is no key. It is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 8 to 512 visible ASCII characters")]
pub struct InvalidProviderKey;

/// How many characters of a key are shown.
const SHOWN: usize = 4;

impl ProviderKey {
    /// The key itself. Whoever asks for it answers for where it goes.
    #[must_use]
    pub const fn secret(&self) -> &Secret {
        &self.0
    }

    /// Its last characters.
    #[must_use]
    pub fn ending(&self) -> &str {
        let key = self.0.expose();
        key.get(key.len().saturating_sub(SHOWN)..).unwrap_or_default()
    }
}

impl FromStr for ProviderKey {
    type Err = InvalidProviderKey;

    fn from_str(text: &str) -> Result<Self, InvalidProviderKey> {
        let text = text.trim();
        let is_one = (8..=512).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if is_one { Ok(Self(Secret::new(text))) } else { Err(InvalidProviderKey) }
    }
}

impl fmt::Debug for ProviderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProviderKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_plain_text_of_some_length_and_shows_four_characters() {
        for (text, ending) in
            [("sk-12345", "2345"), ("  sk-proj-abcd\n", "abcd"), (&"k".repeat(512), "kkkk")]
        {
            let key: ProviderKey = text.parse().expect("a key");
            assert_eq!((key.ending(), key.secret().expose()), (ending, text.trim()));
            assert_eq!(format!("{key:?}"), "ProviderKey(…)");
        }
        for text in ["", "sk-1234", "sk-1234 5678", "sk-1234\u{e9}5678", &"k".repeat(513)] {
            assert_eq!(text.parse::<ProviderKey>(), Err(InvalidProviderKey), "{text}");
        }
    }

    #[test]
    fn whose_key_it_was_is_known_by_its_id() {
        let id = CredentialId::new(uuid::Uuid::from_u128(7));
        for (used, name) in
            [(CredentialUsed::Platform, "platform"), (CredentialUsed::Workspace(id), "workspace")]
        {
            assert_eq!(CredentialUsed::from(used.id()), used);
            assert_eq!(used.name(), name);
        }
    }
}
