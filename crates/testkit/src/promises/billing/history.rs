//! The proof of the ledger.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    billing::{
        Allocation, CreditGrant, GrantMove, GrantSource, HoldState, LedgerRepository, Order,
        OrderState, Posted, Transaction, Violation, bonus, debt_repaid, expiry,
        hold as hold_posting, provider_cost, purchase, release as release_posting,
    },
    ids::{CallId, TransactionId},
    store::{Durability, Scope, Store, StoreError},
};

use super::{
    super::{FOREIGN, OWN},
    steps::{balance, balance_in, grants, place, post, release, settle, whole},
};
use crate::fixtures::{
    ACME, RIVAL, at, credits, fund, give, grant, head, hold, id, order, payment,
};

/// A workspace that did everything there is: it was given credits, ran into debt, bought,
/// paid its debt, held, settled, gave back, and let credits expire.
pub async fn a_clean_history_has_no_violations(store: &dyn Store) {
    assert_clean(store).await;
    fund(store, RIVAL, 10, credits(3)).await.expect("fund");
    let gift = CreditGrant {
        expires_at: Some(at(1_000)),
        ..grant(11, GrantSource::Promotion, credits(20))
    };
    give(store, &gift).await.expect("promotion");
    let dear = place(store, 20, credits(15)).await.expect("place").expect("admitted");
    settle(store, &dear, 30, credits(24), 123_456).await.expect("overage");
    assert_eq!(balance(store).await, whole(0, 0, 4));
    assert_clean(store).await;
    buy_and_repay(store).await.expect("purchase");
    assert_eq!(balance(store).await, whole(596, 0, 0));
    let cheap = place(store, 50, credits(10)).await.expect("place").expect("admitted");
    settle(store, &cheap, 51, credits(6), 77).await.expect("settle");
    let given_back = place(store, 52, credits(10)).await.expect("place").expect("admitted");
    release(store, &given_back, 53).await.expect("release");
    place(store, 54, credits(50)).await.expect("place").expect("admitted");
    assert_clean(store).await;
    expire_what_is_left(store).await.expect("expiry");
    let free = provider_cost(head(61), CallId::new(id(61)), 1_000).expect("sound");
    assert_eq!(post(store, OWN, &[free]).await.expect("post"), Posted::Done);
    // The bonus: 100, of which 4 paid the debt, 6 a call, and 50 are held.
    assert_eq!(balance(store).await, whole(500, 50, 0));
    assert_eq!(grants(store).await.len(), 1, "what was bought is left");
    assert_clean(store).await;
    assert_eq!(balance_in(store, FOREIGN, RIVAL).await, whole(3, 0, 0));
}

/// A lot without a posting, a posting without a lot, a hold without either: whatever does not
/// add up is told, nobody else is blamed, and all is well as soon as it adds up.
pub async fn a_ledger_that_does_not_add_up_is_found_out(store: &dyn Store) {
    fund(store, RIVAL, 10, credits(3)).await.expect("fund");
    let one = credits(1);
    let bought = |number| purchase(head(number), order(number).id, one).expect("sound");
    let lot = |number| grant(number, GrantSource::Purchase, one);
    write(store, async |ledger| ledger.insert_grant(&lot(20)).await).await;
    assert_found_out(store).await;
    write(store, async |ledger| done(ledger, bought(20)).await).await;
    assert_clean(store).await;
    write(store, async |ledger| done(ledger, bought(21)).await).await;
    assert_found_out(store).await;
    write(store, async |ledger| ledger.insert_grant(&lot(21)).await).await;
    assert_clean(store).await;

    let taken = Allocation { grant: lot(21).id, amount: one };
    let placed = hold(30, vec![taken]);
    let reserved = taken.reserve().expect("in range");
    let posting = hold_posting(head(30), placed.id, one).expect("sound");
    write(store, async |ledger| ledger.insert_hold(&placed).await).await;
    assert_found_out(store).await;
    write(store, async |ledger| ledger.move_grants(&[reserved]).await).await;
    assert_found_out(store).await;
    write(store, async |ledger| done(ledger, posting).await).await;
    assert_clean(store).await;

    let ended = placed.clone().release(at(40)).expect("in range").expect("open");
    let moves: Vec<GrantMove> = ended.settlement.grant_moves().expect("in range");
    let posting = release_posting(head(40), placed.id, one).expect("sound");
    assert_eq!(ended.hold.state, HoldState::Released { at: at(40) });
    write(store, async |ledger| ledger.end_hold(&ended.hold).await).await;
    assert_found_out(store).await;
    write(store, async |ledger| ledger.move_grants(&moves).await).await;
    assert_found_out(store).await;
    write(store, async |ledger| done(ledger, posting).await).await;
    assert_clean(store).await;
}

/// Buys 500 credits with 100 on top, out of which the debt of 4 is paid first.
async fn buy_and_repay(store: &dyn Store) -> Result<(), StoreError> {
    let bought = Order { bonus: credits(100), ..order(40) };
    let received = payment(&bought, "pi_40");
    let state =
        OrderState::Paid { checkout: "cs_40".to_owned(), payment: received.id, at: received.at };
    let bought = Order { state, ..bought };
    let lot =
        CreditGrant { order: Some(bought.id), ..grant(40, GrantSource::Purchase, bought.credits) };
    let on_top = CreditGrant {
        order: Some(bought.id),
        expires_at: Some(at(1_000)),
        ..grant(41, GrantSource::Bonus, bought.bonus)
    };
    let repaid = Allocation { grant: on_top.id, amount: credits(4) };
    let postings = [
        purchase(head(40), bought.id, bought.credits).expect("sound"),
        bonus(head(41), bought.id, bought.bonus).expect("sound"),
        debt_repaid(head(42), on_top.id, repaid.amount).expect("sound"),
    ];
    let mut work = store.begin(OWN, Durability::Power).await?;
    work.orders().insert(&bought).await?;
    work.orders().pay(&received).await?;
    assert_eq!(work.ledger().lock(ACME).await?.receivable, repaid.amount);
    assert_eq!(work.ledger().post(&postings).await?, Posted::Done);
    work.ledger().insert_grant(&lot).await?;
    work.ledger().insert_grant(&on_top).await?;
    work.ledger().move_grants(&[repaid.spend().expect("in range")]).await?;
    work.commit().await
}

async fn expire_what_is_left(store: &dyn Store) -> Result<(), StoreError> {
    let now = at(1_000);
    let mut work = store.begin(OWN, Durability::Power).await?;
    work.ledger().lock(ACME).await?;
    for (number, lot) in (70..).zip(work.ledger().expired_grants(now, 10).await?) {
        let lost = Allocation { grant: lot.id, amount: lot.expired(now) };
        let head = (TransactionId::new(id(number)), ACME, now);
        let posting = expiry(head, lot.id, lost.amount).expect("something is left");
        assert_eq!(work.ledger().post(&[posting]).await?, Posted::Done);
        work.ledger().move_grants(&[lost.spend().expect("in range")]).await?;
    }
    work.commit().await
}

async fn done(ledger: &mut dyn LedgerRepository, posting: Transaction) -> Result<(), StoreError> {
    assert_eq!(ledger.post(&[posting]).await?, Posted::Done);
    Ok(())
}

/// One write to ACME's ledger, without what belongs to it.
async fn write(
    store: &dyn Store,
    step: impl AsyncFnOnce(&mut dyn LedgerRepository) -> Result<(), StoreError>,
) {
    let mut work = store.begin(OWN, Durability::Power).await.expect("begin");
    step(work.ledger()).await.expect("write");
    work.commit().await.expect("commit");
}

async fn assert_clean(store: &dyn Store) {
    for scope in [OWN, FOREIGN, Scope::Platform] {
        assert_eq!(violations(store, scope).await, [], "{scope:?}");
    }
}

async fn assert_found_out(store: &dyn Store) {
    for scope in [OWN, Scope::Platform] {
        let found = violations(store, scope).await;
        assert!(!found.is_empty(), "{scope:?}");
        assert!(found.iter().all(|violation| !violation.invariant.is_empty()));
    }
    assert_eq!(violations(store, FOREIGN).await, []);
}

async fn violations(store: &dyn Store, scope: Scope) -> Vec<Violation> {
    let mut work = store.read(scope).await.expect("read");
    work.ledger_audit().violations().await.expect("violations")
}
