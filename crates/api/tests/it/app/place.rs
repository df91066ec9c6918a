//! A migrated, empty database for each test, and a directory beside it. They go with the test.
use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process,
    sync::{
        Arc, Once,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tokio::{
    runtime::Runtime,
    sync::{OnceCell, Semaphore, SemaphorePermit},
};

/// Where one test keeps everything.
pub(crate) struct Place {
    directory: Directory,
    server: Option<ServerDatabase>,
}

impl Place {
    /// A file: a copy of one that was migrated once.
    pub(crate) async fn sqlite() -> Arc<Self> {
        static TEMPLATE: OnceCell<Vec<u8>> = OnceCell::const_new();
        let template = TEMPLATE.get_or_init(async || {
            let directory = Directory::create();
            let place = Self { directory, server: None };
            cape_migration::up(&place.url()).await.expect("a migrated file");
            fs::read(place.file(FILE)).expect("the migrated file")
        });
        let place = Self { directory: Directory::create(), server: None };
        fs::write(place.file(FILE), template.await).expect("a copy");
        Arc::new(place)
    }

    /// A database on the server that `TEST_DATABASE_URL` names: a copy of one that was migrated
    /// once. Nothing without a server, which under CI is an error.
    pub(crate) async fn postgres() -> Option<Arc<Self>> {
        static TEMPLATE: OnceCell<()> = OnceCell::const_new();
        let server_url = server_url()?;
        TEMPLATE.get_or_init(|| make_template(&server_url)).await;
        let seat = SEATS.acquire().await.expect("it is never closed");
        let database = ServerDatabase { server_url, name: name(), _seat: seat };
        let mut server = connect(&database.server_url).await;
        for statement in [
            // Another run of the tests may be making the template anew at this moment.
            format!("SELECT pg_advisory_lock_shared({LOCK})"),
            format!("DROP DATABASE IF EXISTS {}", database.name),
            format!("CREATE DATABASE {} TEMPLATE {TEMPLATE_NAME}", database.name),
        ] {
            execute(&mut server, statement).await.expect("a copy");
        }
        server.close().await.expect("closed");
        Some(Arc::new(Self { directory: Directory::create(), server: Some(database) }))
    }

    /// How the database is reached.
    pub(crate) fn url(&self) -> String {
        match &self.server {
            None => format!("sqlite://{}", self.file(FILE).display()),
            Some(database) => on_server(&database.server_url, &database.name),
        }
    }

    /// A file of this name beside the database.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.0.join(name)
    }

    /// How many rows each table has.
    pub(crate) async fn rows(&self) -> BTreeMap<String, i64> {
        let mut database = self.open().await;
        let mut rows = BTreeMap::new();
        for table in database.tables().await {
            let counted = database.number(format!("SELECT count(*) FROM \"{table}\"")).await;
            rows.insert(table, counted);
        }
        rows
    }

    /// The number that a query finds.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        self.open().await.number(sql.to_owned()).await
    }

    async fn open(&self) -> Database {
        let url = self.url();
        match &self.server {
            None => Database::File(SqliteConnection::connect(&url).await.expect("the file")),
            Some(_) => Database::Server(connect(&url).await),
        }
    }
}

/// A connection beside those of the platform.
enum Database {
    File(SqliteConnection),
    Server(PgConnection),
}

impl Database {
    async fn tables(&mut self) -> Vec<String> {
        let names = match self {
            Self::File(file) => {
                let sql = "SELECT name FROM sqlite_master WHERE type = 'table'";
                sqlx::query_scalar(sql).fetch_all(file).await
            }
            Self::Server(server) => {
                let sql = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'";
                sqlx::query_scalar(sql).fetch_all(server).await
            }
        };
        names.expect("names")
    }

    async fn number(&mut self, sql: String) -> i64 {
        let sql = AssertSqlSafe(sql);
        let number = match self {
            Self::File(file) => sqlx::query_scalar(sql).fetch_one(file).await,
            Self::Server(server) => sqlx::query_scalar(sql).fetch_one(server).await,
        };
        number.expect("a number")
    }
}

const FILE: &str = "cape.db";
const TEMPLATE_NAME: &str = "cape_api_template";
const LOCK: i64 = 0x6361_7065_0061_7069;

/// How many tests work on the server at the same time: it does not have connections for all.
static SEATS: Semaphore = Semaphore::const_new(4);

fn name() -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    format!("cape_api_{}_{number}", process::id())
}

/// A directory below the one that cargo keeps for tests.
struct Directory(PathBuf);

impl Directory {
    fn create() -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name());
        fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What cannot be removed is left to `cargo clean`.
        drop(fs::remove_dir_all(&self.0));
    }
}

struct ServerDatabase {
    server_url: String,
    name: String,
    _seat: SemaphorePermit<'static>,
}

impl Drop for ServerDatabase {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let server_url = self.server_url.clone();
        // The runtime of the test may be ending: it cannot be waited on here.
        let dropping = thread::spawn(move || {
            Runtime::new().expect("a runtime").block_on(async {
                let mut server = connect(&server_url).await;
                drop(execute(&mut server, statement).await);
            });
        });
        drop(dropping.join());
    }
}

async fn make_template(server_url: &str) {
    let mut server = connect(server_url).await;
    for statement in [
        format!("SELECT pg_advisory_lock({LOCK})"),
        format!("DROP DATABASE IF EXISTS {TEMPLATE_NAME} WITH (FORCE)"),
        format!("CREATE DATABASE {TEMPLATE_NAME}"),
    ] {
        execute(&mut server, statement).await.expect("an empty template");
    }
    let url = on_server(server_url, TEMPLATE_NAME);
    cape_migration::up(&url).await.expect("a migrated template");
    server.close().await.expect("closed");
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.expect("the server is reachable")
}

async fn execute(server: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(server).await.map(drop)
}

fn on_server(server_url: &str, name: &str) -> String {
    let (place, query) = server_url.split_once('?').unwrap_or((server_url, ""));
    let (server, _) = place.rsplit_once('/').expect("TEST_DATABASE_URL has a path");
    format!("{server}/{name}?{query}")
}

fn server_url() -> Option<String> {
    static SAID: Once = Once::new();
    set("TEST_DATABASE_URL", &SAID)
}

/// A Redis that tests may use.
pub(crate) fn redis_url() -> Option<String> {
    static SAID: Once = Once::new();
    set("TEST_REDIS_URL", &SAID)
}

/// A variable of the environment. Under CI it has to be set; elsewhere one line says that it is not.
#[expect(clippy::disallowed_methods, reason = "tests have no configuration but the environment")]
fn set(name: &str, said: &Once) -> Option<String> {
    let value = env::var(name).ok();
    assert!(value.is_some() || env::var("CI").is_err(), "{name} is not set");
    if value.is_none() {
        // Not printed: the test harness would keep that to itself.
        said.call_once(|| {
            drop(writeln!(io::stderr(), "{name}: unset, nothing was run that needs it"));
        });
    }
    value
}
