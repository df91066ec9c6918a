//! What accounts need from the outside, beside the store.
use async_trait::async_trait;

use super::{
    Appraisal, Chooser, Email, Invitation, Letter, OneTimeToken, Password, PasswordHash, Session,
    Verified,
};
use crate::{
    secret::{Secret, SecretSource},
    store::BoxError,
    time::Timestamp,
};

/// Hashes passwords, a bounded number at a time: more wait, and memory stays bounded.
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// The hash to store.
    ///
    /// # Errors
    ///
    /// When hashing is not possible at all.
    async fn hash(&self, password: &Password) -> Result<PasswordHash, BoxError>;

    /// Whether the password is the one that was hashed. Without a hash the same work is done
    /// and the answer is no: the time tells nobody whether an account exists.
    ///
    /// # Errors
    ///
    /// When hashing is not possible at all.
    async fn verify(
        &self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<Verified, BoxError>;
}

/// Tells how good a password is, without asking anybody.
pub trait PasswordMeter: Send + Sync {
    /// Looks at a password that `chooser` is about to choose.
    fn appraise(&self, password: &str, chooser: Chooser<'_>) -> Appraisal;
}

/// Derives secrets from a server key, so that none has to be stored. Each kind of secret has a
/// derivation of its own: none of them ever equals one of another kind.
pub trait SecretDeriver: Send + Sync {
    /// The secret of one generation of a session, in hex: HKDF over the server key, the
    /// session's salt, its id and the generation.
    fn refresh(&self, session: &Session, generation: u32) -> Secret;

    /// What the pages of a session that lives in cookies repeat in a header, in hex.
    fn csrf(&self, session: &Session) -> Secret;

    /// The secret of a link, in hex.
    fn link(&self, token: &OneTimeToken) -> Secret;

    /// The six digits that stand for a link.
    fn code(&self, token: &OneTimeToken) -> Secret;

    /// The secret of an invitation's link, in hex.
    fn invitation(&self, invitation: &Invitation) -> Secret;

    /// Compares in constant time.
    fn matches(&self, derived: &Secret, presented: &Secret) -> bool;
}

/// Computes the codes of apps: TOTP (RFC 6238) over HMAC-SHA-1, six digits, thirty seconds, as
/// every app can.
pub trait TotpCodes: Send + Sync {
    /// A fresh secret of 160 bits, in base 32.
    fn generate(&self, source: &dyn SecretSource) -> Secret;

    /// The time step that a code is of, if it is of the current one, the one before or the next.
    fn step(&self, secret: &Secret, code: &str, now: Timestamp) -> Option<u64>;

    /// What an app reads from a QR code: `otpauth://totp/…`.
    fn uri(&self, secret: &Secret, account: &Email) -> Secret;
}

/// Why a mail did not go out.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// It never will: its receiver does not exist, or does not want it.
    #[error("the mail was refused for good: {0}")]
    Refused(String),
    /// Trying again may help.
    #[error("the mail could not be handed over")]
    Unavailable(#[source] BoxError),
}

/// Hands mails over to whoever delivers them.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands one over. The same letter may come twice; its id tells its receiver's program.
    ///
    /// # Errors
    ///
    /// See [`DeliveryError`].
    async fn deliver(&self, letter: &Letter) -> Result<(), DeliveryError>;
}
