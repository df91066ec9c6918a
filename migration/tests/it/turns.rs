//! Several processes that migrate at once.
use cape_migration::{check, status, up};
use futures_util::future::join_all;
use sea_orm::{ConnectionTrait as _, Database, Statement};

use crate::databases::{PostgresDatabase, SqliteFile};

#[tokio::test]
async fn eight_that_migrate_one_file_migrate_it_once() {
    let file = SqliteFile::new();
    eight_at_once(&file.url()).await;
}

#[tokio::test]
async fn eight_that_migrate_one_server_migrate_it_once() {
    let Some(database) = PostgresDatabase::create().await else { return };
    eight_at_once(&database.url).await;
    database.remove().await;
}

async fn eight_at_once(url: &str) {
    for outcome in join_all((0..8).map(|_| up(url))).await {
        outcome.expect("whoever comes late finds everything done");
    }
    check(url).await.expect("nothing is pending");
    let database = Database::connect(url).await.expect("a database");
    let count = "SELECT count(*) AS number FROM seaql_migrations";
    let count = Statement::from_string(database.get_database_backend(), count);
    let row = database.query_one_raw(count).await.expect("a count").expect("a row");
    let number: i64 = row.try_get("", "number").expect("a number");
    let steps = status(url).await.expect("a status");
    assert_eq!(usize::try_from(number), Ok(steps.len()));
    database.close().await.expect("closed");
}
