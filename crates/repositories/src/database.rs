//! Which database an address names.
use std::{fmt, path::PathBuf, str::FromStr as _};

use cape_domain::store::StoreError;
use sqlx::{postgres::PgConnectOptions, sqlite::SqliteConnectOptions};

/// Which database a store works with. It can be shown: there is no password in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// A file.
    Sqlite {
        /// Where it is.
        path: PathBuf,
    },
    /// A server.
    Postgres {
        /// Its address.
        host: String,
        /// Its port.
        port: u16,
        /// The database on it.
        name: String,
    },
}

/// The address of a database that is not supported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{scheme}` is no supported database; use sqlite://… or postgres://…")]
pub struct UnknownDatabase {
    /// What stands before the colon; the rest may hold a password.
    pub scheme: String,
}

impl Database {
    /// Which database `url` names.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when it names none, or none that is supported.
    pub fn named(url: &str) -> Result<Self, StoreError> {
        let malformed = |error: sqlx::Error| StoreError::Unavailable(error.into());
        match url.split_once(':').map_or(url, |(scheme, _)| scheme) {
            "sqlite" => {
                let options = SqliteConnectOptions::from_str(url).map_err(malformed)?;
                Ok(Self::Sqlite { path: options.get_filename().to_owned() })
            }
            "postgres" | "postgresql" => {
                let options = PgConnectOptions::from_str(url).map_err(malformed)?;
                let name = options.get_database().unwrap_or(options.get_username()).to_owned();
                let host = options.get_host().to_owned();
                Ok(Self::Postgres { host, port: options.get_port(), name })
            }
            scheme => {
                let unknown = UnknownDatabase { scheme: scheme.to_owned() };
                Err(StoreError::Unavailable(unknown.into()))
            }
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { path } => write!(f, "SQLite, {}", path.display()),
            Self::Postgres { host, port, name } => write!(f, "PostgreSQL, {name} on {host}:{port}"),
        }
    }
}
