//! Passwords: what is too weak, and what is stored instead of them.
use crate::{accounts::Email, secret::Secret};

/// A password that somebody chose or gives. Never printed, never stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Password(Secret);

/// What is stored: a PHC string with algorithm, parameters, salt and hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordHash(Secret);

/// Why a password cannot be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Easy to try out.
    #[error("must have at least {} characters", Password::SHORTEST)]
    TooShort,
    /// More than anybody types, and work to hash.
    #[error("must have at most {} characters", Password::LONGEST)]
    TooLong,
    /// The first thing a stranger tries.
    #[error("must not be made from the e-mail address")]
    LikeEmail,
    /// One or two characters, repeated.
    #[error("must not repeat the same few characters")]
    Monotonous,
}

impl Password {
    /// The fewest characters a new password has (OWASP ASVS 5.0, 6.2.1 asks for at least 8).
    pub const SHORTEST: usize = 12;
    /// The most characters a password has.
    pub const LONGEST: usize = 128;

    /// A password that somebody gives, to compare. Whether it is strong is not asked.
    #[must_use]
    pub fn given(text: impl Into<String>) -> Self {
        Self(Secret::new(text))
    }

    /// A password that somebody chooses for the account of `email`.
    ///
    /// # Errors
    ///
    /// [`WeakPassword`] says what is wrong with it.
    pub fn choose(text: impl Into<String>, email: &Email) -> Result<Self, WeakPassword> {
        let text = text.into();
        let length = text.chars().count();
        if length < Self::SHORTEST {
            return Err(WeakPassword::TooShort);
        }
        if length > Self::LONGEST {
            return Err(WeakPassword::TooLong);
        }
        let lower = text.to_lowercase();
        let mut rest = lower.replace(email.as_str(), "");
        let local = email.local_part();
        if local.chars().count() >= 4 {
            rest = rest.replace(local, "");
        }
        if rest.chars().count() < Self::SHORTEST / 2 {
            return Err(WeakPassword::LikeEmail);
        }
        let mut distinct: Vec<char> = lower.chars().collect();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() < 4 {
            return Err(WeakPassword::Monotonous);
        }
        Ok(Self::given(text))
    }

    /// The password itself, for the hasher alone.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Whether it is so long that hashing it would be work for nothing.
    #[must_use]
    pub fn is_absurd(&self) -> bool {
        self.expose().chars().count() > Self::LONGEST
    }
}

impl PasswordHash {
    /// Wraps a PHC string.
    #[must_use]
    pub fn from_phc(phc: impl Into<String>) -> Self {
        Self(Secret::new(phc))
    }

    /// The PHC string, for storage and for the hasher.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weak_password_is_told_why() {
        let email: Email = "ada.lovelace@example.com".parse().expect("an address");
        let long = "x1Y2".repeat(33);
        for (text, expected) in [
            ("short", Some(WeakPassword::TooShort)),
            ("elevenchars", Some(WeakPassword::TooShort)),
            (&long, Some(WeakPassword::TooLong)),
            ("Ada.Lovelace@example.com", Some(WeakPassword::LikeEmail)),
            ("ada.lovelace1", Some(WeakPassword::LikeEmail)),
            ("aaaaaaaaaaaa", Some(WeakPassword::Monotonous)),
            ("abababababababab", Some(WeakPassword::Monotonous)),
            ("correct horse battery", None),
            ("ada.lovelace wrote notes", None),
        ] {
            assert_eq!(Password::choose(text, &email).err(), expected, "{text}");
        }
    }
}
