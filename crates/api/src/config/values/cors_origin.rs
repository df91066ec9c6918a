//! Origins whose pages may call.
use std::fmt;

use actix_web::http::Uri;
use serde::{Deserialize, Serialize};

/// An origin, spelled as browsers spell it: `https://app.example.com`. Or `*`: everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CorsOrigin(String);

/// A text that no browser sends as an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be origins such as https://app.example.com, in lower case and without a path")]
pub struct InvalidCorsOrigin;

impl CorsOrigin {
    /// The origin.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands for every origin.
    #[must_use]
    pub fn is_anybody(&self) -> bool {
        self.0 == "*"
    }
}

impl TryFrom<String> for CorsOrigin {
    type Error = InvalidCorsOrigin;

    fn try_from(text: String) -> Result<Self, InvalidCorsOrigin> {
        let uri: Uri = text.parse().map_err(|_| InvalidCorsOrigin)?;
        let spelled = match (uri.scheme_str(), uri.authority()) {
            (Some(scheme @ ("http" | "https")), Some(authority)) => {
                format!("{scheme}://{authority}")
            }
            (Some(_) | None, Some(_) | None) => String::new(),
        };
        let exact = spelled == text && text == text.to_lowercase() && !text.contains(['@', '*']);
        if text == "*" || exact { Ok(Self(text)) } else { Err(InvalidCorsOrigin) }
    }
}

impl From<CorsOrigin> for String {
    fn from(value: CorsOrigin) -> Self {
        value.0
    }
}

impl fmt::Display for CorsOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_spelled_as_browsers_spell_it() {
        let sound = |text: &str| CorsOrigin::try_from(text.to_owned()).is_ok();
        for text in ["https://app.example.com", "http://localhost:3000", "*"] {
            assert!(sound(text), "{text}");
        }
        for text in [
            "",
            "app.example.com",
            "https://app.example.com/",
            "https://App.example.com",
            "https://*",
            "https://*.example.com",
            "ftp://example.com",
            "https://ada@example.com",
        ] {
            assert!(!sound(text), "{text}");
        }
    }
}
