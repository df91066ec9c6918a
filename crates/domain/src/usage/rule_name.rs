//! What limits are called.
use std::{fmt, str::FromStr};

/// The most bytes that a name has.
const LONGEST: usize = 63;

/// The name of a limit, as refusals, metrics and headers tell it: 1 to 63 lower case letters,
/// digits, underscores, dots and hyphens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleName {
    /// The name, and zeros behind it: so the order is that of names.
    bytes: [u8; LONGEST],
    length: u8,
}

/// A name that no limit can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 63 lower case letters, digits, underscores, dots and hyphens")]
pub struct InvalidRuleName;

impl RuleName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let name = self.bytes.get(..self.length.into()).unwrap_or_default();
        std::str::from_utf8(name).unwrap_or_default()
    }
}

impl FromStr for RuleName {
    type Err = InvalidRuleName;

    fn from_str(name: &str) -> Result<Self, InvalidRuleName> {
        let sound = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-');
        if name.is_empty() || name.len() > LONGEST || !name.bytes().all(sound) {
            return Err(InvalidRuleName);
        }
        let mut bytes = [0; LONGEST];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        Ok(Self { bytes, length: u8::try_from(name.len()).map_err(|_| InvalidRuleName)? })
    }
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RuleName({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_as_it_was_given_and_others_are_refused() {
        for name in ["a", "openai_requests_per_minute", "team-7.daily", &"x".repeat(63)] {
            assert_eq!(name.parse::<RuleName>().expect("a name").to_string(), *name);
        }
        for name in ["", "Openai", "two words", "ü", "line\nbreak", &"x".repeat(64)] {
            assert_eq!(name.parse::<RuleName>(), Err(InvalidRuleName), "{name}");
        }
    }
}
