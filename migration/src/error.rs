//! What can stop a migration.
use std::{io, path::PathBuf};

use sea_orm_migration::DbErr;

/// Why the schema is not what it should be, and was not made so.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The database cannot be reached, or refused a statement.
    #[error("the database refused")]
    Database(#[from] DbErr),
    /// The address is of no database that is supported.
    #[error("`{scheme}` is no supported database; use sqlite://… or postgres://…")]
    UnknownDatabase {
        /// What stands before the colon; the rest may hold a password.
        scheme: String,
    },
    /// The directory or the lock file beside the database cannot be made.
    #[error("{} cannot be used", path.display())]
    File {
        /// Which of them.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody else has been migrating for too long.
    #[error("another process is migrating this database and does not come to an end")]
    Locked,
    /// The schema is older than this program.
    #[error("the schema is too old: {} not applied", names.join(", "))]
    Pending {
        /// The steps that are missing.
        names: Vec<String>,
    },
    /// The schema is newer than this program.
    #[error("the schema is newer than this program: {} unknown", names.join(", "))]
    Unknown {
        /// The steps that only a later program knows.
        names: Vec<String>,
    },
}
