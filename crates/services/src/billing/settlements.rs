//! Ending a hold: what was used is paid, the rest goes back.
use cape_domain::{
    billing::{
        self, Credits, EndedHold, GrantMove, Hold, InvalidHold, InvalidTransaction, NotEnough,
        OutOfRange, Overage, Posted, Settlement, allocate,
    },
    ids::TransactionId,
    store::{BoxError, StoreError, UnitOfWork},
    time::Timestamp,
};

use crate::Base;

/// Ends a hold with what was used, and gives the transaction that paid for it. What the hold
/// did not cover is taken from what is available, and the rest is owed. Of two who end the same
/// hold, the second meets a conflict.
pub(crate) async fn close_hold(
    base: &Base,
    work: &mut dyn UnitOfWork,
    hold: Hold,
    used: Option<Credits>,
    cost_pico_usd: i64,
) -> Result<TransactionId, StoreError> {
    let now = base.now();
    let id = hold.id;
    let head = (TransactionId::next(&*base.ids), hold.workspace, now);
    let ended = match used {
        Some(used) => hold.settle(used, now),
        None => hold.release(now),
    };
    let Some(EndedHold { hold, settlement }) = ended.map_err(corrupt::<InvalidHold>)? else {
        return Err(StoreError::Conflict { what: "hold" });
    };
    work.ledger().end_hold(&hold).await?;
    let mut moves = settlement.grant_moves().map_err(corrupt::<OutOfRange>)?;
    let overage = cover(work, &hold, &settlement, now, &mut moves).await?;
    let transaction = match used {
        Some(_) => billing::settlement(head, id, &settlement, overage, cost_pico_usd),
        None => billing::release(head, id, hold.amount),
    };
    let transaction = transaction.map_err(corrupt::<InvalidTransaction>)?;
    match super::post(work, std::slice::from_ref(&transaction)).await? {
        Posted::Done => {}
        Posted::Short { .. } => return Err(StoreError::Conflict { what: "balance" }),
    }
    work.ledger().move_grants(&moves).await?;
    Ok(transaction.id)
}

/// Decides who pays for what the hold did not cover.
async fn cover(
    work: &mut dyn UnitOfWork,
    hold: &Hold,
    settlement: &Settlement,
    now: Timestamp,
    moves: &mut Vec<GrantMove>,
) -> Result<Overage, StoreError> {
    if !settlement.beyond.is_positive() {
        return Ok(Overage::default());
    }
    work.ledger().lock(hold.workspace).await?;
    let grants = work.ledger().grants(hold.workspace).await?;
    let spendable = match allocate(&grants, settlement.beyond, now) {
        Ok(_) => settlement.beyond,
        Err(NotEnough { spendable }) => spendable,
    };
    let overage = Overage::split(settlement.beyond, spendable).map_err(corrupt::<OutOfRange>)?;
    let taken = allocate(&grants, overage.from_available, now).map_err(corrupt::<NotEnough>)?;
    for allocation in taken {
        moves.push(allocation.spend().map_err(corrupt::<OutOfRange>)?);
    }
    Ok(overage)
}

fn corrupt<E: Into<BoxError>>(error: E) -> StoreError {
    StoreError::Corrupt { what: "hold", source: error.into() }
}
