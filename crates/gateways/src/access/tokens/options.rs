//! Who signs, with what, and how often the key changes.
use std::time::Duration;

/// How tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// With Ed25519 (RFC 8037): whoever reads tokens needs the public keys and nothing else.
    EdDsa,
    /// With HMAC-SHA-256: only who could make tokens can read them, and no key is published.
    Hs256,
}

impl Algorithm {
    /// The one that a token has to be signed with.
    pub(super) const fn pinned(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
            Self::Hs256 => jsonwebtoken::Algorithm::HS256,
        }
    }
}

/// Who signs, for whom, and under which keys. Durations count in whole seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtOptions {
    /// Who signs, as claim `iss`: the address of the platform.
    pub issuer: String,
    /// For whom, as claim `aud`.
    pub audience: String,
    /// How tokens are signed.
    pub algorithm: Algorithm,
    /// How long a key signs.
    pub rotation: Duration,
    /// How long before it signs a key is published, so that who reads tokens knows it by then.
    pub publish_ahead: Duration,
    /// How long after it last signed a key is accepted and published: for as long as a token
    /// lives, and answers that tell of the key are kept.
    pub overlap: Duration,
}

impl JwtOptions {
    /// Ed25519, a new key every thirty days, published a day before and for an hour after.
    #[must_use]
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audience: audience.into(),
            algorithm: Algorithm::EdDsa,
            rotation: Duration::from_hours(30 * 24),
            publish_ahead: Duration::from_hours(24),
            overlap: Duration::from_hours(1),
        }
    }
}

/// Why keys cannot follow one another like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJwtOptions {
    /// A key would be forgotten before its last token.
    #[error("a key must be accepted for at least {0} seconds after it last signed")]
    Overlap(i64),
    /// A process whose clock is ahead would sign with a key that nobody knows.
    #[error("a key must be published at least {0} seconds before it signs")]
    PublishAhead(i64),
    /// More keys than the last, the current and the next would be about.
    #[error("a key must sign for at least as long as it is published before and after")]
    Rotation,
}
