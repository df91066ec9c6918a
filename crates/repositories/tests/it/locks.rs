//! One process to a file, and what a store says of its database.
use cape_domain::store::StoreError;
use cape_repositories::{Database, LockError, Options, ProcessLock, SqlStore};

use crate::databases::{Directory, postgres, sqlite};

#[test]
fn a_file_has_one_process_until_that_ends() {
    let directory = Directory::create();
    let database = directory.file("not/yet/there.db");
    let lock = ProcessLock::acquire(&database).expect("the first one");
    let refused = ProcessLock::acquire(&database).expect_err("the second one");
    let LockError::Held { path } = &refused else { panic!("{refused}") };
    assert_eq!(*path, directory.file("not/yet/there.db.lock"));
    assert!(refused.to_string().contains("there.db.lock"));
    drop(lock);
    ProcessLock::acquire(&database).expect("the next one");
}

#[tokio::test]
async fn a_store_answers_until_it_is_closed() {
    for store in [sqlite().await, postgres().await].into_iter().flatten() {
        store.ping().await.expect("an answer");
        store.close().await.expect("closed");
        store.ping().await.expect_err("closed");
    }
}

#[tokio::test]
async fn a_store_makes_its_file_and_the_directory() {
    let directory = Directory::create();
    let file = directory.file("new/cape.db");
    let url = format!("sqlite://{}", file.display());
    let store = SqlStore::connect(&url, Options::default()).await.expect("a new file");
    assert_eq!(*store.database(), Database::Sqlite { path: file.clone() });
    assert!(file.exists());
    store.close().await.expect("closed");
}

#[tokio::test]
async fn a_database_is_shown_without_its_password() {
    let shown = Database::named("postgres://ada:secret@db.example.com:5433/cape").expect("known");
    assert_eq!(shown.to_string(), "PostgreSQL, cape on db.example.com:5433");
    let unknown = Database::named("mysql://ada:secret@localhost/cape").expect_err("unknown");
    let StoreError::Unavailable(cause) = unknown else { panic!("{unknown}") };
    assert!(cause.to_string().contains("mysql") && !cause.to_string().contains("secret"));
}
