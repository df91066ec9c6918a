//! Who runs models.
use std::{fmt, str::FromStr};

/// The most bytes that the name of a provider has.
const LONGEST: usize = 31;

/// Who runs a model: a name of 1 to 31 lower case letters, digits and hyphens, as it stands in the
/// configuration, in the catalogue and on receipts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Provider {
    /// The name, and zeros behind it: so the order is that of names.
    bytes: [u8; LONGEST],
    length: u8,
}

/// A name that no provider can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of a provider of models")]
pub struct InvalidProvider(String);

impl Provider {
    /// `OpenAI`.
    pub const OPENAI: Self = Self::named("openai");
    /// Anthropic.
    pub const ANTHROPIC: Self = Self::named("anthropic");
    /// Google's Gemini.
    pub const GEMINI: Self = Self::named("gemini");

    /// The stable name, as stored and as shown.
    #[must_use]
    pub fn name(&self) -> &str {
        let name = self.bytes.get(..self.length.into()).unwrap_or_default();
        std::str::from_utf8(name).unwrap_or_default()
    }

    const fn named(name: &str) -> Self {
        match Self::read(name.as_bytes()) {
            Some(provider) => provider,
            None => panic!("no name of a provider"),
        }
    }

    const fn read(name: &[u8]) -> Option<Self> {
        if name.is_empty() || name.len() > LONGEST {
            return None;
        }
        let mut bytes = [0; LONGEST];
        let mut length = 0_u8;
        while (length as usize) < name.len() {
            let byte = name[length as usize];
            if !matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-') {
                return None;
            }
            bytes[length as usize] = byte;
            length += 1;
        }
        Some(Self { bytes, length })
    }
}

impl FromStr for Provider {
    type Err = InvalidProvider;

    fn from_str(name: &str) -> Result<Self, InvalidProvider> {
        Self::read(name.as_bytes()).ok_or_else(|| InvalidProvider(name.to_owned()))
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Provider({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_a_short_plain_name() {
        for name in ["openai", "azure-eu-1", "x", &"p".repeat(31)] {
            let read: Provider = name.parse().expect("a name");
            assert_eq!((read.name(), read.to_string().as_str()), (name, name));
        }
        for name in ["", "OpenAI", "a b", "a_b", "ö", &"p".repeat(32)] {
            assert_eq!(name.parse::<Provider>(), Err(InvalidProvider(name.to_owned())));
        }
        assert_eq!("openai".parse(), Ok(Provider::OPENAI));
    }

    #[test]
    fn providers_are_in_the_order_of_their_names() {
        let mut all = [Provider::OPENAI, Provider::GEMINI, Provider::ANTHROPIC];
        all.sort();
        assert_eq!(all, [Provider::ANTHROPIC, Provider::GEMINI, Provider::OPENAI]);
    }
}
