//! Addresses of databases. They may hold a password, which is masked when they are shown.
use std::fmt;

use cape_domain::secret::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{MASK, secret_text};

/// A text that is no address of such a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must begin with {expected}")]
pub struct InvalidConnectionUrl {
    /// What it may begin with.
    pub expected: &'static str,
}

macro_rules! connection_url {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $prefixes:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(Secret);

        impl $name {
            /// The address with its password. Whoever calls this answers for where it goes.
            #[must_use]
            pub fn expose(&self) -> &str {
                self.0.expose()
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidConnectionUrl;

            fn try_from(text: String) -> Result<Self, InvalidConnectionUrl> {
                if $prefixes.iter().any(|prefix| text.starts_with(prefix)) {
                    Ok(Self(Secret::new(text)))
                } else {
                    Err(InvalidConnectionUrl { expected: $expected })
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&masked(self.expose()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::try_from(secret_text::text(deserializer)?).map_err(D::Error::custom)
            }
        }
    };
}

connection_url!(
    /// `sqlite://…` or `postgres://…`.
    DatabaseUrl, "sqlite:// or postgres://", ["sqlite:", "postgres://", "postgresql://"]
);
connection_url!(
    /// `redis://…` or `rediss://…`.
    RedisUrl, "redis:// or rediss://", ["redis://", "rediss://"]
);

impl DatabaseUrl {
    /// The database beside the program.
    pub(crate) fn embedded() -> Self {
        Self(Secret::new("sqlite://data/cape.db"))
    }

    /// Whether it is a file, which one process has for itself.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        self.expose().starts_with("sqlite:")
    }
}

/// Whatever may be a password is masked: between the first colon after the scheme and the last
/// `@`, and as a parameter. An address that is not well formed is masked too much, not too little.
fn masked(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or((url, ""));
    let rest = match rest.rsplit_once('@') {
        Some((user, place)) => {
            let password = user.split_once(':').map(|(name, _)| format!("{name}:{MASK}"));
            format!("{}@{place}", password.as_deref().unwrap_or(user))
        }
        None => rest.to_owned(),
    };
    let (place, parameters) = rest.split_once('?').unwrap_or((&rest, ""));
    let parameters: Vec<String> = parameters
        .split('&')
        .map(|parameter| match parameter.split_once('=') {
            Some((name, _)) if name.to_lowercase().contains("password") => format!("{name}={MASK}"),
            Some(_) | None => parameter.to_owned(),
        })
        .collect();
    let separators =
        (if url.contains("://") { "://" } else { "" }, if rest.contains('?') { "?" } else { "" });
    format!("{scheme}{}{place}{}{}", separators.0, separators.1, parameters.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_masked_wherever_it_stands() {
        for (url, expected) in [
            ("sqlite://data/cape.db", "sqlite://data/cape.db"),
            ("sqlite://data/cape.db?mode=rwc", "sqlite://data/cape.db?mode=rwc"),
            ("sqlite::memory:", "sqlite::memory:"),
            ("postgres://ada@db/cape", "postgres://ada@db/cape"),
            ("postgres://ada:hunter2@db:5432/cape", "postgres://ada:********@db:5432/cape"),
            ("postgres://ada:hun@ter:2/?@db/cape", "postgres://ada:********@db/cape"),
            (
                "postgres://db/cape?user=ada&password=hunter2",
                "postgres://db/cape?user=ada&password=********",
            ),
            ("redis://:hunter2@cache:6379/1", "redis://:********@cache:6379/1"),
        ] {
            assert_eq!(masked(url), expected);
        }
    }

    #[test]
    fn only_databases_that_are_supported_have_an_address() {
        for text in ["", "mysql://db/cape", "data/cape.db", "redis://cache"] {
            assert!(DatabaseUrl::try_from(text.to_owned()).is_err(), "{text}");
        }
        assert!(RedisUrl::try_from("http://cache".to_owned()).is_err());
    }
}
