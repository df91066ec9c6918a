//! Up, down and up again, and what is there then.
use std::{env, fmt::Write as _, fs, path::Path};

use cape_migration::{MigrationError, StepState, check, down, fresh, status, up};
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, Statement};

use crate::databases::{PostgresDatabase, SqliteFile};

#[tokio::test]
async fn up_down_and_up_lead_to_the_committed_schema_on_sqlite() {
    let file = SqliteFile::new();
    there_and_back(&file.url(), SQLITE, "sqlite.txt").await;
}

#[tokio::test]
async fn up_down_and_up_lead_to_the_committed_schema_on_postgres() {
    let Some(database) = PostgresDatabase::create().await else { return };
    there_and_back(&database.url, POSTGRES, "postgres.txt").await;
    database.remove().await;
}

#[tokio::test]
async fn fresh_drops_what_is_there_and_begins_anew() {
    let file = SqliteFile::new();
    begin_anew(&file.url()).await;
    let Some(database) = PostgresDatabase::create().await else { return };
    begin_anew(&database.url).await;
    database.remove().await;
}

#[tokio::test]
async fn a_schema_that_is_too_old_or_too_new_is_refused_and_left_alone() {
    let file = SqliteFile::new();
    refuse(&file.url()).await;
    let Some(database) = PostgresDatabase::create().await else { return };
    refuse(&database.url).await;
    database.remove().await;
}

#[tokio::test]
async fn an_address_of_another_database_is_refused_without_its_password() {
    let error = up("mysql://ada:secret@localhost/cape").await.expect_err("not supported");
    assert!(matches!(&error, MigrationError::UnknownDatabase { scheme } if scheme == "mysql"));
    assert!(!error.to_string().contains("secret"));
}

/// What describes everything in a database, as rows of one column.
const SQLITE: &str = "SELECT CASE type WHEN 'table' THEN
        replace(replace(replace(sql, ', \"', ',\n  \"'),
            ', CONSTRAINT', ',\n  CONSTRAINT'), ', FOREIGN KEY', ',\n  FOREIGN KEY')
        ELSE sql END AS line
    FROM sqlite_master WHERE sql IS NOT NULL ORDER BY tbl_name, type DESC, name";

const POSTGRES: &str = "SELECT line FROM (
    SELECT table_name::text AS place, 1 AS part, lpad(ordinal_position::text, 3, '0') AS name,
        table_name || '.' || column_name || ' ' || data_type
        || CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END
        || coalesce(' DEFAULT ' || column_default, '') AS line
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT conrelid::regclass::text, 2, conname::text,
        conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
    UNION ALL SELECT tablename::text, 3, indexname::text, indexdef
    FROM pg_indexes WHERE schemaname = 'public'
    ) AS lines ORDER BY place, part, name";

async fn there_and_back(url: &str, description: &str, snapshot: &str) {
    up(url).await.expect("up");
    check(url).await.expect("nothing is pending");
    let first = describe(url, description).await;

    down(url, None).await.expect("down");
    let rest = describe(url, description).await;
    assert!(!rest.contains("users") && rest.contains("seaql_migrations"), "{rest}");

    up(url).await.expect("up again");
    assert_eq!(describe(url, description).await, first);
    compare(&first, snapshot);
}

async fn describe(url: &str, description: &str) -> String {
    let database = Database::connect(url).await.expect("a database");
    let statement = Statement::from_string(database.get_database_backend(), description);
    let rows = database.query_all_raw(statement).await.expect("a description");
    let mut text = String::new();
    for row in rows {
        let line: String = row.try_get("", "line").expect("a line");
        writeln!(text, "{line}").expect("a string takes everything");
    }
    database.close().await.expect("closed");
    text
}

#[expect(clippy::disallowed_methods, reason = "tests have no configuration but the environment")]
fn compare(actual: &str, snapshot: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/snapshots").join(snapshot);
    if env::var("UPDATE_SNAPSHOTS").is_ok() {
        fs::write(&path, actual).expect("the snapshot is written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        actual == expected,
        "the schema is not the one in {}; if it should change, run the tests with \
         UPDATE_SNAPSHOTS=1 and look at the difference. It is now:\n{actual}",
        path.display()
    );
}

async fn begin_anew(url: &str) {
    up(url).await.expect("up");
    let database = Database::connect(url).await.expect("a database");
    database.execute_unprepared("CREATE TABLE leftover (id bigint)").await.expect("a table");
    database.close().await.expect("closed");

    fresh(url).await.expect("fresh");
    check(url).await.expect("nothing is pending");
    let database = Database::connect(url).await.expect("a database");
    database.execute_unprepared("SELECT id FROM leftover").await.expect_err("the table is gone");
    database.close().await.expect("closed");
}

async fn refuse(url: &str) {
    let steps = status(url).await.expect("a status of nothing");
    assert!(steps.iter().all(|step| step.state == StepState::Pending));
    let error = check(url).await.expect_err("everything is pending");
    let MigrationError::Pending { names } = error else { panic!("{error}") };
    assert_eq!(names.len(), steps.len());

    up(url).await.expect("up");
    down(url, Some(1)).await.expect("one step back");
    let error = check(url).await.expect_err("one is pending");
    let MigrationError::Pending { names } = error else { panic!("{error}") };
    assert_eq!(names, [steps.last().expect("a step").name.as_str()]);

    let database = Database::connect(url).await.expect("a database");
    later_version(&database).await;
    for refused in [check(url).await, up(url).await, down(url, None).await] {
        let error = refused.expect_err("newer");
        let MigrationError::Unknown { names } = error else { panic!("{error}") };
        assert_eq!(names, ["m9999_later"]);
    }
    let steps = status(url).await.expect("a status");
    assert_eq!(steps.last().map(|step| step.state), Some(StepState::Unknown));
    database.close().await.expect("closed");
}

async fn later_version(database: &DatabaseConnection) {
    let later = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_later', 0)";
    database.execute_unprepared(later).await.expect("a step of a later version");
}
