//! What use cases of the ledger do, step by step, as promises need it.
use cape_domain::{
    billing::{
        Balance, CreditGrant, Credits, EndedHold, GrantMove, Hold, Overage, Posted, Transaction,
        allocate, hold as hold_posting, release as release_posting,
        settlement as settlement_posting,
    },
    ids::{HoldId, WorkspaceId},
    store::{Durability, Scope, Store, StoreError, UnitOfWork},
    time::Timestamp,
};

use super::super::OWN;
use crate::fixtures::{ACME, at, head, hold, id};

/// What a workspace has.
pub(super) async fn balance_in(store: &dyn Store, scope: Scope, own: WorkspaceId) -> Balance {
    let mut work = store.read(scope).await.expect("read");
    work.ledger().balance(own).await.expect("balance")
}

/// What ACME has.
pub(super) async fn balance(store: &dyn Store) -> Balance {
    balance_in(store, OWN, ACME).await
}

/// Available, held and owed, in whole credits.
pub(super) fn whole(available: i64, held: i64, receivable: i64) -> Balance {
    let [available, held, receivable] = [available, held, receivable].map(crate::fixtures::credits);
    Balance { available, held, receivable }
}

/// The lots of ACME of which something remains, in the order of their ids.
pub(super) async fn grants(store: &dyn Store) -> Vec<CreditGrant> {
    let mut work = store.read(OWN).await.expect("read");
    let mut found = work.ledger().grants(ACME).await.expect("grants");
    found.sort_by_key(|grant| grant.id);
    found
}

/// The hold with this number.
pub(super) async fn find_hold(store: &dyn Store, number: u32) -> Option<Hold> {
    let mut work = store.read(OWN).await.expect("read");
    work.ledger().hold(HoldId::new(id(number.into()))).await.expect("hold")
}

/// Posts in a unit of work of its own, which is committed even where something was short.
pub(super) async fn post(
    store: &dyn Store,
    scope: Scope,
    transactions: &[Transaction],
) -> Result<Posted, StoreError> {
    let mut work = store.begin(scope, Durability::Process).await?;
    let posted = work.ledger().post(transactions).await?;
    work.commit().await?;
    Ok(posted)
}

/// Moves parts of ACME's lots.
pub(super) async fn move_grants(store: &dyn Store, moves: &[GrantMove]) -> Result<(), StoreError> {
    let mut work = store.begin(OWN, Durability::Process).await?;
    work.ledger().move_grants(moves).await?;
    work.commit().await
}

/// Sets credits of ACME aside; the hold and its transaction have this number. The posting
/// decides who is served, and whoever was takes from the lots. Nothing, where it was short.
pub(super) async fn place(
    store: &dyn Store,
    number: u32,
    amount: Credits,
) -> Result<Option<Hold>, StoreError> {
    let mut work = store.begin(OWN, Durability::Process).await?;
    let placed = HoldId::new(id(number.into()));
    let posting = hold_posting(head(number), placed, amount).expect("something to hold");
    match work.ledger().post(&[posting]).await? {
        Posted::Short { .. } => return Ok(None),
        Posted::Done => {}
    }
    let lots = work.ledger().grants(ACME).await?;
    let taken = allocate(&lots, amount, at(number.into())).expect("lots are what is available");
    let moves: Vec<_> = taken.iter().map(|each| each.reserve().expect("in range")).collect();
    let placed = hold(number, taken);
    work.ledger().insert_hold(&placed).await?;
    work.ledger().move_grants(&moves).await?;
    work.commit().await?;
    Ok(Some(placed))
}

/// Pays for what a hold covers and for what it does not; the transaction has this number.
pub(super) async fn settle(
    store: &dyn Store,
    placed: &Hold,
    number: u32,
    used: Credits,
    cost_pico_usd: i64,
) -> Result<(), StoreError> {
    let (_, _, now) = head(number);
    let ended = placed.clone().settle(used, now).expect("in range").expect("an open hold");
    let mut work = begin_locked(store).await?;
    work.ledger().end_hold(&ended.hold).await?;
    work.ledger().move_grants(&ended.settlement.grant_moves().expect("in range")).await?;
    let overage = pay_beyond(work.as_mut(), &ended, now).await?;
    let posting =
        settlement_posting(head(number), placed.id, &ended.settlement, overage, cost_pico_usd);
    let posted = work.ledger().post(&[posting.expect("something moves")]).await?;
    assert_eq!(posted, Posted::Done, "what is held and locked is there");
    work.commit().await
}

/// Gives a hold back; the transaction has this number.
pub(super) async fn release(
    store: &dyn Store,
    placed: &Hold,
    number: u32,
) -> Result<(), StoreError> {
    let (_, _, now) = head(number);
    let ended = placed.clone().release(now).expect("in range").expect("an open hold");
    let mut work = begin_locked(store).await?;
    work.ledger().end_hold(&ended.hold).await?;
    work.ledger().move_grants(&ended.settlement.grant_moves().expect("in range")).await?;
    let posting = release_posting(head(number), placed.id, placed.amount).expect("held");
    let posted = work.ledger().post(&[posting]).await?;
    assert_eq!(posted, Posted::Done, "what is held is there");
    work.commit().await
}

async fn begin_locked(store: &dyn Store) -> Result<Box<dyn UnitOfWork>, StoreError> {
    let mut work = store.begin(OWN, Durability::Process).await?;
    work.ledger().lock(ACME).await?;
    Ok(work)
}

/// Takes what a hold did not cover from what can be used; the rest is owed.
async fn pay_beyond(
    work: &mut dyn UnitOfWork,
    ended: &EndedHold,
    now: Timestamp,
) -> Result<Overage, StoreError> {
    let lots = work.ledger().grants(ACME).await?;
    let spendable = lots.iter().filter(|lot| lot.is_spendable(now));
    let spendable = spendable.map(|lot| lot.remaining.micros()).sum();
    let beyond = Overage::split(ended.settlement.beyond, Credits::from_micros(spendable));
    let beyond = beyond.expect("in range");
    let taken = allocate(&lots, beyond.from_available, now).expect("spendable");
    let moves: Vec<_> = taken.iter().map(|each| each.spend().expect("in range")).collect();
    work.ledger().move_grants(&moves).await?;
    Ok(beyond)
}
