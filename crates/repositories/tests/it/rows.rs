//! Rows that no repository would have written.
use cape_domain::{
    access::KeyScope,
    accounts::Purpose,
    page::PageRequest,
    store::{Durability, Scope, Store as _, StoreError},
};
use cape_testkit::{
    fixtures::{
        ACME, ADA, api_key, at, audit_entry, email_change, idempotency_entry, invitation, job,
        mail, membership, one_time, session,
    },
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
        let due = at(1_000_000);
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

#[tokio::test]
async fn a_row_of_accounts_that_makes_no_sense_is_corrupt_and_not_guessed_at() {
    for store in stores().await {
        inhabit(&*store).await.expect("inhabited");
        let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
        work.sessions().insert(&session(1)).await.expect("insert");
        work.one_time().put(&one_time(2, Purpose::SignIn)).await.expect("put");
        work.mails().insert(&mail(3)).await.expect("insert");
        work.invitations().put(&invitation(4)).await.expect("put");
        work.email_changes().put(&email_change(ADA)).await.expect("put");
        work.commit().await.expect("commit");
        for change in [
            "UPDATE sessions SET address = 'elsewhere'",
            "UPDATE one_time_tokens SET purpose = 'later_added'",
            "UPDATE mails SET kind = 'later_added'",
            "UPDATE invitations SET salt = ''",
            "UPDATE email_changes SET new_email = 'nobody'",
        ] {
            tamper(&store, change).await;
        }
        let mut read = store.read(Scope::Platform).await.expect("read");
        assert_corrupt(read.sessions().live(ADA, at(0)).await);
        assert_corrupt(read.one_time().find(one_time(2, Purpose::SignIn).id).await);
        assert_corrupt(read.mails().find(mail(3).id).await);
        assert_corrupt(read.invitations().list(ACME, PageRequest::first()).await);
        assert_corrupt(read.email_changes().find(ADA).await);
    }
}

#[tokio::test]
async fn a_request_that_is_neither_reserved_nor_answered_is_corrupt_and_not_carried_out_again() {
    for store in stores().await {
        inhabit(&*store).await.expect("inhabited");
        let entry = idempotency_entry(1);
        let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
        assert!(work.idempotency().reserve(&entry).await.expect("reserve"));
        work.commit().await.expect("commit");
        for change in [
            "leased_until = NULL",
            "sealed_for = workspace_id",
            "sealed_for = workspace_id, sealed = fingerprint, leased_until = expires_at",
            "sealed_for = NULL, leased_until = expires_at, sealed = NULL, attempt = 5000000000",
        ] {
            tamper(&store, &format!("UPDATE idempotency_entries SET {change}")).await;
            let mut read = store.read(Scope::Platform).await.expect("read");
            assert_corrupt(read.idempotency().find(&entry.requester, entry.key).await);
        }
    }
}

#[tokio::test]
async fn a_rule_of_a_key_that_nobody_knows_does_not_widen_it() {
    for store in stores().await {
        inhabit(&*store).await.expect("inhabited");
        let mut key = api_key(1);
        key.rules.scopes = [KeyScope::Models].into();
        key.rules.models = ["a, b".parse().expect("a name"), "c".parse().expect("a name")].into();
        key.rules.networks = vec!["10.0.0.0/8".parse().expect("a network")];
        let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
        work.api_keys().insert(&key).await.expect("insert");
        assert_eq!(work.api_keys().find(key.id).await.expect("find"), Some(key.clone()));
        work.commit().await.expect("commit");
        for (column, value) in [
            ("networks", "10.0.0.0/33"),
            ("networks", "10.0.0.0/8,elsewhere"),
            ("scopes", "models,everything"),
        ] {
            tamper(&store, &format!("UPDATE api_keys SET {column} = '{value}'")).await;
            let mut read = store.read(Scope::Platform).await.expect("read");
            assert_corrupt(read.api_keys().find(key.id).await);
            drop(read);
            tamper(&store, &format!("UPDATE api_keys SET {column} = ''")).await;
        }
        let mut read = store.read(Scope::Platform).await.expect("read");
        let found = read.api_keys().find(key.id).await.expect("find").expect("the key");
        assert!(found.rules.scopes.is_empty(), "none is none, and not all");
        assert_eq!(found.rules.models, key.rules.models);
    }
}

fn assert_corrupt<T: std::fmt::Debug>(outcome: Result<T, StoreError>) {
    assert!(matches!(outcome, Err(StoreError::Corrupt { .. })), "{outcome:?}");
}
