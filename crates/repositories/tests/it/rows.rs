//! Rows that no repository would have written.
use cape_domain::{
    page::PageRequest,
    store::{Durability, Scope, Store as _, StoreError},
};
use cape_testkit::{
    fixtures::{ACME, ADA, audit_entry, job, membership},
    promises::inhabit,
};
use sea_orm::{ConnectionTrait as _, Database};

use crate::databases::{TestStore, postgres, sqlite};

async fn stores() -> impl Iterator<Item = TestStore> {
    [sqlite().await, postgres().await].into_iter().flatten()
}

async fn tamper(store: &TestStore, statement: &str) {
    let database = Database::connect(&store.url).await.expect("a connection");
    database.execute_unprepared(statement).await.expect("a change behind the store's back");
    database.close().await.expect("closed");
}

#[tokio::test]
async fn a_value_that_nobody_knows_is_corrupt_and_not_guessed_at() {
    for store in stores().await {
        inhabit(&*store).await.expect("inhabited");
        let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
        work.trail().append(&audit_entry(1)).await.expect("append");
        work.jobs().enqueue(&job(1)).await.expect("enqueue");
        work.commit().await.expect("commit");
        tamper(&store, "UPDATE audit_entries SET action = 'later.added'").await;
        tamper(&store, "UPDATE jobs SET kind = 'later.added'").await;

        let mut read = store.read(Scope::Platform).await.expect("read");
        let trail = read.trail().list(PageRequest::first()).await;
        assert!(matches!(trail, Err(StoreError::Corrupt { .. })), "{trail:?}");
        drop(read);
        let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
        let due = cape_testkit::fixtures::at(1_000_000);
        let claimed = work.jobs().claim(due, due, 10).await;
        assert!(matches!(claimed, Err(StoreError::Corrupt { .. })), "{claimed:?}");
    }
}

#[tokio::test]
async fn a_row_that_refers_to_nothing_is_corrupt_and_not_tried_again() {
    for store in stores().await {
        let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
        let refused = work.workspaces().add(&membership(ACME, ADA)).await;
        assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    }
}
