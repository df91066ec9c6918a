//! Orders, and the money that arrives for them.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    billing::{Credits, Currency, Money, Order, OrderState, Payment},
    ids::PaymentId,
    store::{Durability, Store, StoreError},
};
use futures_util::future::join_all;

use super::super::{OWN, conflicts::is_conflict};
use crate::fixtures::{at, credits, id, order, payment};

/// With everything in it, and a version that grows with each change.
pub async fn an_order_is_read_back_in_each_state(store: &dyn Store) {
    let placed = Order {
        pack: "large".to_owned(),
        credits: Credits::from_micros(9_007_199_254_740_993),
        bonus: credits(1_000),
        price: Money::from_minor(189_900, Currency::ZAR),
        ..order(10)
    };
    insert(store, &placed).await.expect("insert");
    assert_eq!(find(store, &placed).await, Some(placed.clone()));
    for (version, state) in (0..).zip(states()) {
        let changed = Order { state, version, ..placed.clone() };
        update(store, &changed).await.expect("update");
        let version = version + 1;
        assert_eq!(find(store, &placed).await, Some(Order { version, ..changed }));
    }
    assert_eq!(find(store, &order(11)).await, None);
}

/// A second one with the same id is a conflict, and the first stays.
pub async fn an_order_is_placed_once(store: &dyn Store) {
    insert(store, &order(10)).await.expect("insert");
    let again = insert(store, &Order { pack: "large".to_owned(), ..order(10) }).await;
    assert!(is_conflict(&again), "{again:?}");
    assert_eq!(find(store, &order(10)).await, Some(order(10)));
}

/// One that was never placed likewise.
pub async fn a_stale_change_of_an_order_is_a_conflict(store: &dyn Store) {
    let [open, paid, ..] = states();
    insert(store, &order(10)).await.expect("insert");
    let first = Order { state: open, ..order(10) };
    update(store, &first).await.expect("update");
    for version in [0, 2] {
        let stale = Order { state: paid.clone(), version, ..order(10) };
        let refused = update(store, &stale).await;
        assert!(is_conflict(&refused), "{refused:?}");
    }
    assert_eq!(find(store, &order(10)).await, Some(Order { version: 1, ..first }));
    let unknown = update(store, &order(11)).await;
    assert!(is_conflict(&unknown), "{unknown:?}");
}

/// Both loaded the same version; the second to commit learns of it.
pub async fn of_two_writers_of_an_order_one_is_told(store: &dyn Store) {
    insert(store, &order(10)).await.expect("insert");
    let loaded = find(store, &order(10)).await.expect("there");
    let [open, ..] = states();
    let opened = Order { state: open, ..loaded.clone() };
    let failed = loaded.fail(at(20)).expect("never opened");
    let outcomes = [tokio::join!(update(store, &opened), update(store, &failed))];
    let [(one, other)] = &outcomes;
    assert!(one.is_ok() != other.is_ok(), "{outcomes:?}");
    assert!(is_conflict(one) || is_conflict(other), "{outcomes:?}");
    let won = if one.is_ok() { opened } else { failed };
    assert_eq!(find(store, &won).await, Some(Order { version: 1, ..won }));
}

/// Whatever order it is said to be for.
pub async fn a_payment_reference_is_stored_once(store: &dyn Store) {
    insert(store, &order(10)).await.expect("insert");
    insert(store, &order(11)).await.expect("insert");
    assert_eq!(paid(store, &order(10)).await, None);
    let first = payment(&order(10), "pi_1");
    pay(store, &first).await.expect("pay");
    assert_eq!(paid(store, &order(10)).await, Some(first.clone()));
    let again = pay(store, &payment(&order(11), "pi_1")).await;
    assert!(is_conflict(&again), "{again:?}");
    assert_eq!(paid(store, &order(11)).await, None);
    pay(store, &payment(&order(11), "pi_2")).await.expect("another payment");
    assert_eq!(paid(store, &order(10)).await, Some(first));
}

/// Whatever the payment is called.
pub async fn an_order_is_paid_once(store: &dyn Store) {
    insert(store, &order(10)).await.expect("insert");
    let first = payment(&order(10), "pi_1");
    pay(store, &first).await.expect("pay");
    let second = Payment { id: PaymentId::new(id(99)), ..payment(&order(10), "pi_2") };
    let again = pay(store, &second).await;
    assert!(is_conflict(&again), "{again:?}");
    assert_eq!(paid(store, &order(10)).await, Some(first));
}

/// The rows decide, not who was first to look.
pub async fn of_eight_who_store_the_same_payment_one_succeeds(store: &dyn Store) {
    insert(store, &order(10)).await.expect("insert");
    let twins = (20..28)
        .map(|number| Payment { id: PaymentId::new(id(number)), ..payment(&order(10), "pi_1") });
    let twins: Vec<_> = twins.collect();
    let outcomes = join_all(twins.iter().map(|twin| pay(store, twin))).await;
    let won: Vec<_> = outcomes.iter().zip(&twins).filter(|(outcome, _)| outcome.is_ok()).collect();
    let told = outcomes.iter().filter(|outcome| is_conflict(outcome)).count();
    assert_eq!((won.len(), told), (1, 7), "{outcomes:?}");
    assert_eq!(paid(store, &order(10)).await.as_ref(), Some(won[0].1));
}

fn states() -> [OrderState; 5] {
    let checkout = || "cs_test_a1B2".to_owned();
    let url = "https://checkout.example/c/pay/cs_test_a1B2#fid=a%2Fb&x=1".to_owned();
    [
        OrderState::Open { checkout: checkout(), url },
        OrderState::Paid { checkout: checkout(), payment: PaymentId::new(id(12)), at: at(20) },
        OrderState::Expired { checkout: checkout(), at: at(21) },
        OrderState::Failed { at: at(22) },
        OrderState::Intended,
    ]
}

async fn insert(store: &dyn Store, order: &Order) -> Result<(), StoreError> {
    let mut work = store.begin(OWN, Durability::Power).await?;
    work.orders().insert(order).await?;
    work.commit().await
}

async fn update(store: &dyn Store, order: &Order) -> Result<(), StoreError> {
    let mut work = store.begin(OWN, Durability::Power).await?;
    work.orders().update(order).await?;
    work.commit().await
}

async fn pay(store: &dyn Store, payment: &Payment) -> Result<(), StoreError> {
    let mut work = store.begin(OWN, Durability::Power).await?;
    work.orders().pay(payment).await?;
    work.commit().await
}

async fn find(store: &dyn Store, like: &Order) -> Option<Order> {
    let mut work = store.read(OWN).await.expect("read");
    work.orders().find(like.id).await.expect("find")
}

async fn paid(store: &dyn Store, order: &Order) -> Option<Payment> {
    let mut work = store.read(OWN).await.expect("read");
    work.orders().payment(order.id).await.expect("payment")
}
