//! Addresses that people sign in with.
use std::{fmt, str::FromStr};

use email_address::{EmailAddress, Options};

/// An e-mail address in lower case: two spellings of one address are one account.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Email(String);

/// A text that is not an address people sign in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an e-mail address such as ada@example.com")]
pub struct InvalidEmail;

/// The longest address that can be delivered to (RFC 5321, erratum 1690).
const LONGEST: usize = 254;

impl Email {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the `@`.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }
}

impl FromStr for Email {
    type Err = InvalidEmail;

    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim();
        let options =
            Options::default().with_required_tld().without_display_text().without_domain_literal();
        let sound = text.len() <= LONGEST
            && !text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '"')
            && EmailAddress::parse_with_options(text, options).is_ok();
        if sound { Ok(Self(text.to_lowercase())) } else { Err(InvalidEmail) }
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_checked_and_put_in_lower_case() {
        let long = format!("{}@example.com", "a".repeat(250));
        for (text, expected) in [
            (" Ada@Example.COM ", Some("ada@example.com")),
            ("ada+tag@example.co.za", Some("ada+tag@example.co.za")),
            ("ada", None),
            ("ada@localhost", None),
            ("ada@[127.0.0.1]", None),
            ("Ada <ada@example.com>", None),
            ("ada@example.com\0", None),
            ("ada@exam\nple.com", None),
            ("\"a b\"@example.com", None),
            ("@example.com", None),
            ("", None),
            (&long, None),
        ] {
            assert_eq!(
                text.parse::<Email>().ok().as_ref().map(Email::as_str),
                expected,
                "{text:?}"
            );
        }
    }
}
