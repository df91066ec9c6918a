//! A migrated, empty database for each test. Disks are not waited for.
use std::{
    any::Any,
    env, fs,
    io::{self, Write as _},
    ops::Deref,
    path::{Path, PathBuf},
    process,
    sync::{
        Once,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use cape_repositories::{Options, SqlStore};
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection};
use tokio::{runtime::Runtime, sync::OnceCell};

/// A store of one test. Its database goes with it.
pub(crate) struct TestStore {
    store: SqlStore,
    pub(crate) url: String,
    _place: Box<dyn Any>,
}

impl Deref for TestStore {
    type Target = SqlStore;

    fn deref(&self) -> &SqlStore {
        &self.store
    }
}

const OPTIONS: Options =
    Options { readers: 4, writers: 8, patience: Duration::from_mins(1), flush: false };

static MADE: AtomicU32 = AtomicU32::new(0);

fn name() -> String {
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    format!("cape_repositories_{}_{number}", process::id())
}

/// A directory below the one that cargo keeps for tests.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn create() -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name());
        fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What cannot be removed is left to `cargo clean`.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// The store of a file of its own: a copy of one that was migrated once.
pub(crate) async fn sqlite() -> Option<TestStore> {
    static TEMPLATE: OnceCell<Vec<u8>> = OnceCell::const_new();
    let template = TEMPLATE.get_or_init(async || {
        let directory = Directory::create();
        let file = directory.file("template.db");
        let url = format!("sqlite://{}", file.display());
        cape_migration::up(&url).await.expect("a migrated file");
        fs::read(file).expect("the migrated file")
    });
    let directory = Directory::create();
    let file = directory.file("cape.db");
    fs::write(&file, template.await).expect("a copy");
    let url = format!("sqlite://{}", file.display());
    let store = SqlStore::connect(&url, OPTIONS).await.expect("a store");
    Some(TestStore { store, url, _place: Box::new(directory) })
}

/// The store of a database of its own, on the server that `TEST_DATABASE_URL` names: a copy of
/// one that was migrated once. Nothing without a server, which under CI is an error.
pub(crate) async fn postgres() -> Option<TestStore> {
    static TEMPLATE: OnceCell<()> = OnceCell::const_new();
    let server_url = server_url()?;
    TEMPLATE.get_or_init(|| make_template(&server_url)).await;
    let database = ServerDatabase { server_url, name: name() };
    let server = server(&database.server_url).await;
    for statement in [
        // Another run of the tests may be making the template anew at this moment.
        format!("SELECT pg_advisory_lock_shared({LOCK})"),
        format!("DROP DATABASE IF EXISTS {}", database.name),
        format!("CREATE DATABASE {} TEMPLATE {TEMPLATE_NAME}", database.name),
    ] {
        server.execute_unprepared(&statement).await.expect("a copy");
    }
    server.close().await.expect("closed");
    let url = on_server(&database.server_url, &database.name);
    let store = SqlStore::connect(&url, OPTIONS).await.expect("a store");
    Some(TestStore { store, url, _place: Box::new(database) })
}

const TEMPLATE_NAME: &str = "cape_repositories_template";
const LOCK: i64 = 0x0074_6573_7473;

async fn make_template(server_url: &str) {
    let server = server(server_url).await;
    for statement in [
        format!("SELECT pg_advisory_lock({LOCK})"),
        format!("DROP DATABASE IF EXISTS {TEMPLATE_NAME} WITH (FORCE)"),
        format!("CREATE DATABASE {TEMPLATE_NAME}"),
    ] {
        server.execute_unprepared(&statement).await.expect("an empty template");
    }
    cape_migration::up(&on_server(server_url, TEMPLATE_NAME)).await.expect("a migrated template");
    server.close().await.expect("closed");
}

struct ServerDatabase {
    server_url: String,
    name: String,
}

impl Drop for ServerDatabase {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let server_url = self.server_url.clone();
        // The runtime of the test may be ending: it cannot be waited on here.
        let dropping = thread::spawn(move || {
            Runtime::new().expect("a runtime").block_on(async {
                let server = server(&server_url).await;
                drop(server.execute_unprepared(&statement).await);
            });
        });
        drop(dropping.join());
    }
}

async fn server(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.sqlx_logging(false).max_connections(1);
    Database::connect(options).await.expect("TEST_DATABASE_URL is reachable")
}

fn on_server(server_url: &str, name: &str) -> String {
    let (place, query) = server_url.split_once('?').unwrap_or((server_url, ""));
    let (server, _) = place.rsplit_once('/').expect("TEST_DATABASE_URL has a path");
    format!("{server}/{name}?{query}")
}

#[expect(clippy::disallowed_methods, reason = "tests have no configuration but the environment")]
fn server_url() -> Option<String> {
    static SAID: Once = Once::new();
    let url = env::var("TEST_DATABASE_URL").ok();
    assert!(url.is_some() || env::var("CI").is_err(), "TEST_DATABASE_URL is not set");
    if url.is_none() {
        // Not printed: the test harness would keep that to itself.
        SAID.call_once(|| drop(writeln!(io::stderr(), "TEST_DATABASE_URL: unset, SQLite only")));
    }
    url
}
