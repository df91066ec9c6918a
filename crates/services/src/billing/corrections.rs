//! Correcting what was charged by an estimate: the difference is taken or goes back.
use cape_domain::{
    billing::{self, Correction, Credits, NotEnough, Posted, allocate, put_back},
    ids::{HoldId, TransactionId, WorkspaceId},
    store::{BoxError, StoreError, UnitOfWork},
};

use crate::Base;

/// What a call was charged, and what it cost us in million-millionths of a dollar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Charged {
    pub(crate) charge: Credits,
    pub(crate) cost_pico_usd: i64,
}

/// Corrects what was charged for a hold that has ended, and gives the transaction that did it.
/// None, where nothing differs. Of two who correct the same hold, the second meets a conflict.
pub(crate) async fn correct_charge(
    base: &Base,
    work: &mut dyn UnitOfWork,
    workspace: WorkspaceId,
    id: HoldId,
    charged: Charged,
    used: Charged,
) -> Result<Option<TransactionId>, StoreError> {
    if charged == used {
        return Ok(None);
    }
    let now = base.now();
    let debt = work.ledger().lock(workspace).await?.receivable;
    let lots = work.ledger().grants(workspace).await?;
    let more = used.charge.minus(charged.charge).map_err(corrupt)?.max(Credits::ZERO);
    let spendable = match allocate(&lots, more, now) {
        Ok(_) => more,
        Err(NotEnough { spendable }) => spendable,
    };
    let correction = Correction::of_charge(charged.charge, used.charge, spendable, debt);
    let correction = correction.map_err(corrupt)?;
    let mut moves = Vec::new();
    for taken in allocate(&lots, correction.taken.from_available, now).map_err(corrupt)? {
        moves.push(taken.spend().map_err(corrupt)?);
    }
    if correction.to_available.is_positive() {
        let hold = work.ledger().hold(id).await?.ok_or(StoreError::Conflict { what: "hold" })?;
        let paid = hold.paid().map_err(corrupt)?;
        let lots = work.ledger().used_grants(workspace).await?;
        let back = put_back(correction.to_available, &paid, &lots).map_err(corrupt)?;
        moves.extend(back.iter().map(billing::Allocation::give_back));
    }
    let cost = used.cost_pico_usd.checked_sub(charged.cost_pico_usd);
    let cost = cost.ok_or_else(|| corrupt(billing::OutOfRange))?;
    let head = (TransactionId::next(&*base.ids), workspace, now);
    let transaction = billing::correction(head, id, &correction, cost).map_err(corrupt)?;
    match super::post(work, std::slice::from_ref(&transaction)).await? {
        Posted::Done => {}
        Posted::Short { .. } => return Err(StoreError::Conflict { what: "balance" }),
    }
    work.ledger().move_grants(&moves).await?;
    Ok(Some(transaction.id))
}

fn corrupt<E: Into<BoxError>>(error: E) -> StoreError {
    StoreError::Corrupt { what: "correction", source: error.into() }
}
