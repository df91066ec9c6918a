//! The second factor: an app that shows codes (TOTP, RFC 6238), and recovery codes for the day it
//! is lost. Computing codes is *not* done here.
use std::{fmt, str::FromStr};

use sha2::{Digest as _, Sha256};

use crate::{
    audit::Sealed,
    ids::UserId,
    secret::{Secret, SecretSource},
    time::Timestamp,
};

/// An app that shows codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totp {
    /// Whose it is.
    pub user: UserId,
    /// What it computes codes from, under the user's own key.
    pub secret: Sealed,
    /// Whether it was shown to work.
    pub state: TotpState,
    /// The time step of the last code that was accepted: no code of it or before it is good.
    pub last_step: u64,
    /// When it was set up.
    pub created_at: Timestamp,
}

/// Where a second factor is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TotpState {
    /// Set up, but no code of it was given yet: signing in does not ask for it.
    Pending,
    /// Asked for at every sign-in.
    Active {
        /// Since when.
        since: Timestamp,
    },
}

impl Totp {
    /// Whether signing in asks for it.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        match self.state {
            TotpState::Pending => false,
            TotpState::Active { .. } => true,
        }
    }
}

/// A code that stands in for the app, once: 80 random bits as `XXXX-XXXX-XXXX-XXXX` in base 32.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(Secret);

/// A text that is not a recovery code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a recovery code such as ABCD-EFGH-IJKL-MNOP")]
pub struct InvalidRecoveryCode;

/// RFC 4648: no `0`, `1` and `8` to be mistaken for letters.
const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const LENGTH: usize = 16;

impl RecoveryCode {
    /// How many a user gets at a time.
    pub const AT_ONCE: usize = 10;

    /// A fresh one.
    #[must_use]
    pub fn generate(source: &dyn SecretSource) -> Self {
        let mut bytes = [0; LENGTH];
        source.fill(&mut bytes);
        // Five bits of each byte: 16 × 5 = 80.
        let letters = bytes.map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
        Self(Secret::new(String::from_iter(letters)))
    }

    /// What its user writes down.
    #[must_use]
    pub fn reveal(&self) -> Secret {
        let letters: Vec<char> = self.0.expose().chars().collect();
        let groups: Vec<String> = letters.chunks(4).map(String::from_iter).collect();
        Secret::new(groups.join("-"))
    }

    /// SHA-256, as stored. 80 random bits need no slow hash.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.expose()).into()
    }
}

impl FromStr for RecoveryCode {
    type Err = InvalidRecoveryCode;

    fn from_str(text: &str) -> Result<Self, InvalidRecoveryCode> {
        let plain: String = text
            .chars()
            .filter(|character| !matches!(character, '-' | ' '))
            .map(|character| character.to_ascii_uppercase())
            .collect();
        let sound = plain.len() == LENGTH && plain.bytes().all(|byte| LETTERS.contains(&byte));
        if sound { Ok(Self(Secret::new(plain))) } else { Err(InvalidRecoveryCode) }
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zeros;

    impl SecretSource for Zeros {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(0);
        }
    }

    #[test]
    fn a_recovery_code_is_read_as_people_write_it() {
        let code = RecoveryCode::generate(&Zeros);
        assert_eq!(code.reveal().expose(), "AAAA-AAAA-AAAA-AAAA");
        for text in ["AAAA-AAAA-AAAA-AAAA", "aaaaaaaaaaaaaaaa", " AAAA aaaa AAAA AAAA "] {
            assert_eq!(text.parse().as_ref(), Ok(&code), "{text}");
        }
        for wrong in ["", "AAAA", "AAAA-AAAA-AAAA-AAA1", "AAAA-AAAA-AAAA-AAAAA", "123456"] {
            assert_eq!(wrong.parse::<RecoveryCode>(), Err(InvalidRecoveryCode), "{wrong}");
        }
        assert!(!format!("{code:?}").contains("AAAA"));
        assert_eq!(code.hash(), "AAAAAAAAAAAAAAAA".parse::<RecoveryCode>().expect("one").hash());
    }

    #[test]
    fn every_letter_comes_from_the_alphabet() {
        struct Over;
        impl SecretSource for Over {
            fn fill(&self, buffer: &mut [u8]) {
                for (place, byte) in buffer.iter_mut().enumerate() {
                    *byte = u8::try_from(place * 16).unwrap_or(u8::MAX);
                }
            }
        }
        let text = RecoveryCode::generate(&Over).reveal();
        assert!(text.expose().parse::<RecoveryCode>().is_ok());
    }
}
