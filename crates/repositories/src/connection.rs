//! Where the two databases differ: how to connect, how to begin, and what makes a commit last.
use std::{fs, str::FromStr as _, sync::Arc, time::Duration};

use async_trait::async_trait;
use cape_domain::store::{Durability, ReadWork, Scope, Store, StoreError, UnitOfWork};
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, DatabaseConnection, SqliteTransactionMode,
    TransactionOptions, TransactionTrait as _,
};
use sqlx::{
    ConnectOptions as _,
    postgres::PgConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    time::timeout,
};

use crate::{
    Database, error,
    flush::Flusher,
    home::Home,
    pool::{Opening, Pool},
    store::SqlWork,
    transaction::Transaction,
};

const CONNECTION: &str = "connection";
const TRANSACTION: &str = "transaction";

/// A store over connection pools.
#[derive(Debug)]
pub struct SqlStore {
    readers: DatabaseConnection,
    /// For reads of one statement.
    pool: Pool,
    writers: DatabaseConnection,
    dialect: Dialect,
    home: Home,
    database: Database,
    options: Options,
}

/// How a store uses its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Connections for reads. Those of one statement, which need no transaction, have half as many
    /// besides, opened when they are needed.
    pub readers: u32,
    /// Connections for units of work, on `PostgreSQL`. `SQLite` has one.
    pub writers: u32,
    /// How long a caller waits for a connection, or for its turn.
    pub patience: Duration,
    /// Whether commits are written to the disk itself. Without, a power cut loses data whatever
    /// durability was asked for: that is for tests.
    pub flush: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { readers: 8, writers: 8, patience: Duration::from_secs(30), flush: true }
    }
}

impl Options {
    /// Connections for reads of one statement.
    const fn single(self) -> u32 {
        self.readers.div_ceil(2)
    }
}

/// The right to write. While one has it, nobody else writes; where the database lines writers up
/// by itself, row by row, everybody has it.
pub(crate) type Turn = Option<OwnedMutexGuard<Writer>>;

/// What has to be known of the one connection that writes.
#[derive(Debug)]
pub(crate) struct Writer {
    /// What it is set to, unless that is uncertain.
    synchronous: Option<Synchronous>,
    flusher: Flusher,
}

impl Writer {
    /// To be called after every commit: sees to it that it comes to the disk.
    pub(crate) fn committed(&self) {
        match self.synchronous {
            Some(Synchronous::Normal) | None => self.flusher.soon(),
            Some(Synchronous::Off | Synchronous::Full) => {}
        }
    }
}

#[derive(Debug)]
enum Dialect {
    /// One writer at a time. The mutex is fair: turns are taken in the order of asking.
    Sqlite { turns: Arc<Mutex<Writer>> },
    /// The database lines the writers up.
    Postgres,
}

/// What a commit on `SQLite` waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Synchronous {
    Off,
    Normal,
    Full,
}

impl Synchronous {
    const fn of(durability: Durability, options: Options) -> Self {
        match durability {
            Durability::Process | Durability::Power if !options.flush => Self::Off,
            Durability::Process => Self::Normal,
            Durability::Power => Self::Full,
        }
    }

    const fn statement(self) -> &'static str {
        match self {
            Self::Off => "PRAGMA synchronous = OFF",
            Self::Normal => "PRAGMA synchronous = NORMAL",
            Self::Full => "PRAGMA synchronous = FULL",
        }
    }
}

impl SqlStore {
    /// A store over the database that `url` names: `sqlite://…` or `postgres://…`. A file of
    /// `SQLite` is made if it is not there, with its directory. The schema is not looked at.
    /// Connections live in the runtime around the caller; other runtimes may use the store too.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when it cannot be reached.
    pub async fn connect(url: &str, options: Options) -> Result<Self, StoreError> {
        let database = Database::named(url)?;
        let (readers, writers, dialect) = match &database {
            Database::Sqlite { path } => {
                if let Some(directory) = path.parent() {
                    fs::create_dir_all(directory)
                        .map_err(|error| StoreError::Unavailable(error.into()))?;
                }
                let writers = sqlite_writer(url, options).await?;
                let flusher =
                    Flusher::of_log(path).map_err(|error| StoreError::Unavailable(error.into()))?;
                let turns = Arc::new(Mutex::new(Writer { synchronous: None, flusher }));
                (sqlite_readers(url, options).await?, writers, Dialect::Sqlite { turns })
            }
            Database::Postgres { .. } => {
                let writers = postgres_writers(url, options).await?;
                (postgres_readers(url, options).await?, writers, Dialect::Postgres)
            }
        };
        let pool = Pool::new(opening(url, &database)?, options.single(), options.patience);
        Ok(Self { readers, pool, writers, dialect, home: Home::here(), database, options })
    }

    /// Which database it is, for a banner.
    #[must_use]
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// Asks the database for an answer.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when there is none.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.home
            .open(self.readers.execute_unprepared("SELECT 1"))
            .await
            .map_err(error::on(CONNECTION))?;
        Ok(())
    }

    /// Waits for open work to end, and closes every connection. Nothing can be begun after it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when a connection cannot be closed.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.pool.close().await;
        self.readers.close_by_ref().await.map_err(error::on(CONNECTION))?;
        self.writers.close_by_ref().await.map_err(error::on(CONNECTION))
    }

    async fn begin_work(
        &self,
        scope: Scope,
        durability: Durability,
    ) -> Result<SqlWork, StoreError> {
        match &self.dialect {
            Dialect::Sqlite { turns } => {
                let turn = self.turn(turns, durability).await?;
                let immediate = TransactionOptions {
                    sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                    ..TransactionOptions::default()
                };
                let transaction = self.home.open(self.writers.begin_with_options(immediate)).await;
                let transaction = Transaction::One(transaction.map_err(error::on(TRANSACTION))?);
                Ok(SqlWork { transaction, scope, turn })
            }
            Dialect::Postgres => {
                let transaction = self.home.open(self.writers.begin()).await;
                let transaction = transaction.map_err(error::on(TRANSACTION))?;
                if self.options.flush && durability == Durability::Power {
                    transaction
                        .execute_unprepared("SET LOCAL synchronous_commit = on")
                        .await
                        .map_err(error::on(TRANSACTION))?;
                }
                let transaction = Transaction::One(transaction);
                Ok(SqlWork { transaction, scope, turn: None })
            }
        }
    }

    /// Waits for the turn, first come first served, and sets what its commit will wait for.
    async fn turn(
        &self,
        turns: &Arc<Mutex<Writer>>,
        durability: Durability,
    ) -> Result<Turn, StoreError> {
        let turn = timeout(self.options.patience, turns.clone().lock_owned()).await;
        let mut turn = turn.map_err(|elapsed| StoreError::Unavailable(elapsed.into()))?;
        let wanted = Synchronous::of(durability, self.options);
        if turn.synchronous != Some(wanted) {
            // Whoever stops waiting here leaves the setting uncertain.
            turn.synchronous = None;
            let statement = wanted.statement();
            let set = self.home.open(self.writers.execute_unprepared(statement)).await;
            set.map_err(error::on(TRANSACTION))?;
            turn.synchronous = Some(wanted);
        }
        Ok(Some(turn))
    }
}

fn quiet(url: &str, connections: u32, options: Options) -> ConnectOptions {
    let mut connect = ConnectOptions::new(url);
    connect
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .max_connections(connections)
        .acquire_timeout(options.patience);
    connect
}

async fn open(connect: ConnectOptions) -> Result<DatabaseConnection, StoreError> {
    sea_orm::Database::connect(connect).await.map_err(error::on(CONNECTION))
}

/// How many pages gather in the log before they are brought into the database: 16 MiB. Writers
/// change the same few pages again and again, and each is brought there once.
const CHECKPOINT_PAGES: &str = "4000";

/// The one connection that writes is never replaced for its age. If it has to be replaced after
/// an error, the new one begins with `synchronous = FULL`: taking it for less only costs time.
async fn sqlite_writer(url: &str, options: Options) -> Result<DatabaseConnection, StoreError> {
    let mut connect = quiet(url, 1, options);
    connect.test_before_acquire(false).idle_timeout(None).max_lifetime(None).map_sqlx_sqlite_opts(
        |sqlite| {
            sqlite
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .foreign_keys(true)
                .busy_timeout(Duration::from_secs(5))
                .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        },
    );
    open(connect).await
}

async fn sqlite_readers(url: &str, options: Options) -> Result<DatabaseConnection, StoreError> {
    let mut connect = quiet(url, options.readers, options);
    connect.test_before_acquire(false).map_sqlx_sqlite_opts(sqlite_reading);
    open(connect).await
}

fn sqlite_reading(sqlite: SqliteConnectOptions) -> SqliteConnectOptions {
    sqlite.foreign_keys(true).busy_timeout(Duration::from_secs(5)).pragma("query_only", "on")
}

/// How connections for reads of one statement are opened.
pub(crate) fn opening(url: &str, database: &Database) -> Result<Opening, StoreError> {
    let malformed = |error: sqlx::Error| StoreError::Unavailable(error.into());
    Ok(match database {
        Database::Sqlite { .. } => {
            let sqlite = SqliteConnectOptions::from_str(url).map_err(malformed)?;
            Opening::Sqlite(sqlite_reading(sqlite).disable_statement_logging())
        }
        Database::Postgres { .. } => {
            let postgres = PgConnectOptions::from_str(url).map_err(malformed)?;
            Opening::Postgres(postgres_reading(postgres).disable_statement_logging())
        }
    })
}

/// Commits do not wait for the disk unless theirs is told to: so it is what is done for every call
/// that needs no statement of its own.
async fn postgres_writers(url: &str, options: Options) -> Result<DatabaseConnection, StoreError> {
    let mut connect = quiet(url, options.writers, options);
    connect.test_before_acquire_if_idle_for(Duration::from_secs(30)).map_sqlx_postgres_opts(
        |postgres| {
            postgres.options(TIMEOUTS).options([
                ("default_transaction_isolation", "read committed"),
                ("synchronous_commit", "off"),
            ])
        },
    );
    open(connect).await
}

/// Every transaction sees one snapshot and changes nothing.
async fn postgres_readers(url: &str, options: Options) -> Result<DatabaseConnection, StoreError> {
    let mut connect = quiet(url, options.readers, options);
    connect
        .test_before_acquire_if_idle_for(Duration::from_secs(30))
        .map_sqlx_postgres_opts(postgres_reading);
    open(connect).await
}

fn postgres_reading(postgres: PgConnectOptions) -> PgConnectOptions {
    postgres.options(TIMEOUTS).options([
        ("default_transaction_isolation", "repeatable read"),
        ("default_transaction_read_only", "on"),
    ])
}

const TIMEOUTS: [(&str, &str); 2] =
    [("statement_timeout", "30s"), ("idle_in_transaction_session_timeout", "60s")];

#[async_trait]
impl Store for SqlStore {
    async fn read(&self, scope: Scope) -> Result<Box<dyn ReadWork>, StoreError> {
        let transaction = self.home.open(self.readers.begin()).await;
        let transaction = Transaction::One(transaction.map_err(error::on(TRANSACTION))?);
        Ok(Box::new(SqlWork { transaction, scope, turn: None }))
    }

    async fn look(&self, scope: Scope) -> Result<Box<dyn ReadWork>, StoreError> {
        let (pool, readers, home) = (self.pool.clone(), self.readers.clone(), self.home.clone());
        let transaction = Transaction::Each { pool, readers, home };
        Ok(Box::new(SqlWork { transaction, scope, turn: None }))
    }

    async fn begin(
        &self,
        scope: Scope,
        durability: Durability,
    ) -> Result<Box<dyn UnitOfWork>, StoreError> {
        Ok(Box::new(self.begin_work(scope, durability).await?))
    }
}

#[cfg(test)]
mod tests {
    use std::{env, process};

    use sea_orm::Statement;

    use super::*;

    async fn setting(work: &SqlWork, query: &str) -> String {
        let backend = work.transaction.get_database_backend();
        let statement = Statement::from_string(backend, query);
        let row = work.transaction.query_one_raw(statement).await.expect("a setting");
        let row = row.expect("a row");
        row.try_get_by::<i64, _>(0).map_or_else(
            |_| row.try_get_by::<String, _>(0).expect("a text"),
            |number| number.to_string(),
        )
    }

    async fn begin(store: &SqlStore, durability: Durability) -> SqlWork {
        store.begin_work(Scope::Platform, durability).await.expect("begin")
    }

    #[tokio::test]
    async fn the_writing_connection_is_set_anew_only_when_the_durability_changes() {
        let file = env::temp_dir().join(format!("cape-durability-{}.db", process::id()));
        let url = format!("sqlite://{}", file.display());
        let store = SqlStore::connect(&url, Options::default()).await.expect("a store");
        let Dialect::Sqlite { turns } = &store.dialect else { panic!("not a file") };
        assert_eq!(turns.lock().await.synchronous, None);
        for (durability, kept, read_back) in [
            (Durability::Process, Synchronous::Normal, "1"),
            (Durability::Process, Synchronous::Normal, "1"),
            (Durability::Power, Synchronous::Full, "2"),
            (Durability::Process, Synchronous::Normal, "1"),
        ] {
            let work = begin(&store, durability).await;
            assert_eq!(work.turn.as_ref().and_then(|turn| turn.synchronous), Some(kept));
            assert_eq!(setting(&work, "PRAGMA synchronous").await, read_back);
            assert_eq!(setting(&work, "PRAGMA foreign_keys").await, "1");
            assert_eq!(setting(&work, "PRAGMA journal_mode").await, "wal");
        }

        // What is believed to be set is not set again: this is how one sees that it was kept.
        turns.lock().await.synchronous = Some(Synchronous::Full);
        let work = begin(&store, Durability::Power).await;
        assert_eq!(setting(&work, "PRAGMA synchronous").await, "1");
        drop(work);
        turns.lock().await.synchronous = None;
        let work = begin(&store, Durability::Power).await;
        assert_eq!(setting(&work, "PRAGMA synchronous").await, "2");
        drop(work);

        store.close().await.expect("closed");
        fs::remove_file(file).expect("removed");
    }

    #[tokio::test]
    async fn a_commit_on_a_server_waits_for_the_disk_if_it_must() {
        #[expect(clippy::disallowed_methods, reason = "tests have no other configuration")]
        let Ok(url) = env::var("TEST_DATABASE_URL") else { return };
        let store = SqlStore::connect(&url, Options::default()).await.expect("a store");
        for (durability, expected) in [(Durability::Process, "off"), (Durability::Power, "on")] {
            let work = begin(&store, durability).await;
            assert_eq!(setting(&work, "SHOW synchronous_commit").await, expected);
            assert_eq!(setting(&work, "SHOW transaction_isolation").await, "read committed");
            assert_eq!(setting(&work, "SHOW statement_timeout").await, "30s");
            let idle = "SHOW idle_in_transaction_session_timeout";
            assert_eq!(setting(&work, idle).await, "1min");
        }
    }
}
