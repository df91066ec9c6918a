//! Postings and balances.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    billing::{
        Account, Balance, Correction, Credits, Overage, Posted, Settlement, Transaction,
        TransactionKind, Transfer, bonus, correction, debt_repaid, expiry, hold, promotion,
        provider_cost, purchase, refund, release, settlement,
    },
    ids::{CallId, GrantId, HoldId, OrderId, TransactionId, WorkspaceId},
    page::PageRequest,
    store::{Durability, Scope, Store, StoreError},
    time::Timestamp,
};
use futures_util::future::join_all;

use super::{
    super::{
        FOREIGN, OWN,
        conflicts::{is_conflict, retried},
        everything, pages,
    },
    steps::{balance, balance_in, post, whole},
};
use crate::fixtures::{ACME, RIVAL, at, credits, fund, head, id, transaction_id};

/// No account is no credit, not an error.
pub async fn nobody_has_credit_before_it_is_granted(store: &dyn Store) {
    assert_eq!(balance(store).await, Balance::default());
    let posted = post(store, OWN, &[held(10, 1)]).await.expect("post");
    assert_eq!(posted, Posted::Short { balance: Balance::default() });
    assert_eq!(listed(store, OWN, ACME, everything()).await, []);
}

/// Before the unit of work ends for itself, afterwards for everybody, and dropped for nobody.
pub async fn what_is_posted_is_in_the_balance(store: &dyn Store) {
    let mut work = store.begin(OWN, Durability::Power).await.expect("begin");
    assert_eq!(work.ledger().post(&[bought(10, 5)]).await.expect("post"), Posted::Done);
    assert_eq!(work.ledger().balance(ACME).await.expect("balance"), whole(5, 0, 0));
    assert_eq!(balance(store).await, Balance::default());
    work.commit().await.expect("commit");
    assert_eq!(balance(store).await, whole(5, 0, 0));
    let mut work = store.begin(OWN, Durability::Power).await.expect("begin");
    assert_eq!(work.ledger().post(&[bought(11, 5)]).await.expect("post"), Posted::Done);
    drop(work);
    assert_eq!(balance(store).await, whole(5, 0, 0));
    assert_eq!(listed(store, OWN, ACME, everything()).await, [bought(10, 5)]);
}

/// Neither later nor in the same breath, whatever else is different.
pub async fn the_same_key_is_never_posted_twice(store: &dyn Store) {
    let first = bought(10, 5);
    assert_eq!(post(store, OWN, std::slice::from_ref(&first)).await.expect("post"), Posted::Done);
    let again = Transaction { key: first.key.clone(), ..bought(11, 7) };
    for again in [vec![again.clone()], vec![bought(12, 1), again], vec![first.clone()]] {
        let second = post(store, OWN, &again).await;
        assert!(is_conflict(&second), "{second:?}");
    }
    let twin = Transaction { key: bought(13, 1).key, ..bought(14, 1) };
    let both = post(store, OWN, &[bought(13, 1), twin]).await;
    assert!(is_conflict(&both), "{both:?}");
    assert_eq!(balance(store).await, whole(5, 0, 0));
    assert_eq!(listed(store, OWN, ACME, everything()).await, [first]);
}

/// The key decides, not who was first to look.
pub async fn of_eight_who_post_the_same_key_one_succeeds(store: &dyn Store) {
    let key = bought(10, 5).key;
    let twins: Vec<_> =
        (20..28).map(|number| [Transaction { key: key.clone(), ..bought(number, 5) }]).collect();
    let outcomes = join_all(twins.iter().map(|twin| post(store, OWN, twin))).await;
    let won = outcomes.iter().filter(|outcome| matches!(outcome, Ok(Posted::Done))).count();
    let told = outcomes.iter().filter(|outcome| is_conflict(outcome)).count();
    assert_eq!((won, told), (1, 7), "{outcomes:?}");
    assert_eq!(balance(store).await, whole(5, 0, 0));
}

/// What fits does not go in alone, and its key stays free.
pub async fn of_several_transactions_all_are_posted_or_none(store: &dyn Store) {
    fund(store, ACME, 10, credits(10)).await.expect("fund");
    let posted = post(store, OWN, &[held(11, 6), held(12, 6)]).await.expect("post");
    assert_eq!(posted, Posted::Short { balance: whole(10, 0, 0) });
    assert_eq!(balance(store).await, whole(10, 0, 0));
    assert_eq!(listed(store, OWN, ACME, everything()).await.len(), 1);
    let mut work = store.begin(OWN, Durability::Process).await.expect("begin");
    let short = work.ledger().post(&[held(11, 6), held(12, 6)]).await.expect("post");
    assert_eq!(short, Posted::Short { balance: whole(10, 0, 0) });
    let fits = work.ledger().post(&[held(11, 6), held(12, 4)]).await.expect("post");
    assert_eq!(fits, Posted::Done, "the same work goes on after a refusal");
    work.commit().await.expect("commit");
    assert_eq!(balance(store).await, whole(0, 10, 0));
}

/// Nobody pays for another who cannot.
pub async fn of_several_workspaces_all_are_served_or_none(store: &dyn Store) {
    fund(store, ACME, 10, credits(10)).await.expect("fund");
    fund(store, RIVAL, 11, credits(1)).await.expect("fund");
    for both in [[held(20, 5), foreign_held(21, 2)], [foreign_held(21, 2), held(20, 5)]] {
        let posted = post(store, Scope::Platform, &both).await.expect("post");
        assert_eq!(posted, Posted::Short { balance: whole(1, 0, 0) });
        assert_eq!(balance(store).await, whole(10, 0, 0));
        assert_eq!(balance_in(store, FOREIGN, RIVAL).await, whole(1, 0, 0));
    }
    let both = [foreign_held(21, 1), held(20, 5)];
    assert_eq!(post(store, Scope::Platform, &both).await.expect("post"), Posted::Done);
    assert_eq!(balance(store).await, whole(5, 5, 0));
    assert_eq!(balance_in(store, FOREIGN, RIVAL).await, whole(0, 1, 0));
}

/// Nothing at all, and accounts of two tenants.
pub async fn a_transaction_that_makes_no_sense_is_refused(store: &dyn Store) {
    fund(store, ACME, 10, credits(10)).await.expect("fund");
    let gift = Transfer::new(Account::Available(ACME), Account::Available(RIVAL), 1);
    let crossing = Transaction { transfers: vec![gift.expect("sound")], ..held(11, 1) };
    for wrong in [Transaction { transfers: vec![], ..held(11, 1) }, crossing] {
        for scope in [OWN, Scope::Platform] {
            let refused = post(store, scope, std::slice::from_ref(&wrong)).await;
            assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
        }
    }
    assert_eq!(balance(store).await, whole(10, 0, 0));
    assert_eq!(balance_in(store, FOREIGN, RIVAL).await, Balance::default());
}

/// An amount that does not fit is an error, and nothing changes.
pub async fn a_balance_never_wraps_around(store: &dyn Store) {
    fund(store, ACME, 10, credits(10)).await.expect("fund");
    let everything_there_is = Credits::from_micros(i64::MAX);
    let beyond = purchase(head(11), OrderId::new(id(11)), everything_there_is).expect("sound");
    let refused = post(store, OWN, std::slice::from_ref(&beyond)).await;
    assert!(refused.is_err() && !is_conflict(&refused), "{refused:?}");
    let half = Credits::from_micros(i64::MAX / 2 + 1);
    let half = |number| purchase(head(number), OrderId::new(id(number.into())), half);
    let twice = post(store, OWN, &[half(12).expect("sound"), half(13).expect("sound")]).await;
    assert!(twice.is_err() && !is_conflict(&twice), "{twice:?}");
    let hold = hold(head(14), HoldId::new(id(14)), everything_there_is).expect("sound");
    let short = post(store, OWN, &[hold]).await.expect("post");
    assert_eq!(short, Posted::Short { balance: whole(10, 0, 0) });
    assert_eq!(balance(store).await, whole(10, 0, 0));
}

/// With every transfer, in its order.
pub async fn transactions_of_every_kind_are_read_back(store: &dyn Store) {
    let all = one_of_each();
    for transaction in &all {
        let posted = post(store, OWN, std::slice::from_ref(transaction)).await.expect("post");
        assert_eq!(posted, Posted::Done, "{transaction:?}");
    }
    let mut kinds: Vec<_> = all.iter().map(|transaction| transaction.kind).collect();
    kinds.sort_by_key(|kind| TransactionKind::ALL.iter().position(|other| other == kind));
    kinds.dedup();
    assert_eq!(kinds, TransactionKind::ALL, "each kind is tried");
    let mut expected = all;
    expected.reverse();
    assert_eq!(listed(store, OWN, ACME, everything()).await, expected);
}

/// By the moment, then by the id, without a gap or a repetition, and nobody else's.
pub async fn transactions_are_listed_newest_first_page_by_page(store: &dyn Store) {
    let same = at(100);
    let moments = [at(50), same, same, same, at(99)];
    let all: Vec<_> =
        (10..).zip(moments).map(|(n, at)| Transaction { at, ..bought(n, 1) }).collect();
    for transaction in &all {
        let posted = post(store, OWN, std::slice::from_ref(transaction)).await.expect("post");
        assert_eq!(posted, Posted::Done);
    }
    fund(store, RIVAL, 90, credits(1)).await.expect("fund");
    let expected: Vec<_> = [3, 2, 1, 4, 0].map(|place| all[place].clone()).into();
    for limit in 1..=5 {
        let found = pages(limit, async |page| {
            let mut work = store.read(OWN).await.expect("read");
            work.ledger().transactions(ACME, page).await.expect("transactions")
        });
        assert_eq!(found.await, expected);
    }
}

/// Two halve what they see, and each sees what the other left.
pub async fn whoever_locks_a_balance_loses_no_update(store: &dyn Store) {
    fund(store, ACME, 10, credits(16)).await.expect("fund");
    let halve = async |number: u32| {
        retried(async || {
            let mut work = store.begin(OWN, Durability::Process).await?;
            let seen = work.ledger().lock(ACME).await?.available;
            tokio::task::yield_now().await;
            let half = Credits::from_micros(seen.micros() / 2);
            let half = hold(head(number), HoldId::new(id(number.into())), half).expect("sound");
            let posted = work.ledger().post(&[half]).await?;
            work.commit().await.map(|()| posted)
        })
        .await
        .expect("halve")
    };
    assert_eq!(tokio::join!(halve(11), halve(12)), (Posted::Done, Posted::Done));
    assert_eq!(balance(store).await, whole(4, 12, 0));
}

async fn listed(
    store: &dyn Store,
    scope: Scope,
    workspace: WorkspaceId,
    page: PageRequest,
) -> Vec<Transaction> {
    let mut work = store.read(scope).await.expect("read");
    work.ledger().transactions(workspace, page).await.expect("transactions").rows
}

fn bought(number: u32, amount: i64) -> Transaction {
    let order = OrderId::new(id(number.into()));
    purchase(head(number), order, credits(amount)).expect("sound")
}

fn held(number: u32, amount: i64) -> Transaction {
    hold(head(number), HoldId::new(id(number.into())), credits(amount)).expect("sound")
}

fn foreign_held(number: u32, amount: i64) -> Transaction {
    let head: (TransactionId, _, Timestamp) =
        (transaction_id(number.into()), RIVAL, at(number.into()));
    hold(head, HoldId::new(id(number.into())), credits(amount)).expect("sound")
}

/// In an order in which each finds what it takes.
fn one_of_each() -> Vec<Transaction> {
    let (order, lot) = (OrderId::new(id(10)), GrantId::new(id(10)));
    let (first, second) = (HoldId::new(id(10)), HoldId::new(id(11)));
    let used = Settlement {
        used: credits(26),
        from_hold: credits(17),
        released: credits(3),
        beyond: credits(9),
        grants: vec![],
    };
    let overage = Overage { from_available: credits(4), owed: credits(5) };
    let micro = Credits::from_micros(1);
    let more = Overage { from_available: micro, owed: credits(2) };
    let more = Correction { taken: more, ..Correction::default() };
    let less = Correction { to_available: micro, to_debt: credits(2), ..Correction::default() };
    let all = [
        purchase(head(10), order, credits(100)),
        bonus(head(11), order, micro),
        promotion(head(12), "welcome", credits(5)),
        hold(head(13), first, credits(20)),
        settlement(head(14), first, &used, overage, 987_654_321_012_345),
        debt_repaid(head(15), lot, credits(5)),
        hold(head(16), second, credits(10)),
        release(head(17), second, credits(10)),
        expiry(head(18), lot, credits(3)),
        refund(head(19), order, credits(7), credits(2)),
        provider_cost(head(20), CallId::new(id(10)), 1),
        correction(head(21), first, &more, 987_654_321_012_345),
        correction(head(22), second, &less, -987_654_321_012_345),
    ];
    all.into_iter().map(|transaction| transaction.expect("sound")).collect()
}
