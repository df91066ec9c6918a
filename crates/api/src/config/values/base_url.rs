//! Addresses of programs that speak HTTP.
use std::fmt;

use actix_web::http::{Uri, uri::Authority};
use serde::{Deserialize, Serialize};

/// An address that begins with `http://` or `https://`, without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BaseUrl(String);

/// A text that is no such address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBaseUrl {
    /// It is something else.
    #[error("must be an address such as https://api.example.com")]
    Malformed,
    /// It holds a user's name or password, and would be shown with them.
    #[error("must not hold a name or password")]
    Credentials,
}

impl BaseUrl {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An address that is written in a program.
    pub(crate) fn known(text: &str) -> Self {
        Self::try_from(text.to_owned()).expect("an address that is written in a program")
    }
}

impl TryFrom<String> for BaseUrl {
    type Error = InvalidBaseUrl;

    fn try_from(text: String) -> Result<Self, InvalidBaseUrl> {
        let text = text.trim_end_matches('/');
        let uri: Uri = text.parse().map_err(|_| InvalidBaseUrl::Malformed)?;
        let authority = uri.authority().map(Authority::as_str).unwrap_or_default();
        if !matches!(uri.scheme_str(), Some("http" | "https"))
            || uri.host().is_none_or(str::is_empty)
            || text.contains('#')
        {
            return Err(InvalidBaseUrl::Malformed);
        }
        if authority.contains('@') {
            return Err(InvalidBaseUrl::Credentials);
        }
        Ok(Self(text.to_owned()))
    }
}

impl From<BaseUrl> for String {
    fn from(value: BaseUrl) -> Self {
        value.0
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_scheme_and_a_host_and_no_slash_at_the_end() {
        let read = |text: &str| BaseUrl::try_from(text.to_owned()).map(|url| url.to_string());
        for (text, expected) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("https://api.example.com/v1//", "https://api.example.com/v1"),
            ("http://[::1]:8080/", "http://[::1]:8080"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["", "api.example.com", "ftp://example.com", "http://", "https:///v1", "a b"] {
            assert_eq!(read(text), Err(InvalidBaseUrl::Malformed), "{text}");
        }
        assert_eq!(read("https://ada:pw@example.com"), Err(InvalidBaseUrl::Credentials));
    }
}
