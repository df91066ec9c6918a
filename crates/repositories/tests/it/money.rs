//! What is true of the rows of money and usage themselves, whatever a repository says of them.
use cape_domain::{
    billing::{Credits, Posted, purchase},
    page::PageRequest,
    store::{Durability, Scope, Store as _, StoreError},
    usage::{CallFilter, GroupBy, QuotaPeriod},
};
use cape_testkit::fixtures::{
    ACME, at, call, credits, fund, head, metered, order, subscription, timing, tokens, webhook,
};
use sea_orm::{ConnectionTrait as _, Database, Statement};

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
async fn an_amount_that_does_not_fit_is_not_stored_as_one_that_is_nearly_right() {
    let store = sqlite().await.expect("a file");
    fund(&*store, ACME, 10, credits(1)).await.expect("fund");
    for amount in [i64::MAX, i64::MAX - credits(1).micros() + 1] {
        let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
        let beyond = purchase(head(11), order(11).id, Credits::from_micros(amount));
        let refused = work.ledger().post(&[beyond.expect("sound")]).await;
        assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
        work.commit().await.expect("commit");
    }
    let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
    let rest = Credits::from_micros(i64::MAX - credits(1).micros());
    let fits = purchase(head(12), order(12).id, rest).expect("sound");
    assert_eq!(work.ledger().post(&[fits]).await.expect("post"), Posted::Done);
    work.commit().await.expect("commit");

    let database = Database::connect(&store.url).await.expect("a connection");
    let query = "SELECT typeof(available) AS kind, available FROM balances";
    let statement = Statement::from_string(database.get_database_backend(), query);
    let row = database.query_one_raw(statement).await.expect("a query").expect("a row");
    assert_eq!(row.try_get::<String>("", "kind").expect("text"), "integer");
    assert_eq!(row.try_get::<i64>("", "available").expect("a number"), i64::MAX);
}

#[tokio::test]
async fn a_row_of_money_that_makes_no_sense_is_corrupt_and_not_guessed_at() {
    for store in stores().await {
        fund(&*store, ACME, 10, credits(1)).await.expect("fund");
        let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
        work.orders().insert(&order(11)).await.expect("insert");
        work.subscriptions().insert(&subscription(12)).await.expect("insert");
        assert!(work.webhooks().receive(&webhook(13)).await.expect("receive"));
        work.calls().insert(&call(14)).await.expect("insert");
        work.commit().await.expect("commit");
        for change in [
            "UPDATE ledger_transfers SET to_account = 'elsewhere'",
            "UPDATE credit_grants SET remaining = 1",
            "UPDATE orders SET currency = 'XXY'",
            "UPDATE subscriptions SET period_end = NULL",
            "UPDATE webhooks SET provider = 'unheard of'",
            "UPDATE calls SET input = -1",
            "UPDATE plans SET models = 'small,huge'",
        ] {
            tamper(&store, change).await;
        }
        let mut read = store.read(Scope::Platform).await.expect("read");
        let ledger = read.ledger();
        assert_corrupt(ledger.transactions(ACME, PageRequest::first()).await);
        assert_eq!(ledger.grants(ACME).await.expect("a sound lot").len(), 1);
        assert_corrupt(read.orders().find(order(11).id).await);
        assert_corrupt(read.subscriptions().current(ACME).await);
        assert_corrupt(read.webhooks().find(webhook(13).id).await);
        assert_corrupt(read.calls().find(call(14).id).await);
        assert_corrupt(read.catalogue().plans().await);
    }
}

#[tokio::test]
async fn a_sum_that_does_not_fit_is_an_error_and_not_less() {
    for store in stores().await {
        let mut work = store.begin(Scope::Platform, Durability::Process).await.expect("begin");
        for number in [10, 11] {
            let half = metered(tokens(0, 0), i64::MAX / 2 + 1, 1);
            let settled = call(number).settle(half, None, timing(), at(60)).expect("running");
            work.calls().insert(&settled).await.expect("insert");
        }
        work.commit().await.expect("commit");
        let mut read = store.read(Scope::Platform).await.expect("read");
        let period = QuotaPeriod { start: at(0), end: at(100) };
        let filter = CallFilter::default().over(period);
        let summed = read.reports().totals(ACME, &filter, GroupBy::Model, 10).await;
        assert!(summed.is_err(), "{summed:?}");
        drop(read);
        let mut read = store.read(Scope::Platform).await.expect("read");
        let period = QuotaPeriod { start: at(0), end: at(11) };
        let filter = CallFilter::default().over(period);
        let summed = read.reports().totals(ACME, &filter, GroupBy::Model, 10).await;
        let summed = summed.expect("one of them fits");
        assert_eq!(summed[0].usage.cost.pico(), i64::MAX / 2 + 1);
    }
}

fn assert_corrupt<T: std::fmt::Debug>(outcome: Result<T, StoreError>) {
    assert!(matches!(outcome, Err(StoreError::Corrupt { .. })), "{outcome:?}");
}
