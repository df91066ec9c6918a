//! Empty databases, one for each test.
use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process,
    sync::{
        Once,
        atomic::{AtomicU32, Ordering},
    },
};

use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection};

static MADE: AtomicU32 = AtomicU32::new(0);
static SAID: Once = Once::new();

fn name() -> String {
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    format!("cape_migration_{}_{number}", process::id())
}

/// A file that is not there yet. It goes with its directory when this is dropped.
pub(crate) struct SqliteFile {
    directory: PathBuf,
}

impl SqliteFile {
    pub(crate) fn new() -> Self {
        Self { directory: Path::new(env!("CARGO_TARGET_TMPDIR")).join(name()) }
    }

    pub(crate) fn url(&self) -> String {
        format!("sqlite://{}", self.directory.join("new").join("cape.db").display())
    }
}

impl Drop for SqliteFile {
    fn drop(&mut self) {
        // What cannot be removed is left to `cargo clean`.
        drop(fs::remove_dir_all(&self.directory));
    }
}

/// A database on the server that `TEST_DATABASE_URL` names.
pub(crate) struct PostgresDatabase {
    server: DatabaseConnection,
    name: String,
    pub(crate) url: String,
}

impl PostgresDatabase {
    /// Nothing without a server, which under CI is an error.
    pub(crate) async fn create() -> Option<Self> {
        let server_url = server_url()?;
        let server = Database::connect(&server_url).await.expect("TEST_DATABASE_URL is reachable");
        let name = name();
        for statement in ["DROP DATABASE IF EXISTS", "CREATE DATABASE"] {
            let statement = format!("{statement} {name}");
            server.execute_unprepared(&statement).await.expect("an empty database");
        }
        let (place, query) = match server_url.split_once('?') {
            Some((place, query)) => (place, format!("?{query}")),
            None => (server_url.as_str(), String::new()),
        };
        let (server_of, _) = place.rsplit_once('/').expect("TEST_DATABASE_URL has a path");
        let url = format!("{server_of}/{name}{query}");
        Some(Self { server, name, url })
    }

    pub(crate) async fn remove(self) {
        let statement = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        self.server.execute_unprepared(&statement).await.expect("the database goes");
    }
}

#[expect(clippy::disallowed_methods, reason = "tests have no configuration but the environment")]
fn server_url() -> Option<String> {
    let url = env::var("TEST_DATABASE_URL").ok();
    assert!(url.is_some() || env::var("CI").is_err(), "TEST_DATABASE_URL is not set");
    if url.is_none() {
        // Not printed: the test harness would keep that to itself.
        SAID.call_once(|| drop(writeln!(io::stderr(), "TEST_DATABASE_URL: unset, SQLite only")));
    }
    url
}
