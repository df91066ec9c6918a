//! What a workspace has is nobody else's.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    billing::{Allocation, Balance, GrantMove, GrantSource, HoldState, ProviderName, purchase},
    store::{Durability, Scope, Store, StoreError, UnitOfWork},
};

use super::{
    super::{FOREIGN, OWN, everything},
    steps::{balance, find_hold, grants, place, whole},
};
use crate::fixtures::{
    ACME, PROCESS, at, credits, fund, grant, head, hold, order, payment, subscription,
};

/// Asked for by name, by process, by time, or as a list.
pub async fn another_workspace_sees_no_credit_and_no_hold(store: &dyn Store) {
    let lot = fund(store, ACME, 10, credits(10)).await.expect("fund");
    let placed = place(store, 20, credits(4)).await.expect("place").expect("admitted");
    let mut work = store.read(FOREIGN).await.expect("read");
    let ledger = work.ledger();
    assert_eq!(ledger.balance(ACME).await.expect("balance"), Balance::default());
    assert_eq!(ledger.grants(ACME).await.expect("grants"), []);
    assert_eq!(ledger.hold(placed.id).await.expect("hold"), None);
    assert_eq!(ledger.holds_of(PROCESS, 10).await.expect("holds"), []);
    assert_eq!(ledger.overdue_holds(at(99_999), 10).await.expect("holds"), []);
    assert_eq!(ledger.expired_grants(at(99_999), 10).await.expect("grants"), []);
    assert_eq!(ledger.transactions(ACME, everything()).await.expect("list").rows, []);
    let mut work = store.read(Scope::Platform).await.expect("read");
    let ledger = work.ledger();
    assert_eq!(ledger.balance(ACME).await.expect("balance"), whole(6, 4, 0));
    assert_eq!(ledger.grants(ACME).await.expect("grants")[0].id, lot.id);
    assert_eq!(ledger.hold(placed.id).await.expect("hold"), Some(placed));
    assert_eq!(ledger.transactions(ACME, everything()).await.expect("list").rows.len(), 2);
}

/// Neither what was ordered nor what was paid.
pub async fn another_workspace_sees_no_order_and_no_subscription(store: &dyn Store) {
    let mut work = store.begin(OWN, Durability::Power).await.expect("begin");
    work.orders().insert(&order(10)).await.expect("insert");
    work.orders().pay(&payment(&order(10), "pi_1")).await.expect("pay");
    work.subscriptions().insert(&subscription(10)).await.expect("insert");
    work.commit().await.expect("commit");
    for (scope, seen) in [(FOREIGN, false), (OWN, true), (Scope::Platform, true)] {
        let mut work = store.read(scope).await.expect("read");
        let found = work.orders().find(order(10).id).await.expect("find");
        let paid = work.orders().payment(order(10).id).await.expect("payment");
        let current = work.subscriptions().current(ACME).await.expect("current");
        let all = [found.is_some(), paid.is_some(), current.is_some()];
        assert_eq!(all, [seen; 3], "{scope:?}");
    }
}

/// Nobody writes into a workspace that is not theirs, and what they tried leaves no trace.
pub async fn a_write_of_billing_out_of_scope_is_refused(store: &dyn Store) {
    let lot = fund(store, ACME, 10, credits(10)).await.expect("fund");
    let placed = place(store, 20, credits(4)).await.expect("place").expect("admitted");
    let before = grants(store).await;
    let posting = purchase(head(30), order(30).id, credits(1)).expect("sound");
    let ended = placed.clone().release(at(40)).expect("in range").expect("open").hold;
    let other = hold(31, vec![Allocation { grant: lot.id, amount: credits(1) }]);
    refused(store, async |work| work.ledger().post(&[posting]).await.map(drop)).await;
    let gift = grant(30, GrantSource::Promotion, credits(1));
    refused(store, async |work| work.ledger().insert_grant(&gift).await).await;
    refused(store, async |work| work.ledger().insert_hold(&other).await).await;
    refused(store, async |work| work.ledger().end_hold(&ended).await).await;
    refused(store, async |work| work.orders().insert(&order(30)).await).await;
    refused(store, async |work| work.orders().update(&order(30)).await).await;
    refused(store, async |work| work.orders().pay(&payment(&order(30), "pi_1")).await).await;
    refused(store, async |work| work.subscriptions().insert(&subscription(30)).await).await;
    refused(store, async |work| work.subscriptions().update(&subscription(30)).await).await;
    refused(store, async |work| {
        work.customers().remember(ACME, ProviderName::Stripe, "cus_1", at(0)).await
    })
    .await;
    refused(store, async |work| work.customers().forget(ACME, ProviderName::Stripe, "cus_1").await)
        .await;

    // A move names no workspace: to others the lot is not there.
    let theft = GrantMove { grant: lot.id, remaining: credits(-1), held: credits(0) };
    let mut work = store.begin(FOREIGN, Durability::Power).await.expect("begin");
    let moved = work.ledger().move_grants(&[theft]).await;
    assert!(moved.is_err(), "{moved:?}");
    drop(work);
    assert_eq!(grants(store).await, before);
    assert_eq!(find_hold(store, 20).await.map(|hold| hold.state), Some(HoldState::Open));
    assert_eq!(balance(store).await, whole(6, 4, 0));
}

async fn refused(
    store: &dyn Store,
    write: impl AsyncFnOnce(&mut dyn UnitOfWork) -> Result<(), StoreError>,
) {
    let mut work = store.begin(FOREIGN, Durability::Power).await.expect("begin");
    let outcome = write(work.as_mut()).await;
    assert!(matches!(outcome, Err(StoreError::Corrupt { .. })), "{outcome:?}");
}
