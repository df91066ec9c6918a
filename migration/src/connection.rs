//! A connection for migrating, and the turn that makes two replicas migrate once.
use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    str::FromStr as _,
    time::Duration,
};

use sea_orm_migration::{
    DbErr,
    sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, RuntimeErr},
};
use sqlx::{error::DatabaseError, sqlite::SqliteConnectOptions};

use crate::MigrationError;

/// How long to wait for another process that is migrating.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(20);

/// The number of the advisory lock on PostgreSQL: `cape` in ASCII. Locks are per database.
const LOCK: i64 = 0x6361_7065;

/// The state in which PostgreSQL reports that a lock was not given in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// The only process that migrates a database, until this is dropped.
pub(crate) enum Turn {
    Sqlite { _lock: File },
    Postgres { lock: DatabaseConnection },
}

/// One connection to the database that `url` names. `SQLite` makes the file if need be.
pub(crate) async fn connect(url: &str) -> Result<DatabaseConnection, MigrationError> {
    let mut options = ConnectOptions::new(url);
    options.sqlx_logging(false).record_stmt_in_spans(false).max_connections(1);
    if let Some(file) = sqlite_file(url)? {
        make_room(&file)?;
        options.map_sqlx_sqlite_opts(|sqlite| {
            sqlite.create_if_missing(true).foreign_keys(true).busy_timeout(Duration::from_secs(5))
        });
    }
    Ok(Database::connect(options).await?)
}

impl Turn {
    /// Waits for the turn, at most for a minute.
    pub(crate) async fn wait(url: &str) -> Result<Self, MigrationError> {
        match sqlite_file(url)? {
            Some(file) => Ok(Self::Sqlite { _lock: lock_beside(&file).await? }),
            None => Ok(Self::Postgres { lock: lock_within(url).await? }),
        }
    }

    /// Gives the turn to the next one.
    pub(crate) async fn end(self) -> Result<(), MigrationError> {
        match self {
            Self::Sqlite { _lock } => Ok(()),
            Self::Postgres { lock } => Ok(lock.close().await?),
        }
    }
}

async fn lock_beside(database: &Path) -> Result<File, MigrationError> {
    make_room(database)?;
    let mut path = database.as_os_str().to_owned();
    path.push(".migrate.lock");
    let path = PathBuf::from(path);
    let file = File::options().create(true).append(true).open(&path).map_err(at(&path))?;
    for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(PAUSE).await,
            Err(TryLockError::Error(source)) => return Err(at(&path)(source)),
        }
    }
    Err(MigrationError::Locked)
}

/// The lock belongs to a connection of its own, which holds it until it is closed.
async fn lock_within(url: &str) -> Result<DatabaseConnection, MigrationError> {
    let connection = connect(url).await?;
    let timeout = format!("SET lock_timeout = '{}s'", PATIENCE.as_secs());
    connection.execute_unprepared(&timeout).await?;
    match connection.execute_unprepared(&format!("SELECT pg_advisory_lock({LOCK})")).await {
        Ok(_) => Ok(connection),
        Err(DbErr::Exec(RuntimeErr::SqlxError(cause)))
            if cause.as_database_error().and_then(DatabaseError::code).as_deref()
                == Some(LOCK_NOT_AVAILABLE) =>
        {
            Err(MigrationError::Locked)
        }
        Err(error) => Err(error.into()),
    }
}

/// The file, if `url` names one.
fn sqlite_file(url: &str) -> Result<Option<PathBuf>, MigrationError> {
    match url.split_once(':').map_or(url, |(scheme, _)| scheme) {
        "sqlite" => {
            let options = SqliteConnectOptions::from_str(url)
                .map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(error.into())))?;
            Ok(Some(options.get_filename().to_owned()))
        }
        "postgres" | "postgresql" => Ok(None),
        scheme => Err(MigrationError::UnknownDatabase { scheme: scheme.to_owned() }),
    }
}

/// Makes the directory of a database.
fn make_room(database: &Path) -> Result<(), MigrationError> {
    match database.parent() {
        Some(directory) => fs::create_dir_all(directory).map_err(at(directory)),
        None => Ok(()),
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> MigrationError {
    move |source| MigrationError::File { path: path.to_owned(), source }
}
